"""A campaign's message in the browser: chosen as text or recording, heard before the launch."""

from io import BytesIO

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import sound
from callcab.models import AudioRecording, Campaign
from callcab.providers.speech import NoSpeech
from callcab.scope import Scope
from callcab.services.campaign import listening
from tests import sounds
from tests.client import Page
from tests.people import People

SYSTEM = Scope.system("test")


def uploaded(people: People, name: str = "Акция", seconds: float = 2.0) -> int:
    form = people.olga.get("/cabinet/audio-recordings/new/").form(has="file")
    form.submit(name=name, file=(BytesIO(sounds.tone(seconds)), "a.wav"))
    with unit_of_work(SYSTEM) as session:
        return session.scalars(sa.select(AudioRecording.id).where(AudioRecording.name == name)).one()


def sent(people: People, **values: object) -> Page:
    form = people.olga.get("/cabinet/campaigns/new/").form(has="prompt")
    return form.submit(**{"name": "Обзвон", "contacts": "8 925 394-45-01", **values})


def the_campaign() -> Campaign:
    with unit_of_work(SYSTEM) as session:
        return session.scalars(sa.select(Campaign)).one()


def test_without_recordings_the_form_asks_for_a_text_and_says_where_to_upload(people: People) -> None:
    page = people.olga.get("/cabinet/campaigns/new/")
    assert page.tree.xpath("//input[@name='message']") == []
    assert page.link("загрузить аудиозапись") == "/cabinet/audio-recordings/new/"


def test_a_chosen_recording_is_shown_and_can_be_heard_before_the_launch(people: People) -> None:
    recording_id = uploaded(people, seconds=2.4)
    page = sent(people, message="recording", recording_id=str(recording_id), prompt="Здравствуйте, {имя}!")
    assert (the_campaign().recording_id, the_campaign().prompt) == (recording_id, "")
    for url in (
        f"/cabinet/campaigns/details/?id={the_campaign().id}",
        f"/cabinet/campaigns/check/?id={the_campaign().id}",
    ):
        page = people.olga.get(url)
        assert "Аудиозапись «Акция»" in page.text
        [player] = page.tree.xpath("//audio[@preload='none']")
        answer = people.olga.get(player.get("src")).response
        assert answer.mimetype == "audio/wav"
        assert sound.seconds(answer.get_data()) == pytest.approx(2.4, abs=0.01)


def test_a_text_stays_a_text_when_recordings_are_there(people: People) -> None:
    recording_id = uploaded(people)
    sent(people, message="text", recording_id=str(recording_id), prompt="Здравствуйте!")
    assert (the_campaign().recording_id, the_campaign().prompt) == (None, "Здравствуйте!")


@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({"message": "recording", "recording_id": ""}, "recording_id", "Выберите аудиозапись"),
        ({"message": "recording", "recording_id": "999999"}, "recording_id", "Выберите значение из списка"),
        ({"message": "text", "prompt": " "}, "prompt", "Заполните это поле"),
    ],
)
def test_a_missing_message_is_told_beside_its_field(
    people: People, values: dict[str, str], field: str, sentence: str
) -> None:
    uploaded(people)
    page = sent(people, **values)
    assert page.status == 422
    assert sentence in page.tree.xpath(f"string(//*[@id='{field}-error'])")


def test_the_text_of_a_form_can_be_heard_before_it_is_sent(people: People) -> None:
    answer = people.olga.post("/cabinet/campaigns/say/", prompt="Здравствуйте!").response
    assert answer.mimetype == "audio/wav"
    assert sound.seconds(answer.get_data()) > 0.5
    button = people.olga.get("/cabinet/campaigns/new/").tree.xpath("//button[@formaction]")[0]
    assert (button.get("formaction"), button.get("formtarget")) == ("/cabinet/campaigns/say/", "_blank")


def test_the_text_of_a_campaign_is_heard_and_without_a_voice_one_reads_why_not(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = sent(people)
    src = page.tree.xpath("string(//audio/@src)")
    assert people.olga.get(src).response.mimetype == "audio/wav"
    monkeypatch.setattr(listening, "_voice", [NoSpeech()])
    page = people.olga.get(f"/cabinet/campaigns/check/?id={the_campaign().id}")
    assert "Голос робота сейчас недоступен" in page.text
    assert page.tree.xpath("//audio") == []
    assert "Голос робота сейчас недоступен" in people.olga.get(src, status=503).text


def test_who_listens_too_often_waits(people: People) -> None:
    sent(people)
    url = f"/cabinet/campaigns/listen/?id={the_campaign().id}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("callcab.services.campaign.listening.message", lambda session, row: sound.wav(b"\x00\x00"))
        browser = people.olga
        found = [browser.get(url, status=None).status for _ in range(21)]
    assert (found[:20], found[20]) == ([200] * 20, 429)


def test_a_stranger_hears_nothing_and_support_does(people: People) -> None:
    uploaded(people)
    sent(people)
    campaign_id = the_campaign().id
    people.stranger.get(f"/cabinet/campaigns/listen/?id={campaign_id}", status=404)
    assert people.sasha.get(f"/admin/campaigns/listen/?id={campaign_id}").response.mimetype == "audio/wav"
