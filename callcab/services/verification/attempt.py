"""Asking for a verification call: by the customer for his number, or by support again."""

import uuid
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from callcab import queue
from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.errors import Conflict, Forbidden, Invalid, LimitReached, NotFound
from callcab.models import (
    Customer,
    CustomerStatus,
    NumberKind,
    NumberState,
    PhoneNumber,
    Verification,
    VerificationState,
)
from callcab.scope import Actor
from callcab.services import audit
from callcab.services.phone_number.history import locked, note
from callcab.services.phone_number.personal import create_personal, mark_failed
from callcab.services.verification import limits
from callcab.services.verification.proof import may_renew

# However slow the queue is: five minutes after the request it is over (AC-12, F-16).
IN_ALL = timedelta(minutes=5)


def request(session: CabSession, *, customer_id: int, text: str, actor: Actor) -> Verification:
    """Add a customer's own number as typed and ask for its call. Flushed; the call starts after the commit.

    Needs a system scope. Raises as ``create_personal`` and ``start``.
    """
    number = create_personal(session, customer_id=customer_id, text=text, actor=actor)
    return start(session, number_id=number.id, customer_id=customer_id, actor=actor)


def start(session: CabSession, *, number_id: int, customer_id: int, actor: Actor) -> Verification:
    """Ask the robot to call a personal number. Flushed; the job leaves after the commit.

    Needs a system scope. A repeated request while the customer's own call is going on returns that call.
    raises  NotFound for a number that is not this customer's, Invalid("number.blocked"), Conflict("number.known") when
            verified for longer than a month, Conflict("verification.running") when another customer's call to it
            is going on, Forbidden("customer.blocked"), LimitReached("verification.…", retry_at=…) with AC-10's limits
    """
    number = session.get(PhoneNumber, number_id)
    if number is None or number.customer_id != customer_id or number.kind is not NumberKind.PERSONAL:
        raise NotFound("number.not_found")
    limits.lock(session, customer_id=customer_id, phone=number.phone)
    number = locked(session, number_id)
    _check(session, number)
    running = session.scalar(_open(number.phone))
    if running is not None:
        if running.customer_id == customer_id:
            return running
        raise Conflict("verification.running")
    now = clock.now()
    limit = limits.used_up(session, customer_id=customer_id, phone=number.phone, now=now)
    if limit is not None:
        raise LimitReached(limit.code, retry_at=limit.retry_at, limit=limit.allowed)
    return _insert(session, number, now, actor)


def _insert(session: CabSession, number: PhoneNumber, now: datetime, actor: Actor) -> Verification:
    attempt = session.scalar(
        sa.select(sa.func.count()).select_from(Verification).where(Verification.number_id == number.id)
    )
    verification = Verification(
        number_id=number.id,
        customer_id=number.customer_id,
        phone=number.phone,
        attempt=(attempt or 0) + 1,
        provider_ref=f"v-{uuid.uuid4().hex}",
        deadline_at=now + IN_ALL,
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(verification)
            session.flush()
    except IntegrityError:
        raise Conflict("verification.running") from None
    if number.state is not NumberState.VERIFIED:
        # One whose proof is only renewed stays in use, whatever comes of the call.
        number.state = NumberState.PENDING
        number.version += 1
    note(session, number, "verification", actor=actor, attempt=verification.attempt)
    audit.record(
        session,
        "number.verify",
        actor=actor,
        customer_id=number.customer_id,
        object_type="phone_number",
        object_id=number.id,
        after={"phone": str(number.phone), "attempt": verification.attempt},
    )
    session.flush()
    queue.later(session, "verification.place", verification_id=verification.id)
    return verification


def cancel(session: CabSession, *, number_id: int, actor: Actor) -> str | None:
    """End the running call of a number, as before its deletion; returns its reference to hang up, if any. Flushed."""
    verification = session.scalar(
        sa.select(Verification)
        .where(Verification.number_id == number_id, Verification.finished_at.is_(None))
        .with_for_update()
    )
    if verification is None:
        return None
    verification.state = VerificationState.FAILED
    verification.outcome = "cancelled"
    verification.finished_at = clock.now()
    session.flush()
    mark_failed(session, locked(session, number_id), outcome="cancelled", actor=actor)
    return verification.provider_ref


def attempts_left(session: CabSession, verification: Verification, *, now: datetime) -> int:
    """How many more calls today's limits leave for this number. Needs a system scope."""
    called = limits.calls_today(session, phone=verification.phone, now=now)
    return max(0, min(limits.PER_NUMBER_HOUR, limits.PER_NUMBER_DAY) - called)


def retry_at(session: CabSession, verification: Verification, *, now: datetime) -> datetime | None:
    """When the next call may be asked for; None = now. Needs a system scope."""
    limit = limits.used_up(session, customer_id=verification.customer_id, phone=verification.phone, now=now)
    return limit.retry_at if limit else None


def _check(session: CabSession, number: PhoneNumber) -> None:
    if number.state is NumberState.BLOCKED:
        raise Invalid("number.blocked")
    if number.state is NumberState.VERIFIED and not may_renew(number, clock.now()):
        raise Conflict("number.known")
    customer = session.get_one(Customer, number.customer_id)
    if customer.status is CustomerStatus.BLOCKED:
        raise Forbidden("customer.blocked", reason=customer.block_reason)


def _open(phone: int) -> sa.Select[Verification]:
    return sa.select(Verification).where(Verification.phone == phone, Verification.finished_at.is_(None))
