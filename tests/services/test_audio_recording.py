"""Recordings: what is taken in and kept, whose they are, and when they may go."""

from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import sound
from callcab.lib.errors import Conflict, DomainError, Invalid, LimitReached, NotFound
from callcab.lib.storage import LocalStorage
from callcab.models import AudioRecording, AuditEvent, Campaign, Customer, Purpose, StoredFile
from callcab.scope import Actor, Scope
from callcab.services import audio_recording, stored_file
from tests import factories, sounds

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(stored_file, "_storage", LocalStorage(tmp_path / "files"))
    return tmp_path / "files"


@pytest.fixture
def olga(connected: sa.Engine) -> Actor:
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session)
        user = factories.user(session, owner, "owner")
        return Actor(user.name, "owner", user.id, owner.id)


def added(olga: Actor, name: str = "Акция", *, file_name: str = "ролик.mp3", seconds: float = 2.0) -> int:
    data = audio_recording.read(BytesIO(sounds.tone(seconds)))
    with unit_of_work(Scope.tenant(olga.customer_id)) as session:
        return audio_recording.add(
            session, data, name=name, file_name=file_name, customer_id=olga.customer_id, actor=olga
        ).id


def delete(olga: Actor, recording_id: int) -> None:
    with unit_of_work(Scope.tenant(olga.customer_id)) as session:
        audio_recording.delete(session, recording_id, customer_id=olga.customer_id, actor=olga)


def test_a_recording_is_kept_as_telephones_play_it_with_its_length_and_its_author(olga: Actor) -> None:
    recording_id = added(olga, " Акция   мая ", seconds=2.3)
    with unit_of_work(SYSTEM) as session:
        row = session.get_one(AudioRecording, recording_id)
        assert (row.name, row.seconds, row.author_name) == ("Акция мая", 3, olga.name)
        assert (row.file.expires_at, row.file.content_type) == (None, "audio/wav")
        data = stored_file.path(row.file).read_bytes()
        assert sound.seconds(data) == pytest.approx(2.3, abs=0.01)
        assert len(data) == row.file.size
        assert session.scalars(sa.select(AuditEvent.action)).all() == ["audio_recording.upload"]


def test_a_recording_without_a_name_is_called_as_its_file(olga: Actor) -> None:
    recording_id = added(olga, "", file_name="C:\\Звук\\С праздником.final.mp3")
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(AudioRecording, recording_id).name == "С праздником.final"


def test_a_name_that_is_too_long_is_refused_at_its_field(olga: Actor) -> None:
    with pytest.raises(Invalid) as found:
        added(olga, "а" * 121)
    assert (found.value.code, found.value.field) == ("field.too_long", "name")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "audio_recording.not_audio"),
        (b"no sound at all" * 100, "audio_recording.not_audio"),
        (sounds.tone(181.0, rate=8000, kind="FLAC"), "audio_recording.too_long"),
        (sounds.tone(loudness=0.001), "audio_recording.silent"),
        (sounds.tone(0.2), "audio_recording.too_short"),
        (b"\x00" * (audio_recording.LARGEST + 1), "audio_recording.too_large"),
    ],
    ids=["empty", "text", "long", "silent", "short", "large"],
)
def test_what_callees_could_not_hear_is_refused_and_nothing_stays_on_the_disk(
    files: Path, data: bytes, code: str
) -> None:
    with pytest.raises(Invalid) as found:
        audio_recording.read(BytesIO(data))
    assert (found.value.code, found.value.field) == (code, "file")
    assert [path for path in files.rglob("*") if path.is_file()] == []


def test_a_customer_keeps_a_limited_number_of_recordings(olga: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio_recording, "MOST", 1)
    added(olga)
    with pytest.raises(LimitReached, match="audio_recording.full"):
        added(olga)


def test_a_recording_that_nothing_plays_goes_with_its_file(olga: Actor, files: Path) -> None:
    recording_id = added(olga)
    delete(olga, recording_id)
    with unit_of_work(SYSTEM) as session:
        assert session.scalars(sa.select(AudioRecording)).all() == []
        assert session.scalars(sa.select(StoredFile)).all() == []
        assert "audio_recording.delete" in session.scalars(sa.select(AuditEvent.action)).all()
    assert [path for path in files.rglob("*") if path.is_file()] == []


def test_a_recording_that_a_campaign_plays_stays_and_the_refusal_names_the_campaign(olga: Actor) -> None:
    recording_id = added(olga)
    with unit_of_work(SYSTEM) as session:
        factories.campaign(
            session,
            session.get_one(Customer, olga.customer_id),
            name="Майская",
            prompt="",
            recording_id=recording_id,
        )
    with pytest.raises(Conflict) as found:
        delete(olga, recording_id)
    assert found.value.code == "audio_recording.in_use"
    assert found.value.params == {"name": "Акция", "campaigns": "«Майская»"}


def test_another_customer_neither_finds_chooses_nor_deletes_a_recording(olga: Actor) -> None:
    recording_id = added(olga)
    with unit_of_work(SYSTEM) as session:
        other = factories.customer(session, name="Другие")
        stranger = Actor("Чужой", "owner", None, other.id)
    for act in (
        lambda session: audio_recording.get(session, recording_id, customer_id=stranger.customer_id),
        lambda session: audio_recording.choose(session, recording_id, customer_id=stranger.customer_id),
        lambda session: audio_recording.delete(session, recording_id, customer_id=stranger.customer_id, actor=stranger),
    ):
        # Asked under the system's scope, so that the service alone refuses.
        with pytest.raises(DomainError, match="audio_recording.not_found"), unit_of_work(SYSTEM) as session:
            act(session)


def test_support_finds_anybodys_recording(olga: Actor) -> None:
    recording_id = added(olga)
    with unit_of_work(SYSTEM) as session:
        assert audio_recording.get(session, recording_id, customer_id=None).id == recording_id
        with pytest.raises(NotFound):
            audio_recording.get(session, recording_id + 1, customer_id=None)


@pytest.mark.parametrize("prompt", ["", "Здравствуйте!"])
def test_the_database_refuses_a_campaign_with_no_message_or_with_two(olga: Actor, prompt: str) -> None:
    recording_id = added(olga) if prompt else None
    with pytest.raises(sa.exc.IntegrityError, match="one_message"), unit_of_work(SYSTEM) as session:
        session.add(
            Campaign(
                customer_id=olga.customer_id,
                name="x",
                purpose=Purpose.INFORMATION,
                prompt=prompt,
                recording_id=recording_id,
            )
        )
