"""Figures of the first pages: what happened today and this month, and what wants attention.

Reads only; each figure is one indexed or capped statement. Days are those of ``zone``.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.models import (
    Call,
    Campaign,
    CampaignState,
    Customer,
    EntryKind,
    Invoice,
    InvoiceState,
    IpDenial,
    LedgerEntry,
    LoginEvent,
    LoginOutcome,
    MailMessage,
    MailState,
    NumberKind,
    NumberState,
    Operation,
    OperationState,
    Outcome,
    Payment,
    PhoneNumber,
    Verification,
    VerificationState,
)

DAYS = 30
# What a customer spent in so many days tells how long the rest will last.
PACE_DAYS = 14
CAP = 10_000
ANSWERED = (Outcome.COMPLETED, Outcome.VERIFIED)
REFUSALS = (
    LoginOutcome.WRONG_PASSWORD,
    LoginOutcome.WRONG_CODE,
    LoginOutcome.BLOCKED,
    LoginOutcome.STRANGER_ADDRESS,
    LoginOutcome.THROTTLED,
)
SPENDING = (EntryKind.CALL, EntryKind.RENTAL)
WAITING = (OperationState.PREVIEW, OperationState.QUEUED, OperationState.RUNNING)
ZERO = Decimal("0.00")


@dataclass(frozen=True)
class Sums:
    """Roubles, or a number, of today and of the last DAYS days."""

    today: Decimal | int
    month: Decimal | int


@dataclass(frozen=True)
class SupportFigures:
    """The tiles of support; ``pool`` is (free, busy, blocked) of the shared and duty numbers."""

    money: Sums
    pool: tuple[int, int, int]
    waiting: int
    verifications: Sums
    verified: int
    refused: Sums


@dataclass(frozen=True)
class CustomerFigures:
    """The tiles of a customer; ``days_left`` is None when he spends nothing."""

    balance: Decimal
    reserved: Decimal
    spent: Sums
    calls: Sums
    days_left: int | None


@dataclass(frozen=True)
class Concern:
    """Something that wants attention, and how many of it."""

    code: str
    count: int


def support(session: CabSession, *, zone: ZoneInfo) -> SupportFigures:
    """Figures over all customers. Needs support's scope."""
    today, month = _starts(zone)
    return SupportFigures(
        money=_sums(session, sa.func.coalesce(sa.func.sum(Payment.amount), ZERO), Payment.created_at, today, month),
        pool=_pool(session),
        waiting=_count(session, Operation.id, Operation.state.in_(WAITING)),
        verifications=_sums(session, sa.func.count(), Verification.created_at, today, month),
        verified=_count(
            session,
            Verification.id,
            Verification.created_at >= month,
            Verification.state == VerificationState.VERIFIED,
        ),
        refused=_sums(session, sa.func.count(), LoginEvent.created_at, today, month, LoginEvent.outcome.in_(REFUSALS)),
    )


def customer(session: CabSession, *, customer_id: int, zone: ZoneInfo) -> CustomerFigures:
    """Figures of one customer."""
    today, month = _starts(zone)
    row = session.get_one(Customer, customer_id)
    mine = LedgerEntry.customer_id == customer_id
    spent = -sa.func.coalesce(sa.func.sum(LedgerEntry.amount), ZERO)
    pace = session.scalar(
        sa.select(spent).where(mine, LedgerEntry.kind.in_(SPENDING), LedgerEntry.created_at >= _back(today, PACE_DAYS))
    )
    return CustomerFigures(
        balance=row.balance,
        reserved=row.reserved,
        spent=_sums(session, spent, LedgerEntry.created_at, today, month, mine, LedgerEntry.kind.in_(SPENDING)),
        calls=_sums(session, sa.func.count(), Call.created_at, today, month, Call.customer_id == customer_id),
        days_left=days_left(row.available, pace or ZERO),
    )


def days_left(available: Decimal, spent: Decimal) -> int | None:
    """For how many whole days the money lasts at the pace of the last PACE_DAYS days; None without any spending."""
    if spent <= 0:
        return None
    return max(int(available * PACE_DAYS / spent), 0)


def payments_by_day(session: CabSession, *, zone: ZoneInfo) -> list[tuple[date, Decimal]]:
    """What came in and went out as payments, per day of the last DAYS days, empty days included."""
    return _by_day(session, sa.func.sum(Payment.amount), Payment.created_at, zone, ZERO)


def calls_by_day(session: CabSession, *, zone: ZoneInfo, customer_id: int | None = None) -> list[tuple[date, int]]:
    """Calls per day, of everybody or of one customer."""
    where = () if customer_id is None else (Call.customer_id == customer_id,)
    return _by_day(session, sa.func.count(), Call.created_at, zone, 0, *where)


def spending_by_day(session: CabSession, *, zone: ZoneInfo, customer_id: int) -> list[tuple[date, Decimal]]:
    """What calls and rentals cost a customer per day, positive."""
    return _by_day(
        session,
        -sa.func.sum(LedgerEntry.amount),
        LedgerEntry.created_at,
        zone,
        ZERO,
        LedgerEntry.customer_id == customer_id,
        LedgerEntry.kind.in_(SPENDING),
    )


