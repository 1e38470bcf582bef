"""Prompts as files that Asterisk can read: written texts are spoken once, uploaded sounds copied.

Both have a name that their contents give, so that nothing is made twice or ever changed.
"""

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from callcab.providers.speech import Speech
from callcab.providers.telephony.base import Gather, Play, Step, steps_of

# A sound that no call needed for so long is removed; it is made again when one does.
KEPT_S = 30 * 86_400.0
# How often a file in use is told so by its time of change. No call lasts as long.
TOUCHED_S = 86_400.0


class Prompts:
    """A folder of sounds. ``seen_as`` is the same folder as Asterisk names it."""

    def __init__(self, speech: Speech, folder: Path, seen_as: str) -> None:
        self._speech = speech
        self._folder = folder
        self._seen_as = seen_as.rstrip("/")
        self._known: dict[Play, str] = {}
        # When the file of each was last known to be there.
        self._seen: dict[Play, float] = {}

    def fresh(self, scenario: Sequence[Step]) -> bool:
        """Whether it is ready and its files were looked at lately: then nothing has to be prepared."""
        since = time.monotonic() - TOUCHED_S
        return all(self._seen.get(play, -TOUCHED_S) > since for play in _plays(scenario))

    def ready(self, scenario: Sequence[Step]) -> bool:
        """Whether everything in it was prepared by this process already."""
        return all(play in self._known for play in _plays(scenario))

    def prepare(self, scenario: Sequence[Step]) -> None:
        """Make every sound of a scenario; takes a while. Raises SpeechUnavailable and OSError."""
        for play in _plays(scenario):
            if play not in self._known or not self._touch(self._known[play]):
                self._known[play] = self._make(play)
            self._seen[play] = time.monotonic()

    def media(self, plays: Iterable[Play]) -> list[str]:
        """The media of ARI's play request; empty when there is nothing to hear. KeyError before ``prepare``."""
        return [f"sound:{self._seen_as}/{self._known[play]}" for play in plays if _audible(play)]

    def sweep(self) -> int:
        """Remove the files that were not used for ``KEPT_S``, and forget what was not; returns how many files went."""
        border, count = time.time() - KEPT_S, 0
        for pattern in ("*.wav", "new-*"):
            for path in self._folder.glob(pattern):
                # Another dialer may sweep the same folder.
                with contextlib.suppress(FileNotFoundError):
                    if path.stat().st_mtime < border:
                        path.unlink()
                        count += 1
        since = time.monotonic() - 2 * TOUCHED_S
        for play, seen in list(self._seen.items()):
            if seen < since:
                self._seen.pop(play, None)
                self._known.pop(play, None)
        return count

    def _touch(self, name: str) -> bool:
        """Say that a file is used; False when somebody removed it."""
        try:
            if name:
                os.utime(self._folder / f"{name}.wav")
        except FileNotFoundError:
            return False
        return True

    def _make(self, play: Play) -> str:
        if not _audible(play):
            return ""
        if play.sound:
            data = Path(play.sound).read_bytes()
            name = hashlib.sha256(data).hexdigest()[:40]
            return self._write(name, data)
        name = hashlib.sha256(f"{self._speech.name}\n{play.text}".encode()).hexdigest()[:40]
        if self._touch(name):
            return name
        return self._write(name, self._speech.render(play.text))

    def _write(self, name: str, data: bytes) -> str:
        """Whole or not at all: Asterisk may ask for it at any moment, and so may another dialer."""
        self._folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        descriptor, made = tempfile.mkstemp(dir=self._folder, prefix="new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            # Asterisk runs as a user of its own.
            os.chmod(made, 0o644)  # noqa: S103
            os.replace(made, self._folder / f"{name}.wav")
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(made)
            raise
        return name


def _audible(play: Play) -> bool:
    return bool(play.sound or play.text.strip())


def _plays(scenario: Sequence[Step]) -> Iterable[Play]:
    for step in steps_of(scenario):
        if isinstance(step, Play):
            yield step
        elif isinstance(step, Gather):
            yield from (*step.prompt, *step.unheard, *step.unknown)
