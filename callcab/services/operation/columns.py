"""Columns of an export, as values of a row or as SQL that PostgreSQL writes by itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql import ColumnElement

from callcab.lib import phone as phones
from callcab.lib.csv_io import safe_cell

Words = Callable[[str], str]
# What ``safe_cell`` guards against (rule B9), without a regular expression per cell: those take most of the time.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_INVISIBLE = " \u00a0\u200b\u200c\u200d\u2060\ufeff\u200e\u200f"
# What puts a cell in quotes, and what either is there or needs a closer look.
_SPECIAL = ';"\r\n'
_NEEDS_CARE = f"[{_SPECIAL}]|^[{_INVISIBLE}]*[=+@\t\uff1d\uff0b\uff0d\uff20-]"
_PHONE = r"^\+7(\(\d{3}\)\d{3}-\d\d-\d\d|\d{10})$"


@dataclass(frozen=True)
class ExportColumn:
    """One column.

    key      word of the heading: ``export.<list>.<key>``, else ``column.<key>`` in the sentences of the edge
    source   a mapped column of the list's own model (then PostgreSQL writes the text: a million rows a second), or
             a function row -> value
    phone    numbers kept as bigint, shown as `+7(925)394-45-77`
    choices  value -> word code, for columns with fixed values
    """

    key: str
    source: Any
    phone: bool = False
    choices: Mapping[str, str] | None = None

    @property
    def is_plain(self) -> bool:
        return isinstance(self.source, InstrumentedAttribute)

    def heading(self, list_name: str, words: Words) -> str:
        for code in (f"export.{list_name}.{self.key}", f"column.{self.key}"):
            if (word := words(code)) != code:
                return word
        return self.key

    def value(self, row: Any, zone: ZoneInfo, words: Words) -> Any:
        """The cell of a loaded row."""
        value = getattr(row, self.source.key) if self.is_plain else self.source(row)
        if isinstance(value, Enum):
            value = value.value
        if self.choices and value in self.choices:
            return words(self.choices[value])
        if self.phone and value is not None:
            return phone_text(value)
        return plain(value, zone)

    def sql(self, zone: ZoneInfo, words: Words) -> ColumnElement[str]:
        """The cell of a line of CSV as PostgreSQL writes it, in quotes where it needs them; only for plain columns."""
        column = self.source
        if self.choices:
            labels = {value: _quoted(words(code)) for value, code in self.choices.items()}
            text = sa.cast(column, sa.Text)
            return sa.case(*((text == value, label) for value, label in labels.items()), else_=_sql_cell(text))
        if self.phone:
            return _sql_phone(column)
        kind = column.type
        if isinstance(kind, sa.DateTime):
            return sa.func.to_char(sa.func.timezone(zone.key, column), "DD.MM.YYYY HH24:MI:SS")
        if isinstance(kind, sa.Date):
            return sa.func.to_char(column, "DD.MM.YYYY")
        if isinstance(kind, sa.Boolean):
            return sa.case((column, "1"), else_="0")
        text = sa.cast(column, sa.Text)
        if getattr(kind, "impl_instance", kind).python_type is Decimal:
            return sa.func.replace(text, ".", ",")
        if isinstance(kind, sa.Integer):
            return text
        return _sql_cell(text)


def phone_text(value: int | str) -> str:
    """`+7(925)394-45-77`; what is no Russian number stays as it is."""
    text = str(value)
    try:
        return phones.display(text if text.startswith("+") else f"+{text}")
    except ValueError:
        return text


def _sql_phone(number: ColumnElement[int]) -> ColumnElement[str]:
    """A picture of digits takes half as long as putting parts together."""
    shown = sa.func.to_char(sa.cast(number, sa.BigInteger), 'FM"+"9"("999")"999"-"99"-"99')
    russian = number.between(70_000_000_000, 79_999_999_999)
    found: ColumnElement[str] = sa.case((russian, shown), else_=sa.cast(number, sa.Text))
    return found


def _quoted(text: str) -> str:
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if any(sign in text for sign in _SPECIAL) else text


def _sql_cell(text: ColumnElement[str]) -> ColumnElement[str]:
    """Free text: made harmless and put in quotes, if a look at it says that it needs either; most needs none."""
    first = sa.func.left(sa.func.ltrim(text, _INVISIBLE), 1)
    marked = sa.case((text.op("~")(_PHONE), text), else_=sa.literal("'").concat(text))
    safe = sa.case((first.in_(_DANGEROUS), marked), else_=text)
    quoted = sa.literal('"').concat(sa.func.replace(safe, '"', '""')).concat('"')
    careful = sa.case((safe.op("~")(f"[{_SPECIAL}]"), quoted), else_=safe)
    found: ColumnElement[str] = sa.case((text.op("~")(_NEEDS_CARE), careful), else_=text)
    return found


def plain(value: Any, zone: ZoneInfo) -> Any:
    """A value as a spreadsheet with Russian settings reads it: `07.05.2024 10:55:26`, `1200,50`."""
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%d.%m.%Y %H:%M:%S")
    if hasattr(value, "strftime"):
        return value.strftime("%d.%m.%Y")
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Decimal):
        return Number(str(value).replace(".", ","))
    return value


class Number:
    """A sum as text that is no free text: a minus in front is no formula, so it gets no apostrophe."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


__all__ = ["ExportColumn", "Number", "Words", "phone_text", "plain", "safe_cell"]
