"""One page of a list, by keyset; a jump to a far page goes by OFFSET over the keys alone."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement, Select
from sqlalchemy.sql.selectable import FromClause, Subquery

from callcab.db import CabSession
from callcab.services.listing.order import (
    after,
    behind,
    order_by,
    order_columns,
    position_of,
    read_position,
)
from callcab.services.listing.query import (
    CUSTOMER,
    Asked,
    Count,
    asked,
    capped,
    conditions,
    counting,
    hit_search,
    matching,
    own_conditions,
    whole_list,
)
from callcab.services.listing.shown import Shown, limit_of
from callcab.services.listing.spec import ListSpec
from callcab.services.listing.state import ListState


class Signer(Protocol):
    """Signs cursors, so that an address can't be made to probe rows by forged positions."""

    def sign(self, text: str) -> str: ...

    def unsign(self, token: str) -> str | None:
        """The text, or None when it was not signed here."""
        ...


@dataclass(frozen=True)
class Page:
    """Rows and the cursors around them; empty cursors mean that there is nothing further that way.

    start  number of the first row counted from one, None when the page was reached from the end
    total  how many rows match, where that came along
    """

    rows: Sequence[Any]
    previous: str = ""
    next: str = ""
    start: int | None = None
    total: Count | None = None

    def count(self, state: ListState) -> Count | None:
        """How many rows match, where the page knows it or shows all of them; None where they have to be counted."""
        if self.total is not None:
            return self.total
        if self.previous or self.next or (not self.rows and (state.after or state.before)):
            return None
        return Count(len(self.rows))


@dataclass(frozen=True)
class _Cursor:
    values: Sequence[Any]  # of the columns of the order
    rank: int | None  # rows before the page that this cursor leads to


def fetch_page(
    session: CabSession, spec: ListSpec, state: ListState, *, signer: Signer, customer_id: int | None = None
) -> Page:
    """Read a page. A cursor that is forged, old or of another order falls back to the first page; a cursor or a page
    number behind the end, to the last rows."""
    reader = _Reader(session, spec, state, signer, customer_id)
    after, before = reader.open(state.after), reader.open(state.before)
    if after is not None:
        return reader.forward(after)
    if before is not None or state.from_end:
        return reader.backward(before)
    if state.place is not None:
        return reader.forward(_Cursor(state.place, None))
    if state.page is not None and state.page > 1:
        return reader.jump((state.page - 1) * state.page_size)
    return reader.forward(None)


@dataclass(frozen=True)
class _Step:
    rows: Sequence[Any]
    more: bool  # whether there are others behind them
    total: Count | None = None


def _mark(place: int) -> str:
    return f"behind_{place}"


