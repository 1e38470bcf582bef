"""Sound files of ours: what telephones play, how long, one after another."""

import io
import wave

import pytest

from callcab.lib import sound


def test_the_file_is_one_channel_of_sixteen_bits_at_eight_kilohertz() -> None:
    data = sound.wav(b"\x01\x02" * 4000)
    with wave.open(io.BytesIO(data)) as reader:
        assert (reader.getnchannels(), reader.getsampwidth(), reader.getframerate()) == (1, 2, 8000)
    assert sound.seconds(data) == pytest.approx(0.5)


def test_files_one_after_another_are_one_file_with_all_of_their_sound() -> None:
    first, second = b"\x01\x00" * 800, b"\x02\x00" * 400
    assert sound.joined([sound.wav(first), sound.wav(second)]) == sound.wav(first + second)
