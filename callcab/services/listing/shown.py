"""What a page of a list reads: rows past the mapper, with no more of other tables than the cells show.

A row of the mapper can be changed, saved and expired; a page needs none of it, and it was a fifth of the page's time
(docs/adr/0017-rows-of-pages.md). A shown row has the model's columns, properties and methods by the same names, yet
belongs to no session: what was not read is an AttributeError, never one more statement.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import FunctionType
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.sql import ColumnElement, Select, visitors
from sqlalchemy.sql.selectable import FromClause

from callcab import scope
from callcab.db import CabSession, engine
from callcab.services.listing.compiled import Compiled, compiled

# Statements that a list keeps at most.
KEPT = 200
# The scope's customer, given when the statement runs.
OWNER = sa.bindparam("scope_customer_id", type_=sa.BigInteger)


def limit_of(rows: int) -> ColumnElement[int]:
    """A number that the planner sees: of an unknown limit he expects a tenth of the table, and never keeps the plan."""
    return sa.literal_column(str(rows), sa.Integer)


@dataclass(frozen=True)
class Related:
    """Another row that the cells show: ``attribute`` is a relationship to at most one, of which ``columns`` are read
    (its id always; without any all of them), and ``related`` of that row in turn."""

    attribute: Any
    columns: Sequence[Any] = ()
    related: Sequence["Related"] = ()

    @property
    def option(self) -> Any:
        """The same for rows of the mapper."""
        few = [orm.load_only(*self.columns)] if self.columns else []
        return orm.joinedload(self.attribute).options(*few, orm.lazyload("*"), *(each.option for each in self.related))


@dataclass(frozen=True)
class _Part:
    """A table of the statement: the class of its rows, their names, and where in a record they begin."""

    kind: type[Any]
    names: Sequence[str]
    begin: int
    name: str = ""
    parts: Sequence["_Part"] = ()

    def rows(self, records: Sequence[Any]) -> list[Any]:
        """Of each record one row, or None where an outer join found nothing; equal ids are one row."""
        end, kind, names = self.begin + len(self.names), self.kind, self.names
        made: dict[Any, Any] = {}
        found = []
        for record in records:
            values = record[self.begin : end]
            row = made.get(values[0])
            if row is None and values[0] is not None:
                row = made[values[0]] = kind()
                row.__dict__ = dict(zip(names, values, strict=True))
            found.append(row)
        for part in self.parts:
            for row, other in zip(found, part.rows(records), strict=True):
                if row is not None:
                    row.__dict__[part.name] = other
        return found


@dataclass(frozen=True)
class Shown:
    """The statement of a list's pages and how its records become rows.

    names     of the columns that are read, the key first; without any all that are not deferred
    computed  name -> an expression over the model, read along
    kept      statements made of ``select``, by what they were made for: making one takes longer than answering it
    """

    model: type[Any]
    related: Sequence[Related] = ()
    computed: Mapping[str, ColumnElement[Any]] = field(default_factory=dict)
    names: Sequence[str] = ()
    kept: dict[Any, Compiled | Select[Any]] = field(default_factory=dict, init=False, compare=False, repr=False)

    def select(self, session: CabSession) -> tuple[Select[Any], dict[str, Any]]:
        """The statement so far, confined as every statement of the session is, and its values."""
        owner = session.owner_id
        return (self._of_all, {}) if owner is None else (self._of_one, {OWNER.key: owner})

    def keep(self, key: Any, statement: Select[Any]) -> Compiled | Select[Any]:
        """Keep a statement for the next who asks the same, compiled if its text is always the same; so many at most,
        for people choose what they ask."""
        if len(self.kept) >= KEPT:
            self.kept.clear()
        made = self.kept[key] = compiled(statement, engine().dialect) or statement
        return made

    def mine(self, session: CabSession) -> list[ColumnElement[bool]]:
        """The criterion of the session over the model's table, with ``OWNER`` as its parameter."""
        return [] if session.owner_id is None else _mine(self.model, self.model.__table__)

    def counting(self, session: CabSession, conditions: Sequence[ColumnElement[bool]], *, most: int) -> Select[Any]:
        """How many rows meet the conditions, ``most`` at most; with the values of ``select``.

        One's own rows and those of all are counted apart: each stand together in an index that begins with the
        customer, while OR would read the rows of everybody in between.
        """
        table = self.model.__table__
        parts = [] if session.owner_id is None else scope.own_parts(self.model, table.c, OWNER)
        limit = limit_of(most)
        keys = [sa.select(table.c.id).where(part, *conditions).limit(limit) for part in parts or (sa.true(),)]
        rows = keys[0] if len(keys) == 1 else sa.union_all(*keys).limit(limit)
        return sa.select(sa.func.count()).select_from(rows.subquery())

    def rows(self, session: CabSession, statement: Compiled | Select[Any], values: Mapping[str, Any]) -> list[Any]:
        """Run what ``select`` or ``keep`` gave, with conditions, order and limit."""
        return self.made(self.records(session, statement, values))

    def records(
        self, session: CabSession, statement: Compiled | Select[Any], values: Mapping[str, Any]
    ) -> Sequence[Sequence[Any]]:
        """The same before rows are made of it; columns may have been added behind those of ``select``."""
        if isinstance(statement, Compiled):
            return session.fetch(statement, values)
        return session.connection().execute(statement, values).all()

    def made(self, records: Sequence[Any]) -> list[Any]:
        """The rows of these records."""
        return self._whole.rows(records)

    @cached_property
    def _whole(self) -> _Part:
        return self._made[0]

    @cached_property
    def _of_all(self) -> Select[Any]:
        return self._joined(lambda kind, table: [])

    @cached_property
    def _of_one(self) -> Select[Any]:
        return self._joined(_mine)

    def _joined(self, criterion: Callable[[type[Any], FromClause], list[ColumnElement[bool]]]) -> Select[Any]:
        _, columns, joins = self._made
        source = self.model.__table__
        for table, on, kind in joins:
            source = source.outerjoin(table, sa.and_(on, *criterion(kind, table)))
        return sa.select(*columns).select_from(source).where(*criterion(self.model, self.model.__table__))

    @cached_property
    def _made(self) -> tuple[_Part, list[Any], list[tuple[FromClause, ColumnElement[bool], type[Any]]]]:
        table = self.model.__table__
        read = {item.key: item.expression for item in self.model.__mapper__.column_attrs if not item.deferred}
        read |= self.computed
        names = self.names or [self.model.id.key, *(name for name in read if name != self.model.id.key)]
        columns = [_plain(read[name], table) for name in names]
        joins: list[tuple[FromClause, ColumnElement[bool], type[Any]]] = []
        parts = [_join(each, table, columns, joins) for each in self.related]
        return _Part(_kind_of(self.model), names, 0, parts=parts), columns, joins


