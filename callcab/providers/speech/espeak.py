"""The voice of eSpeak NG, in a process of its own.

The library is under GPL-3 and written in C: a program that is started for each text keeps both its licence and its
crashes away from ours, and the work of a long text off our interpreter. A sentence takes a tenth of a second.
"""

import os
import subprocess
import sys
from pathlib import Path

from callcab.lib import sound
from callcab.providers.speech.base import LONGEST, SpeechUnavailable

PROGRAM = "callcab.providers.speech.espeak_program"
ROOT = Path(__file__).resolve().parents[3]
LIMIT_S = 30.0


class EspeakSpeech:
    """Russian speech without any network; robotic, understandable; implements ``base.Speech``."""

    name = "espeak-ru-2"

    def render(self, text: str) -> bytes:
        spoken = " ".join(text.split())
        if not spoken or len(spoken) > LONGEST:
            raise SpeechUnavailable("speech.length")
        try:
            done = subprocess.run(
                [sys.executable, "-m", PROGRAM],
                input=spoken.encode(),
                capture_output=True,
                timeout=LIMIT_S,
                env={"PYTHONPATH": str(ROOT), "PATH": os.defpath},
            )
        except (OSError, subprocess.TimeoutExpired) as problem:
            raise SpeechUnavailable("speech.failed") from problem
        if done.returncode != 0 or not sound.seconds(done.stdout):
            raise SpeechUnavailable("speech.failed")
        return done.stdout
