"""A small program: a sound file and the longest seconds as arguments, a telephone's WAV on standard output.

How it ends says why a file is refused (``audio.REASONS``).
"""

import contextlib
import resource
import sys

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from callcab.lib import sound

NOT_AUDIO, TOO_LONG, SILENT, TOO_SHORT = 3, 4, 5, 6
# Others that the library knows are for studios, and read by code that few have tried to break.
FORMATS = frozenset(("WAV", "WAVEX", "FLAC", "OGG", "MP3"))
RATES = range(4_000, 192_001)
MOST_CHANNELS = 8
SHORTEST_S = 0.5
# Forty decibels below full scale: on a telephone, nothing.
FAINTEST = 0.01
MEMORY = 1 << 30
CPU_S = 15


class Refused(Exception):
    """``code`` is how the program ends."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def main(path: str, longest: int) -> int:
    limit(resource.RLIMIT_AS, MEMORY)
    limit(resource.RLIMIT_CPU, CPU_S)
    try:
        samples = decode(path, longest)
    except Refused as refused:
        return refused.code
    except (soundfile.SoundFileError, ValueError):
        return NOT_AUDIO
    sys.stdout.buffer.write(sound.wav(samples.tobytes()))
    return 0


def limit(what: int, most: int) -> None:
    """Take no more than this; where the system has no such limit, go without."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(what, (most, most))


def decode(path: str, longest: int) -> NDArray[np.int16]:
    """The samples of a file at the telephone's rate. Refused, SoundFileError."""
    parts, loudest = [], 0.0
    with soundfile.SoundFile(path) as file:
        if file.format not in FORMATS or file.samplerate not in RATES or file.channels > MOST_CHANNELS:
            raise Refused(NOT_AUDIO)
        stream = soxr.ResampleStream(file.samplerate, sound.RATE, 1, dtype="float32")
        seconds = 0
        # What the header says of the length is not believed.
        while len(block := file.read(file.samplerate, dtype="float32", always_2d=True)):
            seconds += 1
            if seconds > longest + 1 or (seconds > longest and len(block) > file.samplerate // 2):
                raise Refused(TOO_LONG)
            mono = np.nan_to_num(block.mean(axis=1), nan=0.0, posinf=1.0, neginf=-1.0)
            loudest = max(loudest, float(np.abs(mono).max()))
            parts.append(stream.resample_chunk(mono))
        parts.append(stream.resample_chunk(np.zeros(0, np.float32), last=True))
    whole = np.concatenate(parts)
    if len(whole) < SHORTEST_S * sound.RATE:
        raise Refused(TOO_SHORT)
    if loudest < FAINTEST:
        raise Refused(SILENT)
    samples: NDArray[np.int16] = (np.clip(whole, -1.0, 1.0) * sound.HIGHEST).round().astype("<i2")
    return samples


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
