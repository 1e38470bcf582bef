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
from sqlalchemy.sql.selectable import Subquery, TableValuedAlias

from callcab.lib import phone as phones
from callcab.services import bulk
from callcab.services.listing.filters import parameter

# So few digits are in one number of a hundred: the list read in its order fills a page sooner than ranges do. So are
# one more with the country's code in front, a region or an operator; of the last digits it is one less.
COMMON = 3
# What decides how the statement of a search looks: how many digits, and where they may stand.
Shape = tuple[int, ...]
# Numbers that the planner sees: of an unknown limit he expects a tenth of all rows, and plans anew each time.
_NONE, _ONE = sa.literal_column("0", sa.Integer), sa.literal_column("1", sa.Integer)
Spans = TableValuedAlias | Subquery
Kinds = Iterator[tuple[Any, Spans, Sequence[int]]]
# Of a row (the model or an alias of it): the segment it lies in.
Segment = Callable[[Any], ColumnElement[int]]


@dataclass(frozen=True)
class Part:
    """What is known of a number: digits in a row, anywhere or its ``last`` ones."""

    digits: str
    last: bool = False

    @property
    def is_whole(self) -> bool:
        return len(self.digits) == phones.WHOLE

    @property
    def is_common(self) -> bool:
        """Whether so many numbers have it that a list is read in its own order."""
        return len(self.digits) < COMMON if self.last else len(self.digits) <= COMMON + (self.digits[0] == "7")

    @property
    def spans(self) -> phones.Spans:
        return phones.last_span(self.digits) if self.last else phones.spans(self.digits)

    @property
    def pattern(self) -> str:
        return f"%{self.digits}" if self.last else f"%{self.digits}%"


@lru_cache(64)
def read(text: str) -> Part | None:
    """What the text says of a number, in any spelling; None when it has no digits."""
    last = phones.last_digits(text)
    if 0 < len(last) < phones.WHOLE:
        return Part(last, last=True)
    digits = phones.search_digits(text)
    return Part(digits) if digits else None


def holding(*columns: Any) -> Callable[[str], ColumnElement[bool] | None]:
    """For ``ListSpec.search`` of a list that stays short: numbers that hold the typed digits, a whole one by equality;
    text without digits matches nothing."""

    def search(text: str) -> ColumnElement[bool] | None:
        part = read(text)
        return None if part is None else sa.or_(*(_holds(column, part, named=False) for column in columns))

    return search


def _holds(column: Any, part: Part, *, named: bool) -> ColumnElement[bool]:
    if part.is_whole:
        found: ColumnElement[bool] = column == parameter("digits", int(part.digits), column, named=named)
        return found
    text = sa.cast(column, sa.Text)
    return text.like(parameter("pattern", part.pattern, text, named=named))


