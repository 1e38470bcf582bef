"""Sound at the telephone's rate: as long, as loud and as high as before, and nothing added."""

import io
import math
import wave

import pytest

from callcab.lib import sound


def tone(pitch: float, rate: int, length: float = 0.5) -> list[int]:
    return [round(12000 * math.sin(2 * math.pi * pitch * place / rate)) for place in range(int(rate * length))]


def strength(samples: list[int], pitch: float, rate: int) -> float:
    """How much of a pitch is in the middle of a sound, as an amplitude."""
    middle = samples[len(samples) // 8 : -len(samples) // 8]
    turn = 2 * math.pi * pitch / rate
    real = sum(value * math.cos(turn * place) for place, value in enumerate(middle))
    imaginary = sum(value * math.sin(turn * place) for place, value in enumerate(middle))
    return 2 * math.hypot(real, imaginary) / len(middle)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
def test_a_tone_keeps_its_pitch_strength_and_length(rate: int) -> None:
    made = list(sound.resample(tone(1000, rate), rate, sound.RATE))
    assert len(made) == pytest.approx(4000, abs=1)
    assert strength(made, 1000, sound.RATE) == pytest.approx(12000, rel=0.01)


@pytest.mark.parametrize("rate", [22050, 48000])
def test_what_is_too_high_for_a_telephone_is_gone_and_does_not_fold_back(rate: int) -> None:
    made = list(sound.resample(tone(6000, rate), rate, sound.RATE))
    middle = made[200:-200]
    assert max(map(abs, middle)) < 20


def test_a_full_scale_edge_does_not_wrap_round() -> None:
    made = sound.resample([32767] * 2000 + [-32768] * 2000, 22050, sound.RATE)
    assert max(made) == 32767
    assert min(made) == -32768


def test_the_file_is_one_channel_of_sixteen_bits_at_eight_kilohertz() -> None:
    data = sound.wav(tone(500, 22050), 22050)
    with wave.open(io.BytesIO(data)) as reader:
        assert (reader.getnchannels(), reader.getsampwidth(), reader.getframerate()) == (1, 2, 8000)
    assert sound.seconds(data) == pytest.approx(0.5, abs=0.001)
