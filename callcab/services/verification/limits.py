"""How often the robot may ring: per number over all customers, per customer over all numbers (AC-10, rule C5).

Counted in PostgreSQL under a lock, so that a flushed Valkey opens nothing (F-07) and two requests can't both be last.
Attempts that placed no call (``unavailable``, ``cancelled`` before dialling) do not count (F-15), yet only three may
fail so within five minutes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.models import Verification

PER_NUMBER_HOUR = 3
PER_NUMBER_DAY = 3
PER_CUSTOMER_HOUR = 10
PER_CUSTOMER_DAY = 20
UNAVAILABLE = 3
# All customers together, so that a hole elsewhere costs no more than this; 0 switches verification off.
_in_all = 1000

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_UNAVAILABLE_WINDOW = timedelta(minutes=5)
_OUTCOME = sa.func.coalesce(Verification.outcome, "")
NOT_CALLED = sa.or_(
    _OUTCOME == "unavailable", sa.and_(_OUTCOME.in_(("cancelled", "expired")), Verification.started_at.is_(None))
)


@dataclass(frozen=True)
class Limit:
    """A limit that is used up, and when it opens again; ``code`` is the error code."""

    code: str
    allowed: int
    retry_at: datetime


def allow_in_all(per_day: int) -> None:
    """Say how many verification calls the whole service may make in 24 hours; for the edge at start."""
    global _in_all
    _in_all = per_day


def lock(session: CabSession, *, customer_id: int, phone: int) -> None:
    """Let one request at a time count: always the customer first, then the number, then everybody."""
    for name, key in (("verify-customer", customer_id), ("verify-phone", phone), ("verify-all", 0)):
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"{name}:{key}", 0))))


def used_up(session: CabSession, *, customer_id: int, phone: int, now: datetime) -> Limit | None:
    """The limit that stands in the way now, the one that opens last; None when the robot may ring.

    Needs a system scope: calls to a number count over all customers.
    """
    if not _in_all:
        return Limit("verification.off", 0, now + _DAY)
    of_number = Verification.phone == phone
    of_customer = Verification.customer_id == customer_id
    rules = (
        ("verification.number_hour", PER_NUMBER_HOUR, _HOUR, of_number, ~NOT_CALLED),
        ("verification.number_day", PER_NUMBER_DAY, _DAY, of_number, ~NOT_CALLED),
        ("verification.customer_hour", PER_CUSTOMER_HOUR, _HOUR, of_customer, ~NOT_CALLED),
        ("verification.customer_day", PER_CUSTOMER_DAY, _DAY, of_customer, ~NOT_CALLED),
        ("verification.service_day", _in_all, _DAY, sa.true(), ~NOT_CALLED),
        ("verification.unavailable", UNAVAILABLE, _UNAVAILABLE_WINDOW, of_number, NOT_CALLED),
    )
    reached = []
    for code, allowed, window, whose, counted in rules:
        # The oldest of the newest `allowed` calls of the window: when it leaves, one more is free.
        times = session.scalars(
            sa.select(Verification.created_at)
            .where(whose, counted, Verification.created_at > now - window)
            .order_by(Verification.created_at.desc())
            .offset(allowed - 1)
            .limit(1)
        ).all()
        if times:
            reached.append(Limit(code, allowed, times[0] + window))
    return max(reached, key=lambda limit: limit.retry_at, default=None)


def calls_today(session: CabSession, *, phone: int, now: datetime) -> int:
    """How many calls to the number count for the last 24 hours."""
    return (
        session.scalar(
            sa.select(sa.func.count())
            .select_from(Verification)
            .where(Verification.phone == phone, Verification.created_at > now - _DAY, ~NOT_CALLED)
        )
        or 0
    )
