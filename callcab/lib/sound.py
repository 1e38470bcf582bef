"""Sound as telephones carry it: one channel, 8000 samples a second, 16 bits each, in a WAV file."""

import io
import wave
from collections.abc import Iterable

RATE = 8000
WIDTH = 2
HIGHEST = 32767


def wav(samples: bytes) -> bytes:
    """Samples at the telephone's rate, little-endian, as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(WIDTH)
        writer.setframerate(RATE)
        writer.writeframes(samples)
    return file.getvalue()


def seconds(data: bytes) -> float:
    """How long a WAV file of ours plays."""
    with wave.open(io.BytesIO(data)) as reader:
        return float(reader.getnframes() / reader.getframerate())


def joined(files: Iterable[bytes]) -> bytes:
    """WAV files of ours one after another, as one."""
    return wav(b"".join(_samples(data) for data in files))


def _samples(data: bytes) -> bytes:
    with wave.open(io.BytesIO(data)) as reader:
        return bytes(reader.readframes(reader.getnframes()))