@dataclass(frozen=True)
class _Reader:
    session: CabSession
    spec: ListSpec
    state: ListState
    signer: Signer
    customer_id: int | None

    def _read(self, *matching: ColumnElement[bool], order: Sequence[Any], limit: int | None) -> _Step:
        """A page of rows."""
        shown = self.spec.shown
        statement, values = (sa.select(self.spec.model), {}) if shown is None else shown.select(self.session)
        statement = statement.where(*matching).order_by(*order).limit(limit)
        if shown is not None:
            rows: Sequence[Any] = shown.rows(self.session, statement, values)
        else:
            rows = self.session.scalars(statement.options(*self.spec.loaders)).unique().all()
        return self._cut(rows)

    def _cut(self, rows: Sequence[Any], total: Count | None = None) -> _Step:
        return _Step(rows[: self.state.page_size], len(rows) > self.state.page_size, total)

    def _step(self, cursor: _Cursor | None, *, backwards: bool = False) -> _Step:
        """The rows next to a cursor, in the order of reading."""
        spec, sort = self.spec, self.state.sort
        named = None if spec.shown is None else asked(spec, self.state)
        if spec.shown is not None and named is not None:
            return self._walk(spec.shown, cursor, backwards, named)
        behind = [] if cursor is None else [after(spec, sort, cursor.values, backwards=backwards)]
        order = order_by(spec, sort, backwards=backwards)
        matching = conditions(spec, self.state, self.customer_id)
        return self._read(*matching, *behind, order=order, limit=self.state.page_size + 1)

    def _walk(self, shown: Shown, cursor: _Cursor | None, backwards: bool, named: Asked) -> _Step:
        """A step by a statement that is made once for each order and shape of what was asked; the count comes along."""
        at = [] if cursor is None else cursor.values
        empty = [value is None for value in at]
        whose = self.customer_id is None, self.session.owner_id is None, self.customer_id == self.session.owner_id
        key = (self.state.sort, backwards, self.state.page_size, *whose, *empty, "at", *named.shape)
        statement, values = shown.select(self.session)
        kept = shown.kept.get(key)
        if kept is None:
            kept = shown.keep(key, self._walking(shown, statement, named, empty, backwards))
        values |= {CUSTOMER.key: self.customer_id} | {_mark(place): value for place, value in enumerate(at)}
        records = shown.records(self.session, kept, {**values, **named.values})
        return self._cut(shown.made(records), self._counted(records[0][-1]) if records else None)

    def _counted(self, found: int | None) -> Count | None:
        if found is None:
            return None
        whole, owner = whole_list(self.spec, self.state, self.customer_id)
        kept = whole and self.spec.total_of(owner) is not None
        return Count(found) if kept or self.spec.count_cap is None else capped(found, self.spec.count_cap)

    def _walking(
        self, shown: Shown, statement: Select[Any], named: Asked, empty: Sequence[bool], backwards: bool
    ) -> Select[Any]:
        """With parameters for the customer, for what was asked, and for the place to go on from."""
        spec, sort = self.spec, self.state.sort
        order = order_by(spec, sort, backwards=backwards)
        size = limit_of(self.state.page_size + 1)
        search = hit_search(spec, self.state, counting=False)
        if search is None:
            found = [*conditions(spec, self.state, self._owner(shown), named=True), *self._behind(empty, backwards)]
            counted = self._count(shown, named)
            return statement.add_columns(counted).where(*found).order_by(*order).limit(size)
        # All that matches is found once, for the page and to be counted.
        mine = [*own_conditions(spec, self._owner(shown)), *shown.mine(self.session)]
        # With where it lies in the table: there the rows of the page are fetched, without an index.
        place: ColumnElement[Any] = sa.literal_column(f'"{spec.model.__table__.name}".ctid')
        columns = [*order_columns(spec, sort), place.label("place")]
        hits = sa.select(search.hits(self.state.search, mine, columns)).cte("hits")
        keys = (
            sa.select(hits)
            .where(*self._behind(empty, backwards, hits))
            .order_by(*order_by(spec, sort, backwards=backwards, found=hits))
            .limit(size)
            .subquery()
        )
        counted = sa.select(sa.func.count()).select_from(hits).scalar_subquery()
        return statement.add_columns(counted).where(place == keys.c.place).order_by(*order)

    def _owner(self, shown: Shown) -> sa.BindParameter[int] | None:
        """The customer whose rows are listed, unless the session is confined to him: that says the same."""
        confined = self.customer_id == self.session.owner_id and bool(shown.mine(self.session))
        return None if self.customer_id is None or confined else CUSTOMER

    def _count(self, shown: Shown, named: Asked) -> ColumnElement[Any]:
        """How many rows match, for a column of the page's statement; NULL where that is no business of the page."""
        spec, state = self.spec, self.state
        whole, owner = whole_list(spec, state, self.customer_id)
        total = spec.total_of(owner) if whole else None
        if total is not None and (owner is not None or self.session.owner_id is None):
            chosen = [sa.bindparam(name, type_=sa.BigInteger) for name in named.values]
            return total.inside(chosen[0] if chosen else None if owner is None else CUSTOMER)
        if spec.count_cap is None or total is not None:
            return sa.null()
        most = spec.count_cap + 1
        return counting(self.session, spec, shown, state, self._owner(shown), most, named=True).scalar_subquery()

    def _behind(
        self, empty: Sequence[bool], backwards: bool, found: FromClause | None = None
    ) -> list[ColumnElement[bool]]:
        """The place to go on from, if any; cells that are empty there decide how that is said."""
        if not empty:
            return []
        columns = order_columns(self.spec, self.state.sort)
        marks = [
            None if gap else sa.bindparam(_mark(place), type_=column.type)
            for place, (gap, column) in enumerate(zip(empty, columns, strict=True))
        ]
        return [behind(self.spec, self.state.sort, marks, backwards=backwards, found=found)]

    def _among(self, keys: Subquery) -> list[ColumnElement[bool]]:
        """The rows of these keys."""
        return [column == keys.c[column.key] for column in self.spec.key_columns]

    def forward(self, cursor: _Cursor | None) -> Page:
        step = self._step(cursor)
        if cursor is not None and not step.rows:
            # What was behind it vanished meanwhile.
            return self.backward(None)
        return self._page(step, 0 if cursor is None else cursor.rank, earlier=cursor is not None, later=step.more)

    def backward(self, cursor: _Cursor | None) -> Page:
        step = self._step(cursor, backwards=True)
        if cursor is not None and not step.more and len(step.rows) < self.state.page_size:
            # The start was reached with a short page (rows vanished meanwhile): show the first page whole.
            return replace(self, state=replace(self.state, before="", after="")).forward(None)
        rank = None
        if cursor is not None:
            rank = cursor.rank if step.more else 0
        turned = replace(step, rows=step.rows[::-1])
        return self._page(turned, rank, earlier=step.more, later=cursor is not None)

    def jump(self, skipped: int) -> Page:
        """OFFSET over the keys, then the rows: five times quicker than OFFSET over whole rows."""
        order = order_by(self.spec, self.state.sort)
        keys = (
            matching(self.spec, self.state, customer_id=self.customer_id)
            .with_only_columns(*self.spec.key_columns)
            .order_by(*order)
            .offset(skipped)
            .limit(self.state.page_size + 1)
            .subquery()
        )
        step = self._read(*self._among(keys), order=order, limit=None)
        if not step.rows:
            return self.backward(None)
        return self._page(step, skipped, earlier=True, later=step.more)

    def _page(self, step: _Step, rank: int | None, *, earlier: bool, later: bool) -> Page:
        rows = step.rows
        if not rows:
            return Page(rows)
        ahead = None if rank is None else rank + len(rows)
        behind = None if rank is None else max(rank - self.state.page_size, 0)
        return Page(
            rows,
            previous=self._seal(rows[0], behind) if earlier else "",
            next=self._seal(rows[-1], ahead) if later else "",
            start=None if rank is None else rank + 1,
            total=step.total,
        )

    def _seal(self, row: Any, rank: int | None) -> str:
        place = [self.spec.name, self.state.sort, rank, *position_of(self.spec, self.state.sort, row)]
        return self.signer.sign(json.dumps(place, separators=(",", ":")))

    def open(self, token: str) -> _Cursor | None:
        text = self.signer.unsign(token) if token else None
        if text is None:
            return None
        try:
            name, sort, rank, *position = json.loads(text)
            if (name, sort) != (self.spec.name, self.state.sort):
                return None
            values = read_position(self.spec, self.state.sort, position)
        except ValueError:
            return None
        return _Cursor(values, rank)
