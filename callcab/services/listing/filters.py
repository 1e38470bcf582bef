"""Kinds of filters. Each reads its own arguments, and gives a JSON value that is stored with an operation.

``parse`` never raises on input: a person's slip is a code (``bad_date``), which the page turns into a sentence.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement

from callcab.lib import clock

TEXT_LIMIT = 200
BIGINT_MAX = 2**63 - 1
# NUMERIC(14, 2): twelve digits before the comma.
AMOUNT_LIMIT = Decimal(10) ** 12
_DATES = ("%d.%m.%Y", "%Y-%m-%d")
_TIMES = ("%H:%M", "%H:%M:%S")

Value = Any


class BadValue(ValueError):
    """A filter value that can't be read; ``field`` is the argument at fault."""

    def __init__(self, field: str, code: str) -> None:
        super().__init__(code)
        self.field = field
        self.code = code


class Arguments(Protocol):
    """What a werkzeug MultiDict offers; a plain adapter does for the API."""

    def get(self, key: str, default: str) -> str: ...
    def getlist(self, key: str) -> list[str]: ...


class Filter(Protocol):
    """One filter of a list."""

    @property
    def key(self) -> str: ...

    @property
    def params(self) -> tuple[str, ...]:
        """Names of its arguments in the address."""
        ...

    def parse(self, args: Arguments, zone: ZoneInfo) -> Value | None:
        """The value as JSON types, or None when nothing is asked. Raises BadValue."""
        ...

    def condition(self, value: Value, *, named: bool = False) -> ColumnElement[bool]:
        """The condition of a parsed value; if ``named``, with the parameters of ``values`` in its place.

        Raises KeyError, ValueError or TypeError for a stored value gone stale.
        """
        ...

    def values(self, value: Value) -> Mapping[str, Any] | None:
        """The parameters of the named condition, which looks the same for all values that have parameters of the same
        names; None where each value has a condition of its own."""
        ...


def parameter(name: str, value: Any, column: Any, *, named: bool) -> sa.BindParameter[Any]:
    """A value in a condition: a parameter of this name that is given later, or one that has the value."""
    return sa.bindparam(name, None if named else value, column.type, unique=not named)


def clean(text: str, field: str) -> str:
    """Text as typed without the ends. Raises BadValue for what a database can't hold or nobody types."""
    text = text.strip()
    if len(text) > TEXT_LIMIT:
        raise BadValue(field, "too_long")
    if any(ord(letter) < 32 or 0xD800 <= ord(letter) <= 0xDFFF for letter in text):
        raise BadValue(field, "bad_text")
    return text


@dataclass(frozen=True)
class ChoiceFilter:
    """One or more of a fixed set.

    ``choices`` are the stored values (a StrEnum will do); ``conditions`` gives the condition of a value that is not
    simply equality, such as «свободный», a state that is shown as a type.
    """

    key: str
    column: Any = None
    choices: Sequence[str] | type = ()
    conditions: Mapping[str, Callable[[], ColumnElement[bool]]] | None = None

    @property
    def allowed(self) -> tuple[str, ...]:
        """All choices, in order."""
        listed: Iterable[Any] = self.choices  # type: ignore[assignment]
        return tuple(dict.fromkeys([*map(str, listed), *(self.conditions or {})]))

    @property
    def params(self) -> tuple[str, ...]:
        return (self.key,)

    def parse(self, args: Arguments, zone: ZoneInfo) -> Value | None:
        asked = [text for text in dict.fromkeys(args.getlist(self.key)) if text]
        if any(text not in self.allowed for text in asked):
            raise BadValue(self.key, "bad_choice")
        return asked or None

    def condition(self, value: Value, *, named: bool = False) -> ColumnElement[bool]:
        if not named:
            return sa.or_(*(self.condition_of(item) for item in value))
        marks = (parameter(name, None, self.column, named=True) for name in self._names(value))
        return sa.or_(*(self.column == mark for mark in marks))

    def values(self, value: Value) -> Mapping[str, Any] | None:
        if any(item in (self.conditions or {}) for item in value):
            return None
        return dict(zip(self._names(value), value, strict=True))

    def _names(self, value: Value) -> list[str]:
        return [f"{self.key}_{place}" for place in range(len(value))]

    def condition_of(self, choice: str) -> ColumnElement[bool]:
        """The condition of one choice."""
        if self.conditions and choice in self.conditions:
            return self.conditions[choice]()
        if choice not in self.allowed:
            raise KeyError(choice)
        found: ColumnElement[bool] = self.column == choice
        return found


@dataclass(frozen=True)
class DateTimeRange:
    """From and to, each a date and perhaps a time, in the customer's zone; both ends included to the minute (rule P2).

    Arguments ``<key>_from``, ``<key>_from_time``, ``<key>_to``, ``<key>_to_time``: `07.05.2024` and `10:55`.
    """

    key: str
    column: Any

    @property
    def params(self) -> tuple[str, ...]:
        return (f"{self.key}_from", f"{self.key}_from_time", f"{self.key}_to", f"{self.key}_to_time")

    def parse(self, args: Arguments, zone: ZoneInfo) -> Value | None:
        start = self._moment(args, f"{self.key}_from", zone, last=False)
        end = self._moment(args, f"{self.key}_to", zone, last=True)
        if start is None and end is None:
            return None
        if start is not None and end is not None and start >= end:
            raise BadValue(f"{self.key}_to", "reversed")
        return {"from": start and start.isoformat(), "before": end and end.isoformat()}

    def _moment(self, args: Arguments, name: str, zone: ZoneInfo, *, last: bool) -> datetime | None:
        day_text = clean(args.get(name, ""), name)
        time_text = clean(args.get(f"{name}_time", ""), f"{name}_time")
        if not day_text:
            if time_text:
                raise BadValue(name, "date_missing")
            return None
        day = read_date(day_text, name)
        if time_text:
            local = datetime.combine(day, read_time(time_text, f"{name}_time"), zone)
            return local.astimezone(UTC) + timedelta(minutes=last)
        return clock.day_bounds(day, zone)[last]

    def condition(self, value: Value, *, named: bool = False) -> ColumnElement[bool]:
        low, high = f"{self.key}_from", f"{self.key}_before"
        return _within(self.column, self.values(value), (low, operator.ge), (high, operator.lt), named=named)

    def values(self, value: Value) -> Mapping[str, Any]:
        ends = {f"{self.key}_{end}": value.get(end) for end in ("from", "before")}
        return {name: datetime.fromisoformat(text) for name, text in ends.items() if text}


