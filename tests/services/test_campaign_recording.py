"""Campaigns that play a recording: drawn up, copied, dialled, and listened to before."""

from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import clock, sound
from callcab.lib.errors import Invalid, NotFound, Unavailable
from callcab.lib.storage import LocalStorage
from callcab.models import Campaign, Contact, IvrRule, Purpose
from callcab.providers.speech import NoSpeech
from callcab.providers.telephony.base import Gather, HangUp, Play
from callcab.services import audio_recording, stored_file
from callcab.services import campaign as campaigns
from callcab.services.call.placing import placements
from callcab.services.call.scenario import scenario_of
from callcab.services.campaign import listening
from tests import factories, sounds
from tests.services.dialling import FIRST, NOON, OLGA, SYSTEM, dial, get, settled

pytestmark = pytest.mark.usefixtures("connected")


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_file, "_storage", LocalStorage(tmp_path / "files"))


class Parrot:
    """A voice whose sounds are as long as the text has letters, a tenth of a second each."""

    name = "parrot"

    def __init__(self) -> None:
        self.said: list[str] = []

    def render(self, text: str) -> bytes:
        self.said.append(text)
        return sound.wav(b"\x00\x01" * 800 * len(text))


@pytest.fixture
def voice(monkeypatch: pytest.MonkeyPatch) -> Parrot:
    parrot = Parrot()
    monkeypatch.setattr(listening, "_voice", [parrot])
    return parrot


def recorded(seconds: float = 2.5) -> tuple[int, int]:
    """A draft campaign with a recording; returns the ids of both."""
    owner_id, campaign_id = settled(prompt="Здравствуйте!")
    data = audio_recording.read(BytesIO(sounds.tone(seconds)))
    with unit_of_work(SYSTEM) as session:
        row = audio_recording.add(session, data, name="Акция", file_name="a.mp3", customer_id=owner_id, actor=OLGA)
        campaign = session.get_one(Campaign, campaign_id)
        campaign.prompt, campaign.recording_id = "", row.id
        return campaign_id, row.id


def drawn_up(customer_id: int, **values: object) -> Campaign:
    draft = campaigns.Draft(
        **{"name": "Обзвон", "purpose": Purpose.INFORMATION, "contacts": str(FIRST), **values}  # type: ignore[arg-type]
    )
    with unit_of_work(SYSTEM) as session:
        return campaigns.create(session, draft, customer_id=customer_id, actor=OLGA)


def test_a_recording_takes_the_place_of_the_text_and_its_variables_are_not_asked_for() -> None:
    campaign_id, recording_id = recorded()
    owner_id = get(Campaign, campaign_id).customer_id
    made = drawn_up(owner_id, prompt="Здравствуйте, {имя}!", recording_id=recording_id)
    assert (made.prompt, made.recording_id) == ("", recording_id)


def test_a_campaign_needs_a_text_or_a_recording_of_its_own_customer() -> None:
    _, recording_id = recorded()
    with unit_of_work(SYSTEM) as session:
        other_id = factories.customer(session).id
    with pytest.raises(Invalid) as found:
        drawn_up(other_id)
    assert (found.value.code, found.value.field) == ("field.required", "prompt")
    with pytest.raises(Invalid) as found:
        drawn_up(other_id, recording_id=recording_id)
    assert (found.value.code, found.value.field) == ("audio_recording.not_found", "recording_id")


def test_callees_hear_the_recording_before_the_menu_and_for_as_long_as_it_is() -> None:
    campaign_id, _ = recorded(2.5)
    (call_id,) = dial(campaign_id)
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        (request,) = placements(session, [call_id])
    [menu] = request.scenario
    assert isinstance(menu, Gather)
    [message] = menu.prompt
    assert (message.text, message.seconds) == ("Аудиозапись „Акция“", 3)
    assert sound.seconds(Path(message.sound).read_bytes()) == pytest.approx(2.5, abs=0.01)


def test_a_recording_without_a_menu_is_played_and_the_call_ends() -> None:
    campaign_id, _ = recorded()
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.delete(IvrRule))
    with unit_of_work(SYSTEM) as session:
        first, last = scenario_of(session, session.get_one(Campaign, campaign_id))
    assert isinstance(first, Play)
    assert first.sound
    assert isinstance(last, HangUp)


def test_a_copy_plays_the_same_recording() -> None:
    campaign_id, recording_id = recorded()
    with unit_of_work(SYSTEM) as session:
        owner_id = session.get_one(Campaign, campaign_id).customer_id
        copy = campaigns.clone(session, campaign_id, name="Копия", customer_id=owner_id, actor=OLGA)
        assert (copy.recording_id, copy.prompt) == (recording_id, "")


def test_one_hears_the_recording_itself() -> None:
    campaign_id, _ = recorded(2.5)
    with unit_of_work(SYSTEM) as session:
        data = listening.message(session, session.get_one(Campaign, campaign_id))
    assert sound.seconds(data) == pytest.approx(2.5, abs=0.01)


def test_one_hears_the_text_with_the_values_of_the_contact_with_the_least_number(voice: Parrot) -> None:
    """The index of a campaign begins with it; the one with the least id is looked for through older campaigns."""
    _, campaign_id = settled([FIRST, FIRST + 1])
    with unit_of_work(SYSTEM) as session:
        campaign = session.get_one(Campaign, campaign_id)
        campaign.prompt = "Добрый день, {имя}! Ваш долг: {сумма}."
        *_, last = session.scalars(sa.select(Contact).order_by(Contact.id))
        last.phone, last.variables = FIRST - 1, {"Имя": "Иван"}
        session.flush()
        data = listening.message(session, campaign)
    assert voice.said == ["Добрый день,", "Иван", "! Ваш долг:"]
    assert sound.seconds(data) == pytest.approx(sum(map(len, voice.said)) / 10)


def test_a_text_that_is_not_kept_yet_can_be_heard_and_a_slip_in_it_is_told(voice: Parrot) -> None:
    assert sound.seconds(listening.text("Привет, {имя}")) == pytest.approx(0.7)
    for words, code in ((" ", "field.required"), ("а" * 1001, "field.too_long")):
        with pytest.raises(Invalid) as found:
            listening.text(words)
        assert (found.value.code, found.value.field) == (code, "prompt")


def test_without_a_voice_and_without_a_file_one_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id, _ = recorded()
    monkeypatch.setattr(listening, "_voice", [NoSpeech()])
    assert not listening.has_voice()
    with pytest.raises(Unavailable, match="campaign.no_voice"):
        listening.text("Здравствуйте!")
    with unit_of_work(SYSTEM) as session:
        campaign = session.get_one(Campaign, campaign_id)
        stored_file.forget(campaign.recording.file.key if campaign.recording else "")
        with pytest.raises(NotFound, match="file.gone"):
            listening.message(session, campaign)
