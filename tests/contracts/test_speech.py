"""What every voice must do, on the real one: a telephone sound for a text, a plain refusal for what it can't speak."""

import io
import wave

import pytest

from callcab.lib import sound
from callcab.providers import speech
from callcab.providers.speech import SpeechUnavailable, espeak

TEXT = "Здравствуйте! Чтобы подтвердить номер, нажмите один."


def test_a_text_becomes_a_sound_that_a_telephone_plays() -> None:
    data = speech.make("espeak").render(TEXT)
    with wave.open(io.BytesIO(data)) as reader:
        assert (reader.getnchannels(), reader.getsampwidth(), reader.getframerate()) == (1, 2, 8000)
        frames = memoryview(reader.readframes(reader.getnframes())).cast("h")
    assert 2 < sound.seconds(data) < 10
    assert 3000 < max(abs(value) for value in frames) <= 32767


def test_a_text_sounds_the_same_every_time_and_other_words_differ() -> None:
    voice = speech.make("espeak")
    assert voice.render(TEXT) == voice.render(f"  {TEXT}\n")
    assert voice.render(TEXT) != voice.render("Спасибо.")


@pytest.mark.parametrize("text", ["", " \n ", "а" * 2001], ids=["nothing", "blank", "too long"])
def test_what_is_no_prompt_is_refused(text: str) -> None:
    with pytest.raises(SpeechUnavailable) as refusal:
        speech.make("espeak").render(text)
    assert refusal.value.code == "speech.length"


def test_an_angle_bracket_is_spoken_not_obeyed() -> None:
    voice = speech.make("espeak")
    assert sound.seconds(voice.render("<break time='60s'/>один")) < 15


def test_a_voice_that_does_not_start_is_said_in_one_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak, "PROGRAM", "callcab.no_such_program")
    with pytest.raises(SpeechUnavailable) as refusal:
        speech.make("espeak").render(TEXT)
    assert refusal.value.code == "speech.failed"


def test_without_a_voice_nothing_is_spoken() -> None:
    with pytest.raises(SpeechUnavailable) as refusal:
        speech.make("none").render(TEXT)
    assert refusal.value.code == "speech.none"
