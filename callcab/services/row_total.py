"""Exact totals of long lists, without counting: triggers keep them (``models.row_total``)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import CabSession
from callcab.models import AuditEvent, BlacklistEntry, Call, InboundCall, LedgerEntry, Payment, RowTotal
from callcab.models.row_total import WHOLE

# Tables whose rows are counted as they come and go; a migration that adds one here gives it the triggers too.
COUNTED: tuple[Any, ...] = (AuditEvent, BlacklistEntry, Call, InboundCall, LedgerEntry, Payment)

# Asked for nearly every page, so built once and read without the mapper.
_PARTS = RowTotal.__table__.c
_OF_ALL = sa.select(sa.func.sum(_PARTS.rows)).where(_PARTS.name == sa.bindparam("name"))
_OF_ONE = _OF_ALL.where(_PARTS.customer_id == sa.bindparam("customer_id"))


@dataclass(frozen=True)
class Kept:
    """For ``ListSpec.total``: how many rows of the model a customer has, or all together for None."""

    model: type[Any]

    def __post_init__(self) -> None:
        if self.model not in COUNTED:
            raise ValueError(f"nothing counts {self.model.__tablename__}")

    def __call__(self, session: orm.Session, customer_id: int | None) -> int:
        statement = _OF_ALL if customer_id is None else _OF_ONE
        asked = {"name": self._name(customer_id), "customer_id": customer_id}
        return int(session.connection().scalar(statement, asked) or 0)

    def inside(self, customer: sa.BindParameter[int] | None) -> sa.ColumnElement[int]:
        """For a column of another statement."""
        parts = sa.select(sa.cast(sa.func.coalesce(sa.func.sum(_PARTS.rows), 0), sa.BigInteger))
        parts = parts.where(_PARTS.name == self._name(customer))
        return (parts if customer is None else parts.where(_PARTS.customer_id == customer)).scalar_subquery()

    def _name(self, customer: Any) -> str:
        table: str = self.model.__tablename__
        return WHOLE + table if customer is None else table


def fold(session: CabSession) -> int:
    """Make one row of each total's parts; readers see the same sum before and after. Returns how many parts went.

    For the timetable: without it every statement would leave a part.
    """
    parts = sa.select(
        RowTotal.id, sa.func.count().over(partition_by=(RowTotal.name, RowTotal.customer_id)).label("among")
    ).subquery()
    gone = (
        sa.delete(RowTotal)
        .where(RowTotal.id.in_(sa.select(parts.c.id).where(parts.c.among > 1)))
        .returning(RowTotal.name, RowTotal.customer_id, RowTotal.rows)
        .cte("gone")
    )
    together = sa.select(gone.c.name, gone.c.customer_id, sa.func.sum(gone.c.rows)).group_by(
        gone.c.name, gone.c.customer_id
    )
    added = sa.insert(RowTotal).from_select(["name", "customer_id", "rows"], together).cte("added")
    count: int = session.scalar(sa.select(sa.func.count()).select_from(gone).add_cte(added)) or 0
    return count


def wrong(session: CabSession) -> Iterator[sa.Row[Any]]:
    """Totals that are not what is there: name, customer, what is kept, what was counted. Reads every counted table.

    Of all together it is said when that is not the sum of each customer's.
    """
    for model in COUNTED:
        yield from session.execute(_differences(model))
        yield from session.execute(_difference_of_all(model))


def repair(session: CabSession) -> int:
    """Set wrong totals right; returns how many. For after a restore that passed the triggers.

    Table and parts are read in one statement, which sees one moment: writers beside it change nothing.
    """
    repaired = 0
    for model in COUNTED:
        for differences in (_differences(model), _difference_of_all(model)):
            found = differences.subquery()
            missing = sa.select(found.c.name, found.c.customer_id, found.c.counted - found.c.kept)
            added = sa.insert(RowTotal).from_select(["name", "customer_id", "rows"], missing).returning(RowTotal.id)
            repaired += len(session.scalars(added).all())
    return repaired


def _differences(model: Any) -> sa.Select[Any]:
    name = model.__tablename__
    there = sa.select(model.customer_id, sa.literal(0).label("kept"), sa.literal(1).label("counted"))
    held = sa.select(RowTotal.customer_id, RowTotal.rows, sa.literal(0)).where(RowTotal.name == name)
    seen = sa.union_all(there, held).subquery()
    kept, counted = sa.func.sum(seen.c.kept).label("kept"), sa.func.sum(seen.c.counted).label("counted")
    return (
        sa.select(sa.literal(name).label("name"), seen.c.customer_id, kept, counted)
        .group_by(seen.c.customer_id)
        .having(kept != counted)
    )


def _difference_of_all(model: Any) -> sa.Select[Any]:
    name = model.__tablename__
    kept, counted = (
        sa.func.coalesce(sa.func.sum(RowTotal.rows).filter(RowTotal.name == of), 0) for of in (WHOLE + name, name)
    )
    return sa.select(
        sa.literal(WHOLE + name).label("name"),
        sa.cast(sa.null(), sa.BigInteger).label("customer_id"),
        kept.label("kept"),
        counted.label("counted"),
    ).having(kept != counted)
