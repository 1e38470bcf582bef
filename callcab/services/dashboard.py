"""Figures of the first pages: what happened today and in the last DAYS days, and what wants attention.

Reads only; each figure is one aggregate over an index, at most DAYS days back. Days are those of ``zone``.
"""

from collections.abc import Iterable, Sequence
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
    CustomerStatus,
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
    PaymentKind,
    PaymentMethod,
    PhoneNumber,
    Reservation,
    ReservationState,
    Verification,
)
from callcab.services import ledger_check

DAYS = 30
# What a customer spent in so many days tells how long the rest will last.
PACE_DAYS = 7
CAP = 10_000
NEWEST = 5
REFUSALS = (
    LoginOutcome.WRONG_PASSWORD,
    LoginOutcome.WRONG_CODE,
    LoginOutcome.BLOCKED,
    LoginOutcome.STRANGER_ADDRESS,
    LoginOutcome.THROTTLED,
)
SPENDING = (EntryKind.CALL, EntryKind.RENTAL)
WAITING = (OperationState.PREVIEW, OperationState.QUEUED, OperationState.RUNNING)
# How a call ended, in the four groups of the charts; "open" is a call that goes on.
GROUPS = ("answered", "missed", "failed", "open")
ANSWERED = (
    Outcome.COMPLETED,
    Outcome.VERIFIED,
    Outcome.WRONG_DIGIT,
    Outcome.NO_INPUT,
    Outcome.HANGUP_BEFORE_DIGIT,
)
FAILED = (Outcome.UNALLOCATED, Outcome.CONGESTION, Outcome.REQUEST_REFUSED, Outcome.LOST)
# Gifts and corrections move balances, but no money came in.
INCOME = sa.and_(Payment.kind != PaymentKind.ADJUSTMENT, Payment.method != PaymentMethod.PROMO)
ZERO = Decimal("0.00")


@dataclass(frozen=True)
class Sums:
    """Roubles, or a number, of today and of the last DAYS days."""

    today: Any
    month: Any


@dataclass(frozen=True)
class Pool:
    """How many shared and duty numbers are in which state."""

    free: int
    busy: int
    blocked: int


@dataclass(frozen=True)
class SupportFigures:
    """The tiles of support; ``refused`` counts log-ins of the last 24 hours."""

    income: Sums
    pool: Pool
    waiting: int
    verifications: Sums
    refused: int


@dataclass(frozen=True)
class CustomerFigures:
    """The tiles of a customer; ``days_left`` is None when he spent nothing in PACE_DAYS days."""

    balance: Decimal
    reserved: Decimal
    spent: Sums
    days_left: int | None


@dataclass(frozen=True)
class Calls:
    """Calls of the last DAYS days: per day and GROUPS, and per weekday from Monday and hour."""

    days: list[tuple[date, dict[str, int]]]
    hours: list[list[int]]

    @property
    def today(self) -> int:
        return sum(self.days[-1][1].values())

    @property
    def total(self) -> int:
        return sum(map(sum, self.hours))


@dataclass(frozen=True)
class Concern:
    """Something that wants attention: a code, how many, and the first few customers (id, name) it is about."""

    code: str
    count: int
    customers: Sequence[tuple[int, str]] = ()


def support(session: CabSession, *, zone: ZoneInfo) -> SupportFigures:
    """Figures over all customers. Needs support's scope."""
    return SupportFigures(
        income=_sums(session, sa.func.sum(Payment.amount), Payment.created_at, zone, ZERO, INCOME),
        pool=_pool(session),
        waiting=_count(session, Operation.id, Operation.state.in_(_written_out(WAITING))),
        verifications=_sums(session, sa.func.count(), Verification.created_at, zone, 0),
        refused=_recent(session, LoginEvent, LoginEvent.outcome.in_(REFUSALS)),
    )


def customer(session: CabSession, *, customer_id: int, days: Sequence[tuple[date, Decimal]]) -> CustomerFigures:
    """Figures of one customer. ``days`` is his ``spending_by_day``, read once for tiles and chart."""
    row = session.get_one(Customer, customer_id)
    return CustomerFigures(
        balance=row.balance,
        reserved=row.reserved,
        spent=Sums(days[-1][1], sum((amount for _day, amount in days), ZERO)),
        days_left=days_left(row.available, pace(days)),
    )


def pace(days: Sequence[tuple[date, Decimal]]) -> Decimal:
    """What the last PACE_DAYS of these days cost together."""
    return sum((amount for _day, amount in days[-PACE_DAYS:]), ZERO)


