"""The names behind the ids that a reference filter holds."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.sql import ColumnElement

from callcab.db import CabSession
from callcab.services.listing.shown import Shown

SUGGESTED = 20
_CHOSEN = sa.bindparam("chosen_id", type_=sa.BigInteger)


@dataclass(frozen=True)
class Lookup:
    """Rows of a model with a ``name``, as far as the session's scope lets them be seen.

    newest  whether the newest are suggested first; otherwise by name
    only    a condition that always holds, such as "works for support"
    """

    model: type[Any]
    newest: bool = False
    only: Callable[[], ColumnElement[bool]] | None = None

    def suggest(self, session: orm.Session, text: str) -> list[tuple[int, str]]:
        """Ids and names that hold the text, at most twenty."""
        order = self.model.id.desc() if self.newest else self.model.name
        found = self._rows().where(self.model.name.icontains(text, autoescape=True)).order_by(order).limit(SUGGESTED)
        return [(row.id, row.name) for row in session.execute(found)]

    def name_of(self, session: CabSession, row_id: int) -> str | None:
        """What a row is called; None when there is none for this session."""
        statement, values = self._named.select(session)
        key = bool(values)
        if key not in self._named.kept:
            only = [] if self.only is None else [self.only()]
            self._named.keep(key, statement.where(self.model.id == _CHOSEN, *only))
        found = self._named.rows(session, self._named.kept[key], values | {_CHOSEN.key: row_id})
        return str(found[0].name) if found else None

    @cached_property
    def _named(self) -> Shown:
        return Shown(self.model, names=("id", "name"))

    def _rows(self) -> sa.Select[Any]:
        rows = sa.select(self.model.id, self.model.name)
        return rows if self.only is None else rows.where(self.only())
