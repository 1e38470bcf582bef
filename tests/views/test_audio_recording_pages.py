"""Pages of recordings: uploaded with a sentence for each refusal, listened to, deleted while nothing plays them."""

from io import BytesIO

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import sound
from callcab.models import AudioRecording, Customer
from callcab.scope import Scope
from callcab.services import audio_recording
from tests import factories, sounds
from tests.client import Page
from tests.people import People

SYSTEM = Scope.system("test")
HOME = "/cabinet/audio-recordings/"


def sent(people: People, data: bytes, *, status: int | None = None, name: str = "Акция", file: str = "a.mp3") -> Page:
    form = people.olga.get(f"{HOME}new/").form(has="file")
    return form.submit(status=status, name=name, file=(BytesIO(data), file))


def the_recording() -> AudioRecording:
    with unit_of_work(SYSTEM) as session:
        return session.scalars(sa.select(AudioRecording)).one()


def test_an_uploaded_file_is_listed_and_its_player_plays_a_telephones_sound(people: People) -> None:
    page = sent(people, sounds.tone(12.4))  # larger than one read of a form
    assert "Аудиозапись «Акция» загружена" in page.text
    [row] = page.rows()
    assert {"Акция", "0:13", "0"} <= set(row)
    [player] = page.tree.xpath("//audio")
    assert (player.get("preload"), player.get("controls") is not None) == ("none", True)
    answer = people.olga.get(player.get("src")).response
    assert answer.mimetype == "audio/wav"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert sound.seconds(answer.get_data()) == pytest.approx(12.4, abs=0.01)


def test_a_player_may_ask_for_a_part_so_that_one_can_move_back_and_forth(people: People) -> None:
    sent(people, sounds.tone())
    answer = people.olga.get(f"{HOME}sound/?id={the_recording().id}", status=206, Range="bytes=100-199").response
    assert len(answer.get_data()) == 100


def test_the_content_policy_lets_sounds_come_from_here_alone(people: People) -> None:
    policy = people.olga.get(HOME).response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "media-src" not in policy


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"%PDF-1.4 no sound", "Это не звук, или файл повреждён"),
        (sounds.tone(loudness=0.0), "В записи тишина"),
        (sounds.tone(0.1), "короче половины секунды"),
        (sounds.tone(200, rate=8000, kind="FLAC", loudness=0.0), "длиннее 3 минут"),
    ],
    ids=["other", "silent", "short", "long"],
)
def test_a_refusal_says_what_is_wrong_beside_the_file_and_keeps_the_name(
    people: People, data: bytes, sentence: str
) -> None:
    page = sent(people, data, status=422, name="Весна")
    assert sentence in page.tree.xpath("string(//*[@id='file-error'])")
    assert page.tree.xpath("string(//input[@name='name']/@value)") == "Весна"
    with unit_of_work(SYSTEM) as session:
        assert session.scalars(sa.select(AudioRecording)).all() == []


def test_a_form_without_a_file_asks_for_one(people: People) -> None:
    page = people.olga.get(f"{HOME}new/").form(has="file").submit(status=422, name="Весна")
    assert "Выберите файл" in page.text


def test_a_file_that_is_too_large_is_told_how_to_get_smaller(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio_recording, "LARGEST", 1000)
    assert "Сохраните его в MP3" in sent(people, sounds.tone(), status=422).text


def test_a_recording_is_deleted_after_a_question(people: People) -> None:
    sent(people, sounds.tone())
    page = people.olga.get(HOME).form(has="expect").submit(action="delete", id=str(the_recording().id))
    assert "Удалить 1 аудиозапись?" in page.text
    page = page.form(has="confirmed").submit()
    assert "Аудиозаписей пока нет" in page.text


def test_a_recording_that_a_campaign_plays_is_kept_and_the_page_says_which(people: People) -> None:
    sent(people, sounds.tone())
    row = the_recording()
    with unit_of_work(SYSTEM) as session:
        owner = session.get_one(Customer, people.customer_id)
        factories.campaign(session, owner, name="Майская", prompt="", recording_id=row.id)
    page = people.olga.get(HOME)
    assert page.rows()[0][-3] == "1"
    page = page.form(has="expect").submit(action="delete", id=str(row.id)).form(has="confirmed").submit()
    assert "играют рассылки: «Майская»" in page.text
    assert the_recording().id == row.id


def test_support_sees_and_hears_recordings_and_changes_nothing(people: People) -> None:
    sent(people, sounds.tone())
    page = people.sasha.get("/admin/audio-recordings/")
    assert "Акция" in page.text
    assert people.sasha.get(page.tree.xpath("string(//audio/@src)")).response.mimetype == "audio/wav"
    assert "Удалить" not in page.text
    people.sasha.get("/admin/audio-recordings/new/", status=404)


def test_a_stranger_hears_nothing(people: People) -> None:
    sent(people, sounds.tone())
    people.stranger.get(f"{HOME}sound/?id={the_recording().id}", status=404)