def _within(column: Any, values: Mapping[str, Any], *ends: tuple[str, Any], named: bool) -> ColumnElement[bool]:
    parts = (
        compare(column, parameter(name, values[name], column, named=named)) for name, compare in ends if name in values
    )
    return sa.and_(sa.true(), *parts)


def read_date(text: str, field: str) -> date:
    """A day from `07.05.2024` or `2024-05-07`, years 1970 to 2200. Raises BadValue ``bad_date``."""
    for form in _DATES:
        try:
            day = datetime.strptime(text, form).date()  # noqa: DTZ007 - a calendar day has no zone
        except ValueError:
            continue
        if 1970 <= day.year <= 2200:
            return day
    raise BadValue(field, "bad_date")


def read_time(text: str, field: str) -> time:
    """A minute from `10:55` or `10:55:26`; seconds are dropped. Raises BadValue ``bad_time``."""
    for form in _TIMES:
        try:
            return datetime.strptime(text, form).time().replace(second=0)  # noqa: DTZ007 - joined with a zone later
        except ValueError:
            continue
    raise BadValue(field, "bad_time")


@dataclass(frozen=True)
class AmountRange:
    """From and to in roubles, both included; arguments ``<key>_min`` and ``<key>_max``."""

    key: str
    column: Any

    @property
    def params(self) -> tuple[str, ...]:
        return (f"{self.key}_min", f"{self.key}_max")

    def parse(self, args: Arguments, zone: ZoneInfo) -> Value | None:
        low, high = (self._amount(args, name) for name in self.params)
        if low is None and high is None:
            return None
        if low is not None and high is not None and low > high:
            raise BadValue(f"{self.key}_max", "reversed")
        return {"min": None if low is None else str(low), "max": None if high is None else str(high)}

    def _amount(self, args: Arguments, name: str) -> Decimal | None:
        text = clean(args.get(name, ""), name)
        return read_amount(text, name) if text else None

    def condition(self, value: Value, *, named: bool = False) -> ColumnElement[bool]:
        low, high = self.params
        return _within(self.column, self.values(value), (low, operator.ge), (high, operator.le), named=named)

    def values(self, value: Value) -> Mapping[str, Any]:
        ends = {f"{self.key}_{end}": value.get(end) for end in ("min", "max")}
        return {name: Decimal(text) for name, text in ends.items() if text is not None}


def read_amount(text: str, field: str) -> Decimal:
    """Roubles from `500`, `500,00`, `1 200,50` (space or no-break space). Raises BadValue ``bad_amount``."""
    plain = re.sub(r"[\s\u00a0\u202f]", "", text).replace(",", ".").removesuffix("₽")
    if not re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,2})?", plain):
        raise BadValue(field, "bad_amount")
    try:
        amount = Decimal(plain)
    except InvalidOperation:
        raise BadValue(field, "bad_amount") from None
    if abs(amount) >= AMOUNT_LIMIT:
        raise BadValue(field, "bad_amount")
    return amount.quantize(Decimal("0.01"))


@dataclass(frozen=True)
class TextFilter:
    """Free text; ``match`` turns it into a condition, or None when such text can't match anything."""

    key: str
    match: Callable[[str], ColumnElement[bool] | None]

    @property
    def params(self) -> tuple[str, ...]:
        return (self.key,)

    def parse(self, args: Arguments, zone: ZoneInfo) -> Value | None:
        return clean(args.get(self.key, ""), self.key) or None

    def condition(self, value: Value, *, named: bool = False) -> ColumnElement[bool]:
        found = self.match(str(value))
        return sa.false() if found is None else found

    def values(self, value: Value) -> None:
        return None


@dataclass(frozen=True)
class ReferenceFilter:
    """One row of another table by its id. A value such as `12 · ООО «Ромашка»` is read up to its number.

    ``through`` makes the condition where the id is not a column of the list itself.
    """

    key: str
    column: Any
    through: Callable[[int], ColumnElement[bool]] | None = None

    @property
    def params(self) -> tuple[str, ...]:
        return (self.key,)

    def parse(self, args: Arguments, zone: ZoneInfo) -> Value | None:
        text = clean(args.get(self.key, ""), self.key)
        if not text:
            return None
        found = re.match(r"№?\s*([0-9]{1,19})\b", text)
        if found is None or not 0 < int(found[1]) <= BIGINT_MAX:
            raise BadValue(self.key, "bad_reference")
        return int(found[1])

    def condition(self, value: Value, *, named: bool = False) -> ColumnElement[bool]:
        if self.through is not None:
            return self.through(int(value))
        found: ColumnElement[bool] = self.column == parameter(f"{self.key}_is", int(value), self.column, named=named)
        return found

    def values(self, value: Value) -> Mapping[str, Any] | None:
        return {f"{self.key}_is": int(value)} if self.through is None else None
