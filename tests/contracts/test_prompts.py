"""The folder from which Asterisk plays: sounds are made once, stay while they are used, and go a month after."""

import os
import time
from pathlib import Path

import pytest

from callcab.lib import sound
from callcab.providers.telephony.asterisk import prompts
from callcab.providers.telephony.asterisk.prompts import KEPT_S, TOUCHED_S, Prompts
from callcab.providers.telephony.base import Gather, Play
from tests import sounds

HELLO = (Play("Здравствуйте!"),)


class Voice:
    name = "test"

    def __init__(self) -> None:
        self.said: list[str] = []

    def render(self, text: str) -> bytes:
        self.said.append(text)
        return sound.wav(b"\x00\x01" * 4000)


@pytest.fixture
def voice() -> Voice:
    return Voice()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "sounds"


def prepared(voice: Voice, folder: Path, scenario: tuple[Play, ...] = HELLO) -> Prompts:
    made = Prompts(voice, folder, "/heard/as/")
    made.prepare(scenario)
    return made


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def test_a_recording_is_copied_as_it_is_under_a_name_that_its_sound_gives(
    voice: Voice, folder: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "7f3a"
    kept.write_bytes(sounds.tone())
    kept.chmod(0o600)
    play = Play("Аудиозапись „Акция“", sound=str(kept), seconds=2)
    made = prepared(voice, folder, (play,))
    [copy] = files(folder)
    assert copy.read_bytes() == kept.read_bytes()
    assert copy.stat().st_mode & 0o777 == 0o644
    assert made.media([play]) == [f"sound:/heard/as/{copy.stem}"]
    # The same sound under another name is the same file.
    other = Play("Другая", sound=str(kept))
    made.prepare((other,))
    assert made.media([other]) == made.media([play])
    assert voice.said == []


def test_a_recording_whose_file_is_gone_is_told_and_not_played_as_silence(voice: Voice, folder: Path) -> None:
    made = Prompts(voice, folder, "/heard/as")
    lost = (Play("Аудиозапись „Акция“", sound="/nowhere/7f3a"),)
    with pytest.raises(OSError, match="7f3a"):
        made.prepare(lost)
    assert not made.ready(lost)


def test_a_sound_that_no_call_used_for_a_month_goes_and_younger_ones_stay(voice: Voice, folder: Path) -> None:
    made = prepared(voice, folder, (Play("Старое"), Play("Новое")))
    old, new = files(folder)
    half = folder / "new-half"
    half.write_bytes(b"")
    age(old, KEPT_S + 60)
    age(half, KEPT_S + 60)
    age(new, KEPT_S - 60)
    assert made.sweep() == 2
    assert files(folder) == [new]


def test_another_dialers_use_counts_too(voice: Voice, folder: Path) -> None:
    prepared(voice, folder)
    [path] = files(folder)
    age(path, KEPT_S + 60)
    again = prepared(voice, folder)
    assert again.sweep() == 0
    assert voice.said == ["Здравствуйте!"]


def test_a_sound_in_use_is_told_so_once_a_day_and_not_for_every_call(
    voice: Voice, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = prepared(voice, folder)
    [path] = files(folder)
    age(path, KEPT_S + 60)
    assert made.fresh(HELLO)
    later = time.monotonic() + TOUCHED_S + 1
    monkeypatch.setattr(prompts.time, "monotonic", lambda: later)
    assert (made.fresh(HELLO), made.ready(HELLO)) == (False, True)
    made.prepare(HELLO)
    assert made.fresh(HELLO)
    assert made.sweep() == 0


def test_a_sound_that_somebody_removed_is_made_again(
    voice: Voice, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = prepared(voice, folder)
    files(folder)[0].unlink()
    later = time.monotonic() + TOUCHED_S + 1
    monkeypatch.setattr(prompts.time, "monotonic", lambda: later)
    made.prepare(HELLO)
    assert voice.said == ["Здравствуйте!"] * 2
    assert len(files(folder)) == 1


def test_names_of_sounds_that_nobody_plays_any_more_are_forgotten(
    voice: Voice, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = prepared(voice, folder)
    later = time.monotonic() + 2 * TOUCHED_S + 1
    monkeypatch.setattr(prompts.time, "monotonic", lambda: later)
    assert made.sweep() == 0
    assert not made.ready(HELLO)


def test_a_folder_that_is_not_there_yet_is_swept_without_a_word(voice: Voice, folder: Path) -> None:
    assert Prompts(voice, folder, "/heard/as").sweep() == 0


def test_silence_in_a_menu_needs_no_file(voice: Voice, folder: Path) -> None:
    made = Prompts(voice, folder, "/heard/as")
    made.prepare([Gather(prompt=[Play("  ")], branches={})])
    made.prepare([Gather(prompt=[Play("  ")], branches={})])
    assert not folder.exists()
    assert made.media([Play("  ")]) == []
