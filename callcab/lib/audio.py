"""Sound files that people bring, as telephones carry them: WAV, MP3, Ogg Vorbis and FLAC in, a telephone's WAV out.

Decoders are C, and the files are strangers': each is read by a program of its own (``audio_program``), which has little
time and memory and may fall without harm to us.
"""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = "callcab.lib.audio_program"
ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 20.0
# How the program ends when a file is refused; anything else means that it fell or took too much.
REASONS = {3: "not_audio", 4: "too_long", 5: "silent", 6: "too_short"}


class AudioError(Exception):
    """A file that can't be played to callees. ``reason``: not_audio, too_long, silent, too_short."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def to_telephone(path: Path, *, longest: int) -> bytes:
    """The sound of a file as a WAV file: one channel, 8000 Hz, 16 bits, no louder or softer than it was.

    What the file is counts, not its name. It is decoded second by second, so that a small file with hours of silence
    costs no more than ``longest`` seconds do. Raises AudioError.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", PROGRAM, str(path.absolute()), str(longest)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LIMIT_S,
            # One thread: more would only take memory that the program may not have.
            env={"PYTHONPATH": str(ROOT), "PATH": os.defpath, "OPENBLAS_NUM_THREADS": "1"},
        )
    except subprocess.TimeoutExpired as problem:
        raise AudioError("not_audio") from problem
    if done.returncode != 0:
        raise AudioError(REASONS.get(done.returncode, "not_audio"))
    return done.stdout
