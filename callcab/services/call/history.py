"""All that is known about one number: calls and refusals, calls that came from it, entries that forbid to call it.

What «почему (не) позвонили» and the certificate show. ``customer_id`` None means all customers and the platform: for
support only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import CabSession
from callcab.models import BlacklistEntry, Call, CallEvent, Contact, Customer, InboundCall, Outcome, User

PAGE = 50


@dataclass(frozen=True)
class OptOut:
    """An entry that forbids calls, and how fast it was heeded.

    asked_at     when the person pressed the digit; of an entry made by hand, file or API, when it was made
    going_on     calls to him that were under way when the entry came to stand, but for the one he asked in
    silent_at    when the last of those ended; empty when there was none
    calls_after  telephone calls begun after the entry stood: it should be none
    """

    entry: BlacklistEntry
    asked_at: datetime
    going_on: int
    silent_at: datetime | None
    calls_after: int

    @property
    def reaction(self) -> timedelta:
        """From asking to standing on the list."""
        return max(self.entry.created_at - self.asked_at, timedelta(0))


def calls(
    session: CabSession, *, phone: int, customer_id: int | None, before: int | None = None, limit: int = PAGE
) -> Sequence[Call]:
    """Calls and refusals, the newest first; ``before`` is the id that the last page ended with."""
    statement = (
        sa.select(Call)
        .where(Call.phone == phone, *_of(Call.customer_id, customer_id))
        .options(orm.joinedload(Call.customer), orm.joinedload(Call.campaign))
        .order_by(Call.id.desc())
        .limit(limit)
    )
    return session.scalars(statement if before is None else statement.where(Call.id < before)).all()


def count(session: CabSession, *, phone: int, customer_id: int | None) -> int:
    """How many calls and refusals there are."""
    statement = sa.select(sa.func.count(Call.id)).where(Call.phone == phone, *_of(Call.customer_id, customer_id))
    return session.scalar(statement) or 0


def came_in(session: CabSession, *, phone: int, customer_id: int | None, limit: int = PAGE) -> Sequence[InboundCall]:
    """Calls from the number to ours, the newest first."""
    return session.scalars(
        sa.select(InboundCall)
        .where(InboundCall.phone == phone, *_of(InboundCall.customer_id, customer_id))
        .options(orm.joinedload(InboundCall.customer), orm.joinedload(InboundCall.campaign))
        .order_by(InboundCall.id.desc())
        .limit(limit)
    ).all()


def opt_outs(session: CabSession, *, phone: int, customer_id: int | None) -> list[OptOut]:
    """Entries of the number with what followed them, the newest first; past ones that still stand too."""
    entries = session.scalars(
        sa.select(BlacklistEntry)
        .where(BlacklistEntry.phone == phone, *_of(BlacklistEntry.customer_id, customer_id))
        .options(orm.joinedload(BlacklistEntry.customer), orm.joinedload(BlacklistEntry.author).load_only(User.name))
        .order_by(BlacklistEntry.id.desc())
        .limit(PAGE)
    ).all()
    return [_followed(session, entry) for entry in entries]


def customers(session: CabSession, *, phone: int, limit: int = 10) -> list[Customer]:
    """Customers who called the number, have it among their contacts or on their list, the newest customer first."""
    held = sa.union(
        *(
            sa.select(model.customer_id).where(model.phone == phone, model.customer_id.is_not(None))
            for model in (Call, Contact, BlacklistEntry)
        )
    )
    return list(
        session.scalars(sa.select(Customer).where(Customer.id.in_(held)).order_by(Customer.id.desc()).limit(limit))
    )


def _followed(session: CabSession, entry: BlacklistEntry) -> OptOut:
    dialled = sa.and_(
        Call.phone == entry.phone,
        *_of(Call.customer_id, entry.customer_id),
        sa.or_(Call.outcome.is_(None), Call.outcome != Outcome.REQUEST_REFUSED),
        Call.id != (entry.call_id or 0),
    )
    going_on = sa.and_(Call.created_at <= entry.created_at, sa.or_(Call.ended_at.is_(None), _ended_after(entry)))
    found = session.execute(
        sa.select(
            sa.func.count().filter(going_on),
            sa.func.max(Call.ended_at).filter(going_on),
            sa.func.count().filter(Call.created_at > entry.created_at),
        ).where(dialled)
    ).one()
    return OptOut(entry, _asked_at(session, entry), *found)


def _ended_after(entry: BlacklistEntry) -> sa.ColumnElement[bool]:
    return Call.ended_at > entry.created_at


def _asked_at(session: CabSession, entry: BlacklistEntry) -> datetime:
    """When the digit was pressed, by the clock of the line; the end of the call when only that told of it."""
    if entry.call_id is None and entry.inbound_call_id is None:
        return entry.created_at
    same = (
        CallEvent.call_id == entry.call_id
        if entry.call_id is not None
        else CallEvent.inbound_call_id == entry.inbound_call_id
    )
    pressed = sa.and_(CallEvent.kind == "digit", CallEvent.data["digit"].astext == entry.reason[-1:])
    at = session.scalar(sa.select(sa.func.min(CallEvent.at)).where(same, sa.or_(pressed, CallEvent.kind == "hangup")))
    return at or entry.created_at


def _of(column: Any, customer_id: int | None) -> list[sa.ColumnElement[bool]]:
    return [] if customer_id is None else [column == customer_id]