def days_left(available: Decimal, spent: Decimal) -> int | None:
    """For how many whole days the money lasts at the pace of the last PACE_DAYS days; None without any spending."""
    if spent <= 0:
        return None
    return max(int(available * PACE_DAYS / spent), 0)


def income_by_day(session: CabSession, *, zone: ZoneInfo) -> list[tuple[date, Decimal]]:
    """Money from customers less what was given back, per day, empty days included."""
    return _by_day(session, sa.func.sum(Payment.amount), Payment.created_at, zone, INCOME)


def spending_by_day(session: CabSession, *, zone: ZoneInfo, customer_id: int) -> list[tuple[date, Decimal]]:
    """What calls and rentals cost a customer per day, positive, empty days included."""
    where = LedgerEntry.customer_id == customer_id, LedgerEntry.kind.in_(SPENDING)
    return _by_day(session, -sa.func.sum(LedgerEntry.amount), LedgerEntry.created_at, zone, *where)


def calls(session: CabSession, *, zone: ZoneInfo, customer_id: int | None = None) -> Calls:
    """Calls of everybody or of one customer, by one statement."""
    _today, start = _starts(zone)
    hour = sa.func.date_trunc("hour", sa.func.timezone(zone.key, Call.created_at))
    statement = sa.select(hour, Call.outcome, sa.func.count()).where(Call.created_at >= start)
    if customer_id is not None:
        statement = statement.where(Call.customer_id == customer_id)
    days = {day: dict.fromkeys(GROUPS, 0) for day in _days(start)}
    hours = [[0] * 24 for _ in range(7)]
    for at, outcome, count in session.execute(statement.group_by(hour, Call.outcome)):
        # A call of this very moment may belong to the day that has just begun.
        days.setdefault(at.date(), dict.fromkeys(GROUPS, 0))[group_of(outcome)] += count
        hours[at.weekday()][at.hour] += count
    return Calls(list(days.items()), hours)


def group_of(outcome: Outcome | None) -> str:
    """The group of GROUPS to which a call belongs."""
    if outcome is None:
        return "open"
    if outcome in ANSWERED:
        return "answered"
    return "failed" if outcome in FAILED else "missed"


def verifications(session: CabSession, *, zone: ZoneInfo) -> list[tuple[str, int]]:
    """Verifications of the last DAYS days by outcome, the most frequent first; "open" is one that goes on."""
    rows = session.execute(
        sa.select(Verification.outcome, sa.func.count().label("number"))
        .where(Verification.created_at >= _starts(zone)[1])
        .group_by(Verification.outcome)
        .order_by(sa.desc("number"), Verification.outcome)
    )
    return [(outcome or "open", count) for outcome, count in rows]


def newest_calls(session: CabSession, *, customer_id: int) -> Sequence[Call]:
    """The last NEWEST calls of a customer."""
    order = Call.created_at.desc(), Call.id.desc()
    return session.scalars(sa.select(Call).where(Call.customer_id == customer_id).order_by(*order).limit(NEWEST)).all()


def concerns(session: CabSession) -> list[Concern]:
    """What wants attention over all customers, the most urgent first; nothing when all is well."""
    free = sa.and_(PhoneNumber.kind == NumberKind.SHARED, PhoneNumber.state == NumberState.FREE)
    found = [
        _ledger(session),
        Concern("no_free_numbers", int(not _any(session, PhoneNumber, free))),
        Concern("campaigns_waiting", _count(session, Campaign.id, Campaign.state == CampaignState.WAITING)),
        _about("near_limit", session, _near_limit()),
        Concern("mail_failed", _recent(session, MailMessage, MailMessage.state == MailState.FAILED)),
        Concern("operations_failed", _recent(session, Operation, Operation.state == OperationState.FAILED)),
        Concern("invoices_overdue", _count(session, Invoice.id, Invoice.state == InvoiceState.OVERDUE)),
        Concern("ip_denied", _recent(session, IpDenial)),
    ]
    return [concern for concern in found if concern.count]


def first_steps(session: CabSession, *, customer_id: int) -> dict[str, bool]:
    """What a new customer has done already, in the order in which it is done."""
    return {
        "number": _any(session, PhoneNumber, PhoneNumber.customer_id == customer_id),
        "payment": _any(session, Payment, Payment.customer_id == customer_id),
        "campaign": _any(session, Campaign, Campaign.customer_id == customer_id),
    }


def _ledger(session: CabSession) -> Concern:
    """What the quick look finds now; else what the last full check found."""
    now = _about("ledger_off", session, _ledger_off())
    last = ledger_check.health(session).last
    return now if now.count or last is None else Concern("ledger_off", last.wrong_count)


