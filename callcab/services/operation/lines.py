"""Lines of a CSV that PostgreSQL writes by itself, read a part ahead of the one that is being kept."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement, Select

from callcab.db import CabSession, ScopeLike, engine
from callcab.services.listing import ListSpec, position
from callcab.services.listing.order import after_position, order_by, order_columns

# Lines of the first part: few, for somebody may wait for the beginning.
FIRST = 1_000
# A part of a rare filter over a long table may take longer than a page may.
_NO_LIMIT = sa.text("SET LOCAL statement_timeout = 0")


class Part(NamedTuple):
    """Whole lines, how many, and where the next part begins: None when there is none."""

    text: str
    rows: int
    last: list[Any] | None


class Lines:
    """The lines of the chosen rows in the order of their list; ``size`` of them are a part.

    A part is one text, for a message for each row would take longer than the row. While one is hashed and written and
    its progress committed, the next is read in a thread and a transaction of its own. Close it, however it ends.
    """

    def __init__(
        self,
        scope: ScopeLike | None,
        spec: ListSpec,
        sort: str,
        chosen: Select[Any],
        cells: Sequence[ColumnElement[str]],
        size: int,
    ) -> None:
        self._scope, self._spec, self._sort, self._size = scope, spec, sort, size
        separated = [part for cell in cells for part in (sa.literal_column("';'"), cell)][1:]
        columns = order_columns(spec, sort)
        self._keys = [column.label(f"key_{place}") for place, column in enumerate(columns)]
        line = sa.func.concat(*separated).label("line")
        self._lines = chosen.with_only_columns(line, *self._keys).order_by(*order_by(spec, sort))
        self._thread = ThreadPoolExecutor(1)
        self._coming = self._thread.submit(self._read, None)

    def take(self) -> Part:
        """The next part, waited for; not to be asked for behind the last. Raises what reading it raised."""
        part = self._coming.result()
        if part.last is not None:
            self._coming = self._thread.submit(self._read, part.last)
        return part

    def close(self) -> None:
        """Wait for what is being read and forget it."""
        self._thread.shutdown(cancel_futures=True)

    def _read(self, after: list[Any] | None) -> Part:
        size = min(self._size, FIRST) if after is None else self._size
        chosen = self._lines if after is None else self._lines.where(after_position(self._spec, self._sort, after))
        lines = chosen.limit(size).subquery()
        count = sa.func.count()
        last = [sa.func.array_agg(lines.c[key.key])[count].label(key.key) for key in self._keys]
        # As text: bytes would come as hexadecimal digits, a sixth of PostgreSQL's work.
        text = sa.func.string_agg(lines.c.line, "\r\n")
        with CabSession(bind=engine(), scope=self._scope, read_only=True) as session:
            session.execute(_NO_LIMIT)
            block, found, *place = session.execute(sa.select(text, count, *last)).one()
        return Part(block + "\r\n" if found else "", found, position(place) if found == size else None)
