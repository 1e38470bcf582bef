"""Search by a whole number or a part of one, in any spelling (rule B7), in tables of any length.

A part is looked for where it may lie in the order of numbers or of reversed numbers (``phones.spans``): ranges of two
indexes, where a pattern would read every row.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.selectable import Subquery

from callcab.lib import phone as phones

WHOLE = 11
# So few digits are in one number of a hundred: the list read in its order fills a page sooner than ranges do. So are
# one more with the country's code in front, a region or an operator.
COMMON = 3
# What decides how the statement of a search looks: how many digits, and where they may stand.
Shape = tuple[int, ...]
Arms = Iterator[tuple[Any, ColumnElement[bool]]]


def holding(*columns: Any) -> Callable[[str], ColumnElement[bool] | None]:
    """For ``ListSpec.search`` of a list that stays short: numbers that hold the typed digits, a whole one by equality;
    text without digits matches nothing."""

    def search(text: str) -> ColumnElement[bool] | None:
        digits = phones.search_digits(text)
        return sa.or_(*(_holds(column, digits) for column in columns)) if digits else None

    return search


def _holds(column: Any, digits: str) -> ColumnElement[bool]:
    if len(digits) == WHOLE:
        found: ColumnElement[bool] = column == int(digits)
        return found
    return sa.cast(column, sa.Text).contains(digits, autoescape=True)


def _is_common(digits: str) -> bool:
    return len(digits) <= COMMON + (digits[0] == "7")


@dataclass(frozen=True)
class PhoneSearch:
    """For ``ListSpec.search`` of a model with ``phone`` and ``phone_reversed``, as ``holding`` finds.

    Each of both needs an index of its own for support and one that begins with ``customer_id`` for customers.
    """

    model: type[Any]

    def __call__(self, text: str) -> ColumnElement[bool] | None:
        digits = phones.search_digits(text)
        if not digits:
            return None
        if len(digits) >= WHOLE or _is_common(digits):
            return _holds(self.model.phone, digits)
        row = orm.aliased(self.model)
        ids = _found(row, digits, [row.id]).scalar_subquery()
        # An array is read once and first; as a join the planner would expect millions of rows from so many ranges.
        found: ColumnElement[bool] = self.model.id == sa.func.any(sa.func.array(ids))
        return found

    def shape(self, text: str, *, counting: bool) -> Shape | None:
        """What of the text decides how ``hits`` looks; None where the condition is quicker."""
        digits = phones.search_digits(text)
        if not COMMON <= len(digits) < WHOLE or (not counting and _is_common(digits)):
            return None
        return (len(digits), *phones.spans(digits).places)

    def hits(self, text: str, conditions: Sequence[ColumnElement[bool]], columns: Sequence[Any] = ()) -> Subquery:
        """These columns of what matches, each row once, found by the two indexes.

        Its parameters are named as in ``values``, so that the statement serves every text of its shape. Without columns
        the rows are there to be counted, which needs nothing but the indexes as long as ``conditions`` ask for no more
        than ``customer_id``.
        """
        columns = columns or [sa.literal(1).label("hit")]
        return _found(self.model, phones.search_digits(text), columns, conditions, once=True).subquery()

    def values(self, text: str) -> dict[str, Any]:
        """The parameters of ``hits`` for this text."""
        digits = phones.search_digits(text)
        return {"digits": _turned(digits)} | _ends(digits)


def _found(
    row: Any,
    digits: str,
    columns: Sequence[Any],
    conditions: Sequence[ColumnElement[bool]] = (),
    *,
    once: bool = False,
) -> sa.CompoundSelect[Any]:
    """Columns of what lies in the ranges; what lies in those of both orders only ``once``, if wanted.

    OFFSET 0 keeps each range a question of its own: the planner, who can't know how narrow they are, would rather read
    all rows of a customer and compare each with every range. (An index of the reversed number with the customer behind
    it did not keep it from that either.)
    """
    seen = sa.not_(sa.or_(sa.false(), *_standing(row.phone_reversed, digits, once)))
    arms = []
    for (span, within), more in zip(_arms(row, digits, once), ((), (seen,) if once else ()), strict=True):
        one = sa.select(*columns).select_from(row).where(within, *conditions, *more).offset(0).lateral()
        arms.append(sa.select(*one.c).select_from(span).join(one, sa.true()))
    return sa.union_all(*arms)


def _arms(row: Any, digits: str, named: bool) -> Arms:
    """The ranges of each order as a table, and when a row is in one."""
    texts = _ends(digits)
    for name, column in (("span", row.phone), ("turned", row.phone_reversed)):
        ends = (
            sa.cast(sa.bindparam(key, texts[key], sa.Text, unique=not named), ARRAY(sa.BigInteger))
            for key in (f"{name}_low", f"{name}_high")
        )
        low, high = sa.column("low", sa.BigInteger), sa.column("high", sa.BigInteger)
        span = sa.func.unnest(*ends).table_valued(low, high, name=name).render_derived()
        yield span, column.between(span.c.low, span.c.high)


@lru_cache(64)
def _ends(digits: str) -> dict[str, str]:
    """The ends of the ranges, one text for each: hundreds of parameters take the driver longer than the search takes
    the database."""
    found = phones.spans(digits)
    ends: dict[str, str] = {}
    for name, spans in (("span", found.numbers), ("turned", found.reversed)):
        low, high = zip(*spans, strict=True) if spans else ((), ())
        ends |= {f"{name}_low": _as_array(low), f"{name}_high": _as_array(high)}
    return ends


def _as_array(numbers: Sequence[int]) -> str:
    return f"{{{','.join(map(str, numbers))}}}"


def _turned(digits: str) -> int:
    return int(digits[::-1])


def _standing(turned: Any, digits: str, named: bool) -> Iterator[ColumnElement[bool]]:
    """Whether the digits stand where the ranges of numbers would have found them, told from the reversed number."""
    wanted = sa.bindparam("digits", _turned(digits), sa.BigInteger, unique=not named)
    for place in phones.spans(digits).places:
        yield (turned // sa.literal(10**place, sa.BigInteger)) % sa.literal(10 ** len(digits), sa.BigInteger) == wanted
