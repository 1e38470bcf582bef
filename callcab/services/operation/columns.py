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
        """The cell as PostgreSQL writes it; only for plain columns."""
        column = self.source
        if self.choices:
            labels = {value: words(code) for value, code in self.choices.items()}
            text = sa.cast(column, sa.Text)
            return sa.case(*((text == value, label) for value, label in labels.items()), else_=text)
        if self.phone:
            return _sql_phone(sa.cast(column, sa.Text))
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
        return _sql_safe(text)


def phone_text(value: int | str) -> str:
    """`+7(925)394-45-77`; what is no Russian number stays as it is."""
    text = str(value)
    try:
        return phones.display(text if text.startswith("+") else f"+{text}")
    except ValueError:
        return text


def _sql_phone(digits: ColumnElement[str]) -> ColumnElement[str]:
    part = sa.func.substr
    shown = sa.func.concat(
        "+7(", part(digits, 2, 3), ")", part(digits, 5, 3), "-", part(digits, 8, 2), "-", part(digits, 10, 2)
    )
    found: ColumnElement[str] = sa.case((digits.like("7__________"), shown), else_=digits)
    return found


def _sql_safe(text: ColumnElement[str]) -> ColumnElement[str]:
    first = sa.func.left(sa.func.ltrim(text, _INVISIBLE), 1)
    marked = sa.case((text.op("~")(_PHONE), text), else_=sa.literal("'").concat(text))
    found: ColumnElement[str] = sa.case((first.in_(_DANGEROUS), marked), else_=text)
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