def calls_by_hour(session: CabSession, *, zone: ZoneInfo) -> list[list[int]]:
    """Calls of the last DAYS days: seven weekdays from Monday, 24 hours each."""
    local = sa.func.timezone(zone.key, Call.created_at)
    weekday, hour = sa.func.extract("isodow", local), sa.func.extract("hour", local)
    found = [[0] * 24 for _ in range(7)]
    rows = session.execute(
        sa.select(weekday, hour, sa.func.count()).where(Call.created_at >= _starts(zone)[1]).group_by(weekday, hour)
    )
    for day, at, count in rows:
        found[int(day) - 1][int(at)] = count
    return found


def outcomes(session: CabSession, *, zone: ZoneInfo) -> list[tuple[str, int]]:
    """Verifications of the last DAYS days by state: verified, failed, open."""
    rows = session.execute(
        sa.select(Verification.state, sa.func.count())
        .where(Verification.created_at >= _starts(zone)[1])
        .group_by(Verification.state)
    )
    counted = {"verified": 0, "failed": 0, "open": 0}
    for state, count in rows:
        counted["open" if state.is_open else state.value] += count
    return list(counted.items())


def concerns(session: CabSession) -> list[Concern]:
    """What wants attention over all customers, the most urgent first; nothing when all is well."""
    day_ago = clock.now() - timedelta(days=1)
    free = sa.and_(PhoneNumber.kind == NumberKind.SHARED, PhoneNumber.state == NumberState.FREE)
    found = [
        Concern("no_free_numbers", int(_count(session, PhoneNumber.id, free) == 0)),
        Concern("mail_failed", _recent(session, MailMessage, day_ago, MailMessage.state == MailState.FAILED)),
        Concern("operations_failed", _recent(session, Operation, day_ago, Operation.state == OperationState.FAILED)),
        Concern("campaigns_waiting", _count(session, Campaign.id, Campaign.state == CampaignState.WAITING)),
        Concern("invoices_overdue", _count(session, Invoice.id, Invoice.state == InvoiceState.OVERDUE)),
        Concern("customers_in_debt", _count(session, Customer.id, Customer.balance < 0)),
        Concern("ip_denied", _recent(session, IpDenial, day_ago)),
    ]
    return [concern for concern in found if concern.count]


def first_steps(session: CabSession, *, customer_id: int) -> dict[str, bool]:
    """What a new customer has done already, in the order in which it is done."""
    return {
        "number": _any(session, PhoneNumber, PhoneNumber.customer_id == customer_id),
        "payment": _any(session, Payment, Payment.customer_id == customer_id),
        "campaign": _any(session, Campaign, Campaign.customer_id == customer_id),
        "call": _any(session, Call, Call.customer_id == customer_id),
    }


def _starts(zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The beginning of today and of the first of the last DAYS days."""
    today = datetime.combine(clock.now().astimezone(zone).date(), time(), zone)
    return today, _back(today, DAYS - 1)


def _back(start: datetime, days: int) -> datetime:
    return datetime.combine(start.date() - timedelta(days=days), time(), start.tzinfo)


def _sums(
    session: CabSession, figure: Any, moment: Any, today: datetime, month: datetime, *where: sa.ColumnElement[bool]
) -> Sums:
    now, whole = (
        session.scalar(sa.select(figure).select_from(moment.class_).where(moment >= start, *where))
        for start in (today, month)
    )
    return Sums(now, whole)


def _by_day(
    session: CabSession, figure: Any, moment: Any, zone: ZoneInfo, nothing: Any, *where: sa.ColumnElement[bool]
) -> list[tuple[date, Any]]:
    _today, start = _starts(zone)
    day = sa.cast(sa.func.timezone(zone.key, moment), sa.Date)
    known = dict(
        session.execute(
            sa.select(day, figure).select_from(moment.class_).where(moment >= start, *where).group_by(day)
        ).all()
    )
    days = [start.date() + timedelta(days=step) for step in range(DAYS)]
    return [(each, known.get(each, nothing)) for each in days]


def _pool(session: CabSession) -> tuple[int, int, int]:
    counts: dict[NumberState, int] = dict(
        session.execute(
            sa.select(PhoneNumber.state, sa.func.count())
            .where(PhoneNumber.kind != NumberKind.PERSONAL)
            .group_by(PhoneNumber.state)
        ).all()
    )
    return (
        counts.get(NumberState.FREE, 0),
        counts.get(NumberState.BUSY, 0),
        counts.get(NumberState.BLOCKED, 0),
    )


def _count(session: CabSession, key: Any, *where: sa.ColumnElement[bool]) -> int:
    """Rows that match, at most CAP."""
    rows = sa.select(key).where(*where).limit(CAP).subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(rows)) or 0


def _recent(session: CabSession, model: Any, since: datetime, *where: sa.ColumnElement[bool]) -> int:
    return _count(session, model.id, model.created_at >= since, *where)


def _any(session: CabSession, model: Any, *where: sa.ColumnElement[bool]) -> bool:
    return bool(session.scalar(sa.select(sa.exists(sa.select(model.id).where(*where)))))
