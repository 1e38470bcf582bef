"""Sounds for tests, made on the spot."""

from io import BytesIO

import numpy as np
import soundfile


def tone(
    seconds: float = 2.0, *, pitch: float = 440, rate: int = 16000, kind: str = "WAV", loudness: float = 0.4
) -> bytes:
    """A file with a tone."""
    samples = loudness * np.sin(2 * np.pi * pitch * np.arange(int(rate * seconds)) / rate)
    file = BytesIO()
    soundfile.write(file, samples.astype(np.float32), rate, format=kind)
    return file.getvalue()
