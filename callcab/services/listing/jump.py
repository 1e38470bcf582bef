"""A place in a list that a person names by a value of its order: a day, a number or its beginning, a sum."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from callcab.lib import clock
from callcab.lib import phone as phones
from callcab.services.listing.filters import BadValue, clean, read_amount, read_date, read_time
from callcab.services.listing.spec import ListSpec

ARGUMENT = "at"
# The values that a text may mean: the least of them, and the least that is above all of them.
Range = tuple[Any, Any]
Reader = Callable[[str, ZoneInfo], Range]


def read(spec: ListSpec, sort: str, text: str, zone: ZoneInfo) -> tuple[Any, ...] | None:
    """The values of ``order.order_columns`` to go on from; None for an empty text, or an order by what nobody knows.

    Raises BadValue. Ids begin at 1, so that 0 stands before all rows of a value.
    """
    text = clean(text, ARGUMENT)
    chosen = spec.sorts[sort.removeprefix("-")]
    if not text or not chosen.jump:
        return None
    least, above = READERS[chosen.jump](text, zone)
    return (above if sort.startswith("-") else least), *(0 for _ in spec.key_columns)


def _day(text: str, zone: ZoneInfo) -> Range:
    """`07.05.2024`, or a minute of that day: `07.05.2024 10:55`."""
    day_text, _, time_text = text.partition(" ")
    day = read_date(day_text, ARGUMENT)
    if time_text.strip():
        minute = datetime.combine(day, read_time(time_text.strip(), ARGUMENT), zone).astimezone(UTC)
        return minute, minute + timedelta(minutes=1)
    return clock.day_bounds(day, zone)


def _number(text: str, zone: ZoneInfo) -> Range:
    """A number or its beginning in any spelling, with the country's code or without."""
    digits = phones.search_digits(text)
    whole = digits if digits.startswith("7") else f"7{digits}"
    if not digits or len(whole) > phones.WHOLE:
        raise BadValue(ARGUMENT, "bad_number")
    return int(whole.ljust(phones.WHOLE, "0")), int(whole.ljust(phones.WHOLE, "9")) + 1


def _sum(text: str, zone: ZoneInfo) -> Range:
    """A sum in roubles, for a column in kopecks."""
    kopecks = int(read_amount(text, ARGUMENT).scaleb(2))
    return kopecks, kopecks + 1


READERS: Mapping[str, Reader] = {"date": _day, "phone": _number, "amount": _sum}
