"""The one clock: aware UTC, and a way for tests to stop it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_frozen: list[datetime] = []


def now() -> datetime:
    """Return the current moment, aware, in UTC."""
    return _frozen[-1] if _frozen else datetime.now(UTC)


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When a day of this zone begins, and the next one, in UTC."""
    begins, ends = (datetime.combine(day + timedelta(days=more), time(), zone) for more in (0, 1))
    return begins.astimezone(UTC), ends.astimezone(UTC)


@contextmanager
def frozen(moment: datetime) -> Iterator[datetime]:
    """Stop the clock at `moment` for every thread of the process; may be nested. For tests only."""
    if moment.tzinfo is None:
        raise ValueError("the clock needs an aware datetime")
    _frozen.append(moment.astimezone(UTC))
    try:
        yield _frozen[-1]
    finally:
        _frozen.pop()