def _mine(kind: type[Any], table: FromClause) -> list[ColumnElement[bool]]:
    found = scope.own(kind, table.c, OWNER)
    return [] if found is None else [found]


def _join(
    related: Related,
    table: FromClause,
    columns: list[Any],
    joins: list[tuple[FromClause, ColumnElement[bool], type[Any]]],
) -> _Part:
    """Join the related row's table, and add what is read of it."""
    relationship = related.attribute.property
    model, other = relationship.mapper.class_, relationship.mapper.local_table.alias()
    sides = {relationship.parent.local_table.name: table, relationship.mapper.local_table.name: other}

    def stand_in(element: Any, **_: Any) -> Any:
        return sides[element.table.name].c[element.name] if isinstance(element, sa.Column) else None

    joins.append((other, visitors.replacement_traverse(relationship.primaryjoin, {}, stand_in), model))
    wanted = related.columns or [
        item for item in model.__mapper__.column_attrs if isinstance(item.expression, sa.Column)
    ]
    names = ["id", *(column.key for column in wanted if column.key != "id")]
    begin = len(columns)
    columns += [other.c[model.__mapper__.columns[name].name] for name in names]
    parts = [_join(each, other, columns, joins) for each in related.related]
    return _Part(_kind_of(model), names, begin, relationship.key, parts)


def _plain(expression: Any, table: FromClause) -> Any:
    """The table's own column instead of the mapper's, which takes longer to be known again."""
    return table.c[expression.name] if isinstance(expression, sa.Column) else expression


def _kind_of(model: type[Any]) -> type[Any]:
    """A class with what the model computes from its columns."""
    known: dict[str, Any] = {}
    for base in reversed(model.__mro__):
        own = {name: each for name, each in vars(base).items() if isinstance(each, property | FunctionType)}
        known |= {name: each for name, each in own.items() if not name.startswith("_")}
    return type(f"Shown{model.__name__}", (), known)
