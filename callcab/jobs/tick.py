"""The timetable: every sweep at its interval, until told to stop. As many ticks as wanted may run at once."""

import logging
import signal
import threading
import time
import zlib
from types import FrameType

import sqlalchemy as sa

from callcab import db
from callcab.config import Settings
from callcab.jobs import edge, registry

log = logging.getLogger(__name__)

# The first number of the advisory lock; the second is the sweep's.
LOCK_SPACE = 0x7469636B
# Longest sleep, so that a new interval or a stop is noticed.
NAP_SECONDS = 1.0


class Timetable:
    """Which sweep is due; ``clock`` is monotonic seconds."""

    def __init__(self, entries: list[registry.SweepEntry], now: float) -> None:
        self._entries = entries
        self._due = {entry.name: now for entry in entries}

    def due(self, now: float) -> list[registry.SweepEntry]:
        """Sweeps whose time has come; each is due again an interval from now."""
        found = [entry for entry in self._entries if self._due[entry.name] <= now]
        for entry in found:
            self._due[entry.name] = now + entry.seconds
        return found

    def wait(self, now: float) -> float:
        """Seconds until the next one, at most NAP_SECONDS."""
        return min(NAP_SECONDS, max(0.0, min(self._due.values(), default=now + NAP_SECONDS) - now))


def sweep(entry: registry.SweepEntry) -> bool:
    """Do one sweep unless another tick is at it; False when it was not done or failed. Never raises."""
    try:
        with db.engine().connect() as guard:
            key = {"space": LOCK_SPACE, "name": zlib.crc32(entry.name.encode()) - (1 << 31)}
            if not guard.scalar(sa.text("SELECT pg_try_advisory_xact_lock(:space, :name)"), key):
                return False
            entry.function()
    except Exception:
        log.exception("a sweep failed; it comes round again", extra={"sweep": entry.name})
        return False
    return True


def run(settings: Settings) -> None:
    """Sweep until SIGTERM or SIGINT."""
    stop = threading.Event()

    def leave(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    edge.prepare(settings)
    loop(stop)


def loop(stop: threading.Event) -> None:
    """Sweep until ``stop`` is set."""
    timetable = Timetable(list(registry.sweeps().values()), time.monotonic())
    while not stop.is_set():
        for entry in timetable.due(time.monotonic()):
            if stop.is_set():
                return
            sweep(entry)
        stop.wait(timetable.wait(time.monotonic()))
