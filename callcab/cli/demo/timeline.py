"""The order of history: deeds are done in the order in which they happened, so that balances follow entry by entry.

Each day has two halves (UTC): until noon customers pay by card and campaigns call, written in bulk; after noon people
do what they do one by one, through the services. Moments of the last hour are for what is still going on.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

from callcab.lib import clock

MORNING, NOON = 6, 12


class Timeline:
    """Deeds with their moments; ``now`` is where history ends."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._deeds: list[tuple[datetime, int, Callable[[], object]]] = []
        self._serial = count()

    def add(self, moment: datetime, deed: Callable[[], object]) -> None:
        """``deed`` is done with the clock stopped at ``moment``; nothing happens after ``now``."""
        if moment > self.now:
            raise ValueError("the demo knows the past only")
        self._deeds.append((moment, next(self._serial), deed))

    def run(self) -> None:
        for moment, _, deed in sorted(self._deeds, key=lambda item: item[:2]):
            with clock.frozen(moment):
                deed()
        self._deeds.clear()

    def ago(self, minutes: float) -> datetime:
        """A moment of the last hour."""
        return self.now - timedelta(minutes=minutes)

    def afternoon(self, days: int, minutes: int = 0) -> datetime:
        """``minutes`` after noon, at least one day ago."""
        if days < 1 or not 0 <= minutes < 12 * 60:
            raise ValueError("afternoons of today are not over")
        return self._day(days) + timedelta(hours=NOON, minutes=minutes)

    def morning(self, days: int) -> tuple[datetime, datetime] | None:
        """First and last moment of a morning; None when today's has not begun."""
        start = self._day(days) + timedelta(hours=MORNING)
        end = min(self._day(days) + timedelta(hours=NOON), self.now - timedelta(hours=1))
        return (start, end) if end - start > timedelta(minutes=10) else None

    def _day(self, days: int) -> datetime:
        return datetime(self.now.year, self.now.month, self.now.day, tzinfo=UTC) - timedelta(days=days)