def _ledger_off() -> sa.Select[int, str]:
    """Customers whose balance is not that after their newest entry, or whose reserve is not what is held.

    One probe of an index per customer; ``ledger.discrepancies`` adds everything up and takes long.
    """
    last = (
        sa.select(LedgerEntry.balance_after)
        .where(LedgerEntry.customer_id == Customer.id)
        .order_by(LedgerEntry.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    held = (
        sa.select(Reservation.customer_id, sa.func.sum(Reservation.amount).label("total"))
        .where(Reservation.state.in_(_written_out((ReservationState.OPEN,))))
        .group_by(Reservation.customer_id)
        .subquery()
    )
    wrong = sa.or_(
        Customer.balance != sa.func.coalesce(last, ZERO), Customer.reserved != sa.func.coalesce(held.c.total, ZERO)
    )
    return sa.select(Customer.id, Customer.name).outerjoin(held, held.c.customer_id == Customer.id).where(wrong)


def _near_limit() -> sa.Select[int, str]:
    """Customers at work whose money lasts for less than a day at the pace of the last PACE_DAYS days of calls."""
    since = clock.now() - timedelta(days=PACE_DAYS)
    spent = (
        sa.select(Call.customer_id, sa.func.sum(Call.cost).label("total"))
        .where(Call.created_at >= since)
        .group_by(Call.customer_id)
        .subquery()
    )
    left = Customer.balance - Customer.reserved + Customer.credit_limit
    return (
        sa.select(Customer.id, Customer.name)
        .join(spent, spent.c.customer_id == Customer.id)
        .where(Customer.status == CustomerStatus.ACTIVE, left * PACE_DAYS < spent.c.total)
    )


def _about(code: str, session: CabSession, statement: sa.Select[int, str]) -> Concern:
    rows = session.execute(statement.order_by(Customer.id).limit(CAP)).all()
    return Concern(code, len(rows), rows[:NEWEST])


def _starts(zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The beginning of today and of the first of the last DAYS days."""
    today = clock.now().astimezone(zone).date()
    return datetime.combine(today, time(), zone), datetime.combine(today - timedelta(days=DAYS - 1), time(), zone)


def _days(start: datetime) -> Iterable[date]:
    return (start.date() + timedelta(days=step) for step in range(DAYS))


def _sums(
    session: CabSession, figure: Any, moment: Any, zone: ZoneInfo, nothing: Any, *where: sa.ColumnElement[bool]
) -> Sums:
    today, start = _starts(zone)
    row = session.execute(
        sa.select(figure.filter(moment >= today), figure).select_from(moment.class_).where(moment >= start, *where)
    ).one()
    return Sums(row[0] or nothing, row[1] or nothing)


def _by_day(
    session: CabSession, figure: Any, moment: Any, zone: ZoneInfo, *where: sa.ColumnElement[bool]
) -> list[tuple[date, Decimal]]:
    _today, start = _starts(zone)
    day = sa.cast(sa.func.timezone(zone.key, moment), sa.Date)
    statement = sa.select(day, figure).select_from(moment.class_).where(moment >= start, *where).group_by(day)
    known: dict[date, Decimal] = dict(session.execute(statement).all())
    return [(each, known.get(each, ZERO)) for each in _days(start)]


def _pool(session: CabSession) -> Pool:
    statement = (
        sa.select(PhoneNumber.state, sa.func.count())
        .where(PhoneNumber.kind.in_((NumberKind.SHARED, NumberKind.DUTY)))
        .group_by(PhoneNumber.state)
    )
    counts = dict(session.execute(statement).all())
    return Pool(*(counts.get(state, 0) for state in (NumberState.FREE, NumberState.BUSY, NumberState.BLOCKED)))


def _count(session: CabSession, key: Any, *where: sa.ColumnElement[bool]) -> int:
    """Rows that match, at most CAP."""
    rows = sa.select(key).where(*where).limit(CAP).subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(rows)) or 0


def _written_out(states: Sequence[Any]) -> sa.BindParameter[Any]:
    """States as literals: the planner takes a partial index only when it sees the values in the statement."""
    return sa.bindparam(None, states, expanding=True, literal_execute=True)


def _recent(session: CabSession, model: Any, *where: sa.ColumnElement[bool]) -> int:
    """Rows of the last 24 hours."""
    return _count(session, model.id, model.created_at >= clock.now() - timedelta(days=1), *where)


def _any(session: CabSession, model: Any, *where: sa.ColumnElement[bool]) -> bool:
    return bool(session.scalar(sa.select(sa.exists(sa.select(model.id).where(*where)))))