@dataclass(frozen=True)
class PhoneSearch:
    """For ``ListSpec.search`` of a model with ``phone`` and ``phone_reversed``, as ``holding`` finds.

    Each of both needs an index of its own for support and one that begins with ``customer_id`` for customers. Support's
    index of reversed numbers may begin with the ``segment`` (docs/adr/0020-segments.md), an expression: a customer's
    statement can't look into such an index.
    """

    model: type[Any]
    segment: Segment | None = None

    def __call__(self, text: str, *, named: bool = False) -> ColumnElement[bool] | None:
        part = read(text)
        if part is None:
            return None
        if len(part.digits) >= phones.WHOLE or part.is_common:
            return _holds(self.model.phone, part, named=named)
        row = orm.aliased(self.model)
        ids = self._found(row, part, [row.id], named=named).scalar_subquery()
        # An array is read once and first; as a join the planner would expect millions of rows from so many ranges.
        found: ColumnElement[bool] = self.model.id == sa.func.any(sa.func.array(ids))
        return found

    def shape(self, text: str) -> Shape | None:
        """What of the text decides how its statements look; None for a text that no number holds."""
        part = read(text)
        if part is None or len(part.digits) > phones.WHOLE:
            return None
        places = part.spans.places if COMMON <= len(part.digits) < phones.WHOLE else ()
        return (len(part.digits), part.last, part.is_common, *places)

    def is_rare(self, text: str) -> bool:
        """Whether so few numbers have it that an index finds them, a page never reads the list in its own order."""
        part = read(text)
        return part is not None and len(part.digits) <= phones.WHOLE and not part.is_common

    def by_hits(self, text: str, *, counting: bool) -> bool:
        """Whether ``hits`` is quicker than the condition."""
        part = read(text)
        return part is not None and COMMON <= len(part.digits) < phones.WHOLE and (counting or not part.is_common)

    def hits(self, text: str, conditions: Sequence[ColumnElement[bool]], columns: Sequence[Any] = ()) -> Subquery:
        """These columns of what matches, each row once, found by the two indexes.

        Its parameters are named as in ``values``, so that the statement serves every text of its shape. Without columns
        the rows are there to be counted, which needs nothing but the indexes as long as ``conditions`` ask for no more
        than ``customer_id``.
        """
        part = read(text)
        if part is None:
            raise ValueError("no digits")
        columns = columns or [sa.literal(1).label("hit")]
        return self._found(self.model, part, columns, conditions, once=True, named=True).subquery()

    def values(self, text: str) -> dict[str, Any]:
        """The parameters of ``hits`` and of the named condition."""
        part = read(text)
        if part is None or part.is_whole:
            return {} if part is None else {"digits": int(part.digits)}
        ends = _ends(part) if COMMON <= len(part.digits) < phones.WHOLE else {}
        return {"digits": _turned(part), "straight": int(part.digits), "pattern": part.pattern} | ends

    def _found(
        self,
        row: Any,
        part: Part,
        columns: Sequence[Any],
        conditions: Sequence[ColumnElement[bool]] = (),
        *,
        once: bool = False,
        named: bool = False,
    ) -> sa.CompoundSelect[Any]:
        """Columns of what lies in the ranges; what lies in those of several kinds only ``once``, if wanted.

        OFFSET 0 keeps each range a question of its own: the planner, who can't know how narrow they are, would rather
        read all rows of a customer and compare each with every range. (An index of the reversed number with the
        customer behind it did not keep it from that either.)
        """
        arms = []
        for column, span, places in self._kinds(row, part, conditions, named):
            seen = sa.not_(sa.or_(sa.false(), *_standing(row, column, part, places, named)))
            within = [column.between(span.c.low, span.c.high)]
            if self.segment is not None and "segment" in span.c:
                within.append(self.segment(row) == span.c.segment)
            one = sa.select(*columns).select_from(row).where(*within, *conditions, *([seen] if once else []))
            one_by_one = one.offset(_NONE).lateral()
            arms.append(sa.select(*one_by_one.c).select_from(span).join(one_by_one, sa.true()))
        return sa.union_all(*arms)

    def _kinds(self, row: Any, part: Part, conditions: Sequence[ColumnElement[bool]], named: bool) -> Kinds:
        """A column, a table of its ranges (``low``, ``high``, and ``segment`` where there are some), and the places at
        which other kinds find the digits."""
        found = part.spans
        later = [place for place in found.places if found.behind and place >= phones.HEAD]
        # The few and wide ones first, for counting stops when it has enough.
        yield row.phone, _span_table(part, "span", named), later
        if found.behind:
            yield row.phone, _behind_heads(row, conditions, _span_table(part, "behind", named)), ()
        yield row.phone_reversed, self._in_segments(_span_table(part, "turned", named)), found.places

    def _in_segments(self, spans: TableValuedAlias) -> Spans:
        """These ranges in each segment that has rows, if there are segments."""
        segment = self.segment
        if segment is None:
            return spans
        newest, any_row = orm.aliased(self.model), orm.aliased(self.model)
        last = sa.select(segment(newest)).order_by(newest.id.desc()).limit(_ONE).scalar_subquery()
        number = sa.func.generate_series(_NONE, last).column_valued("number")
        there = sa.select(number).where(sa.exists().where(segment(any_row) == number)).scalar_subquery()
        segment_of = sa.column("segment", sa.BigInteger)
        segments = sa.func.unnest(sa.func.array(there)).table_valued(segment_of, name="segments").render_derived()
        return sa.select(*spans.c, segments.c.segment).select_from(spans.join(segments, sa.true())).subquery()


def _span_table(part: Part, name: str, named: bool) -> TableValuedAlias:
    texts = _ends(part)
    ends = (
        sa.cast(sa.bindparam(key, texts[key], sa.Text, unique=not named), ARRAY(sa.BigInteger))
        for key in (f"{name}_low", f"{name}_high")
    )
    low, high = sa.column("low", sa.BigInteger), sa.column("high", sa.BigInteger)
    return sa.func.unnest(*ends).table_valued(low, high, name=name).render_derived()


def _behind_heads(row: Any, conditions: Sequence[ColumnElement[bool]], behind: TableValuedAlias) -> Subquery:
    """These ranges behind each beginning that numbers of the list have: the first number in order is there at once."""
    every = sa.cast(sa.literal_column(f"'{bulk.listed(phones.HEADS)}'"), ARRAY(sa.BigInteger))
    head = sa.func.unnest(every).table_valued(sa.column("head", sa.BigInteger), name="heads").render_derived()
    low, high = phones.head_span(head.c.head)
    first = (
        sa.select(row.phone).where(row.phone.between(low, high), *conditions).order_by(row.phone).limit(_ONE).lateral()
    )
    there = head.join(first, sa.true()).join(behind, sa.true())
    ends = ((low + behind.c.low).label("low"), (low + behind.c.high).label("high"))
    return sa.select(*ends).select_from(there).subquery()


@lru_cache(64)
def _ends(part: Part) -> dict[str, str]:
    """The ends of the ranges, one text for each: hundreds of parameters take the driver longer than the search takes
    the database."""
    found = part.spans
    ends: dict[str, str] = {}
    for name, spans in (("span", found.numbers), ("behind", found.behind), ("turned", found.reversed)):
        low, high = zip(*spans, strict=True) if spans else ((), ())
        ends |= {f"{name}_low": bulk.listed(low), f"{name}_high": bulk.listed(high)}
    return ends


def _turned(part: Part) -> int:
    return int(part.digits[::-1])


def _standing(row: Any, column: Any, part: Part, places: Sequence[int], named: bool) -> Iterator[ColumnElement[bool]]:
    """Whether the digits stand at one of these places, told from the column whose index is read: then it is enough."""
    turned = column is row.phone_reversed
    name, digits = ("digits", _turned(part)) if turned else ("straight", int(part.digits))
    wanted = sa.bindparam(name, digits, sa.BigInteger, unique=not named)
    for place in places:
        behind = place if turned else phones.WHOLE - len(part.digits) - place
        whole = sa.literal(10 ** len(part.digits), sa.BigInteger)
        yield (column // sa.literal(10**behind, sa.BigInteger)) % whole == wanted
