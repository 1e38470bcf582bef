"""A customer's own number: added by him, proved by the robot's call (services.verification)."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib import phone as phones
from callcab.lib.errors import Conflict, Invalid, NotFound
from callcab.models import NumberKind, NumberState, PhoneNumber
from callcab.scope import Actor
from callcab.services import audit
from callcab.services.lock import take_turn
from callcab.services.phone_number.history import locked, note

# Telephone numbers change hands: after this the owner has to press 1 again (services.verification.proof).
PROOF_LASTS = timedelta(days=365)


def create_personal(session: CabSession, *, customer_id: int, text: str, actor: Actor) -> PhoneNumber:
    """The customer's number as typed, new or the one that he added before without proving it. Flushed.

    Needs a system scope: whether the pool or somebody's rental holds the number can't be seen by one customer.
    raises  Invalid("phone.…", field="phone") by the reason of PhoneError; Invalid("number.not_dialable") for what the
            robot must not call (rule T9); Conflict("number.known") when it is verified already,
            Conflict("number.in_pool"), Invalid("number.blocked")
    """
    phone = read_phone(text)
    # A double click is two requests: the second one finds the row of the first.
    take_turn(session, "personal number", phone)
    taken = session.scalar(
        sa.select(PhoneNumber.id).where(PhoneNumber.phone == phone, PhoneNumber.kind != NumberKind.PERSONAL)
    )
    if taken is not None:
        raise Conflict("number.in_pool", field="phone")
    known = session.scalar(_own(customer_id, phone).with_for_update())
    if known is not None:
        if known.state is NumberState.VERIFIED:
            raise Conflict("number.known", field="phone")
        if known.state is NumberState.BLOCKED:
            raise Invalid("number.blocked", field="phone")
        return known
    number = PhoneNumber(phone=phone, kind=NumberKind.PERSONAL, state=NumberState.PENDING, customer_id=customer_id)
    session.add(number)
    session.flush()
    note(session, number, "created", actor=actor)
    return number


def read_phone(text: str) -> int:
    """The typed number in its stored form, if the robot may call it. Raises Invalid, field ``phone``."""
    try:
        phone = phones.parse(text)
    except phones.PhoneError as error:
        raise Invalid(f"phone.{error.reason}", field="phone") from None
    if not phones.is_dialable(phone):
        raise Invalid("number.not_dialable", field="phone")
    return phones.to_int(phone.e164)


def delete_personal(session: CabSession, number_id: int, *, customer_id: int, actor: Actor) -> str:
    """Delete a customer's own number; attempts stay, so that limits do. Returns its digits. Flushed.

    An attempt that is under way is ended first, by the caller (services.verification.cancel).
    Raises NotFound for anything that is not this customer's personal number, Invalid("number.blocked").
    """
    number = locked(session, number_id)
    if number.kind is not NumberKind.PERSONAL or number.customer_id != customer_id:
        raise NotFound("number.not_found")
    if number.state is NumberState.BLOCKED:
        raise Invalid("number.blocked")
    _audit(session, "number.delete", number, actor, before={"phone": str(number.phone), "state": number.state.value})
    session.delete(number)
    session.flush()
    return str(number.phone)


def mark_verified(session: CabSession, number: PhoneNumber, *, actor: Actor, reason: str = "") -> list[PhoneNumber]:
    """Make a number, locked by ``lock_claims``, verified; who held it before loses it. Flushed.

    Whoever answers the phone is its owner: another customer's proof of the same number is older and ends here. Returns
    the numbers that lost. Raises Conflict("number.in_pool") when the number is in the pool by now.
    """
    pool = session.scalar(
        sa.select(PhoneNumber.id).where(PhoneNumber.phone == number.phone, PhoneNumber.kind != NumberKind.PERSONAL)
    )
    if pool is not None:
        raise Conflict("number.in_pool")
    losers = [
        other
        for other in lock_claims(session, number.phone)
        if other.id != number.id and other.state is NumberState.VERIFIED
    ]
    for other in losers:
        other.state = NumberState.FAILED
        other.version += 1
        note(session, other, "lost", actor=actor)
        _audit(session, "number.lost", other, actor, before={"state": "verified"}, after={"state": "failed"})
    session.flush()
    before = number.state
    number.state = NumberState.VERIFIED
    number.proved_until = clock.now() + PROOF_LASTS
    number.proof_noticed_days = None
    number.version += 1
    note(session, number, "verified", actor=actor, reason=reason, disputed=bool(losers))
    after = {"state": "verified", "disputed": bool(losers)}
    _audit(session, "number.verified", number, actor, before={"state": before.value}, after=after, reason=reason)
    session.flush()
    return losers


def mark_failed(session: CabSession, number: PhoneNumber, *, outcome: str, actor: Actor) -> None:
    """An attempt failed: the number is unproved, unless it was proved before. Flushed."""
    if number.state is NumberState.PENDING:
        number.state = NumberState.FAILED
        number.version += 1
    note(session, number, "not_verified", actor=actor, outcome=outcome)
    session.flush()


def lock_claims(session: CabSession, phone: int) -> list[PhoneNumber]:
    """All personal rows of a phone over all customers, locked in one order."""
    return list(
        session.scalars(
            sa.select(PhoneNumber)
            .where(PhoneNumber.phone == phone, PhoneNumber.kind == NumberKind.PERSONAL)
            .order_by(PhoneNumber.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def _own(customer_id: int, phone: int) -> sa.Select[PhoneNumber]:
    return sa.select(PhoneNumber).where(
        PhoneNumber.customer_id == customer_id,
        PhoneNumber.phone == phone,
        PhoneNumber.kind == NumberKind.PERSONAL,
    )


def _audit(
    session: CabSession,
    action: str,
    number: PhoneNumber,
    actor: Actor,
    *,
    before: dict[str, Any],
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> None:
    audit.record(
        session,
        action,
        actor=actor,
        customer_id=number.customer_id,
        object_type="phone_number",
        object_id=number.id,
        before=before,
        after=after,
        reason=reason,
    )
