"""What people bring becomes a telephone's sound, as long, loud and high as it was; or is refused with a reason."""

import io
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from callcab.lib import audio, sound

KINDS = [("wav", "PCM_16"), ("wav", "FLOAT"), ("wav", "PCM_U8"), ("flac", "PCM_16"), ("ogg", "VORBIS"), ("mp3", None)]


def tone(pitch: float, rate: int, seconds: float = 1.0, loudness: float = 0.4) -> NDArray[np.float32]:
    return (loudness * np.sin(2 * np.pi * pitch * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def samples_of(data: bytes) -> NDArray[np.float64]:
    with wave.open(io.BytesIO(data)) as reader:
        assert (reader.getnchannels(), reader.getsampwidth(), reader.getframerate()) == (1, 2, 8000)
        return np.frombuffer(reader.readframes(reader.getnframes()), "<i2") / 32768


def strength(samples: NDArray[np.float64], pitch: float) -> float:
    """How much of a pitch is in the middle of a sound, as an amplitude."""
    middle = samples[len(samples) // 8 : -len(samples) // 8]
    turn = np.exp(-2j * np.pi * pitch / sound.RATE * np.arange(len(middle)))
    return float(2 * abs(np.sum(middle * turn)) / len(middle))


def refusal(path: Path, longest: int = 180) -> str:
    with pytest.raises(audio.AudioError) as found:
        audio.to_telephone(path, longest=longest)
    return found.value.reason


@pytest.mark.parametrize(("kind", "subtype"), KINDS)
def test_each_kind_of_file_is_known_by_what_it_holds_and_not_by_its_name(
    tmp_path: Path, kind: str, subtype: str | None
) -> None:
    path = tmp_path / "поздравление.txt"
    both = np.stack([tone(1000, 44100)] * 2, axis=1)
    soundfile.write(path, both, 44100, format=kind.upper(), subtype=subtype)
    made = samples_of(audio.to_telephone(path, longest=180))
    assert len(made) == pytest.approx(8000, abs=500)  # MP3 begins and ends with a little silence
    assert strength(made, 1000) == pytest.approx(0.4, rel=0.05)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000])
def test_a_tone_keeps_its_pitch_strength_and_length_at_any_rate(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "a.wav", tone(1000, rate, 2.5), rate)
    made = samples_of(audio.to_telephone(tmp_path / "a.wav", longest=180))
    assert len(made) == pytest.approx(20000, abs=2)
    assert strength(made, 1000) == pytest.approx(0.4, rel=0.01)


def test_what_is_too_high_for_a_telephone_is_gone_and_does_not_fold_back(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(6000, 48000) + tone(300, 48000), 48000)
    made = samples_of(audio.to_telephone(tmp_path / "a.wav", longest=180))
    assert strength(made, 2000) < 0.001
    assert strength(made, 300) == pytest.approx(0.4, rel=0.01)


def test_sound_beyond_full_scale_is_cut_and_does_not_wrap_round(tmp_path: Path) -> None:
    loud = np.concatenate([np.full(2000, 3.0), np.full(2000, -3.0), np.full(2000, np.nan)]).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", loud, 8000, subtype="FLOAT")
    made = samples_of(audio.to_telephone(tmp_path / "a.wav", longest=180))
    assert made[1000] > 0.99
    assert made[3000] < -0.99


def test_exactly_the_longest_is_taken_and_a_second_more_is_not(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "fits.flac", tone(440, 16000, 3.0), 16000)
    soundfile.write(tmp_path / "long.flac", tone(440, 16000, 4.0), 16000)
    assert sound.seconds(audio.to_telephone(tmp_path / "fits.flac", longest=3)) == pytest.approx(3, abs=0.01)
    assert refusal(tmp_path / "long.flac", longest=3) == "too_long"


def test_hours_of_silence_in_a_small_file_are_refused_without_being_decoded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.flac"
    silence = np.zeros(44100 * 60, np.int16)
    with soundfile.SoundFile(path, "w", 44100, 1, format="FLAC") as file:
        for _ in range(240):
            file.write(silence)
    assert path.stat().st_size < 3_000_000  # 1.2 gigabytes of samples
    assert refusal(path) == "too_long"


def test_a_header_that_promises_hours_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(440, 8000, 1.0), 8000, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = (0x7FFFFFFF).to_bytes(4, "little")
    path.write_bytes(data)
    assert sound.seconds(audio.to_telephone(path, longest=2)) == pytest.approx(1, abs=0.01)


def test_silence_and_a_click_are_refused_by_their_own_names(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silent.wav", tone(440, 8000, 2.0, loudness=0.001), 8000)
    soundfile.write(tmp_path / "click.wav", tone(440, 8000, 0.2), 8000)
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 8000)
    found = [refusal(tmp_path / name) for name in ("silent.wav", "click.wav", "empty.wav")]
    assert found == ["silent", "too_short", "too_short"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF\x00\x00\x00\x00WAVE",
        b"ID3\x04\x00\x00\x00\x00\x7f\x7f" + b"\x00" * 500,
        b"fLaC" + b"\xff" * 4000,
        b"OggS" + b"\x00" * 4000,
        "Здравствуйте! Это не звук.".encode() * 200,
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40,
        b"PK\x03\x04" + bytes(range(256)) * 40,
    ],
    ids=["nothing", "wav", "mp3", "flac", "ogg", "text", "picture", "archive"],
)
def test_what_is_no_sound_is_refused_whatever_it_is_called(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "speech.mp3"
    path.write_bytes(data)
    assert refusal(path) == "not_audio"


def test_a_kind_that_only_studios_use_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(440, 8000), 8000, format="AIFF")
    assert refusal(tmp_path / "a.wav") == "not_audio"


def test_a_file_that_takes_the_program_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "a.wav", tone(440, 8000), 8000)
    monkeypatch.setattr(audio, "LIMIT_S", 0.001)
    assert refusal(tmp_path / "a.wav") == "not_audio"
