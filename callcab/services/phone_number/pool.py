"""What support does with numbers: add, free, change the kind, block, delete. Each is audited."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.errors import Conflict, Invalid
from callcab.models import (
    Campaign,
    CampaignState,
    NumberKind,
    NumberLease,
    NumberRental,
    NumberState,
    PhoneNumber,
)
from callcab.scope import Actor
from callcab.services import audit, bulk
from callcab.services.phone_number.history import locked, note, record
from callcab.services.phone_number.lease import give_back


def add_to_pool(
    session: CabSession,
    *,
    phones: Iterable[int],
    kind: NumberKind,
    actor: Actor,
    notes: Mapping[int, str] | None = None,
    operation_id: int | None = None,
) -> int:
    """Add shared or duty numbers, with what support notes of each; those that are known already are left alone, but for
    good: they outlive the undoing of the load that brought them. Returns how many are new. Flushed."""
    if kind is NumberKind.PERSONAL:
        raise Invalid("number.kind_not_pool")
    now = clock.now()
    fixed = {"kind": kind, "state": NumberState.FREE, "created_at": now, "version": 1, "operation_id": operation_id}
    wanted = list(dict.fromkeys(phones))
    rows = [{"phone": phone, "note": (notes or {}).get(phone, ""), **fixed} for phone in wanted]
    if not rows:
        return 0
    added = session.scalars(insert(PhoneNumber).values(rows).on_conflict_do_nothing().returning(PhoneNumber.id)).all()
    if len(added) < len(wanted):
        keep(session, wanted, operation_id)
    audit.record(
        session,
        "number.add",
        actor=actor,
        customer_id=None,
        object_type="phone_number",
        after={"kind": kind.value, "added": len(added)},
    )
    return len(added)


def keep(session: CabSession, phones: Iterable[int], operation_id: int | None = None) -> None:
    """Numbers that somebody wants once more stay when the load that brought them is undone."""
    session.execute(
        sa.update(PhoneNumber)
        .where(PhoneNumber.phone == bulk.any_of(list(phones)), PhoneNumber.operation_id != (operation_id or 0))
        .values(operation_id=None)
        .execution_options(synchronize_session=False)
    )


def release(session: CabSession, number_id: int, *, actor: Actor, reason: str = "") -> PhoneNumber:
    """Take a busy number from its campaign, which then waits for another one. Flushed.

    Raises NotFound, Invalid("number.not_busy").
    """
    number, taken = with_campaign(session, number_id)
    if taken is None or number.state is not NumberState.BUSY:
        raise Invalid("number.not_busy")
    take_away(session, number, taken, actor)
    record(session, "number.release", number, actor, {"state": "busy"}, {"state": number.state.value}, reason)
    return number


def change_kind(session: CabSession, number_id: int, kind: NumberKind, *, actor: Actor) -> PhoneNumber:
    """Make a shared number a duty one or back; it must be neither in use nor rented. Flushed.

    Raises NotFound, Invalid("number.kind_not_pool"), Conflict("number.busy" or "number.rented").
    """
    number = locked(session, number_id)
    if NumberKind.PERSONAL in (kind, number.kind):
        raise Invalid("number.kind_not_pool")
    if number.kind is kind:
        return number
    if number.state is NumberState.BUSY:
        raise Conflict("number.busy")
    if number.rented_until is not None:
        raise Conflict("number.rented")
    before = number.kind
    number.kind = kind
    note(session, number, "kind", actor=actor, before=before.value, after=kind.value)
    record(session, "number.kind", number, actor, {"kind": before.value}, {"kind": kind.value})
    return number


def block(session: CabSession, number_id: int, *, actor: Actor, reason: str) -> PhoneNumber:
    """Take a number out of use at once; its campaign looks for another one. Flushed.

    Raises NotFound, Invalid("reason.missing"), Invalid("number.blocked").
    """
    if not reason.strip():
        raise Invalid("reason.missing", field="reason")
    number, taken = with_campaign(session, number_id)
    if number.state is NumberState.BLOCKED:
        raise Invalid("number.blocked")
    before = number.state
    number.state = NumberState.BLOCKED
    if taken is not None:
        take_away(session, number, taken, actor)
    note(session, number, "blocked", actor=actor, reason=reason)
    record(session, "number.block", number, actor, {"state": before.value}, {"state": "blocked"}, reason)
    return number


def unblock(session: CabSession, number_id: int, *, actor: Actor) -> PhoneNumber:
    """Put a blocked number back to use; a personal one must be verified anew. Flushed. NotFound, Invalid."""
    number = locked(session, number_id)
    if number.state is not NumberState.BLOCKED:
        raise Invalid("number.not_blocked")
    number.state = NumberState.FAILED if number.kind is NumberKind.PERSONAL else NumberState.FREE
    note(session, number, "unblocked", actor=actor)
    record(session, "number.unblock", number, actor, {"state": "blocked"}, {"state": number.state.value})
    return number


def delete(session: CabSession, number_id: int, *, actor: Actor) -> None:
    """Delete a number for good; calls keep the digits. Flushed.

    Raises NotFound, Conflict("number.busy"), Conflict("number.has_rentals"): what was paid for stays, block it instead.
    """
    number, taken = with_campaign(session, number_id)
    if taken is not None:
        raise Conflict("number.busy")
    if session.scalar(sa.select(NumberRental.id).where(NumberRental.number_id == number.id).limit(1)):
        raise Conflict("number.has_rentals")
    audit.record(
        session,
        "number.delete",
        actor=actor,
        customer_id=number.customer_id,
        object_type="phone_number",
        object_id=number.id,
        before={"phone": str(number.phone), "kind": number.kind.value, "state": number.state.value},
    )
    session.execute(sa.delete(NumberLease).where(NumberLease.number_id == number.id))
    session.delete(number)
    session.flush()


def put_back(session: CabSession, number: PhoneNumber, before: dict[str, Any], *, actor: Actor) -> None:
    """Give a locked number the ``state``, ``kind`` or ``rests_until`` that an undone operation changed. Flushed.

    One that a campaign had is free: the campaign took another one. Raises Conflict("operation.place_taken") when it
    can't be verified again because somebody else's is.
    """
    was = {name: getattr(number, name) for name in before}
    for name, value in before.items():
        setattr(number, name, _RESTORED[name](value))
    try:
        with session.begin_nested():
            session.flush()
    except IntegrityError:
        raise Conflict("operation.place_taken") from None
    note(session, number, "undone", actor=actor)
    record(session, "operation.undo", number, actor, was, {name: getattr(number, name) for name in before})


def _state(value: str) -> NumberState:
    return NumberState.FREE if value == NumberState.BUSY else NumberState(value)


_RESTORED: dict[str, Callable[[Any], Any]] = {
    "state": _state,
    "kind": NumberKind,
    "rests_until": lambda value: value and datetime.fromisoformat(value),
}


def with_campaign(session: CabSession, number_id: int) -> tuple[PhoneNumber, NumberLease | None]:
    """The number and its open lease, locked in the order of the dialler: campaign first, then number."""
    campaign_id = session.scalar(
        sa.select(NumberLease.campaign_id).where(NumberLease.number_id == number_id, NumberLease.released_at.is_(None))
    )
    if campaign_id is not None:
        session.execute(sa.select(Campaign.id).where(Campaign.id == campaign_id).with_for_update())
    number = locked(session, number_id)
    taken = session.scalar(
        sa.select(NumberLease)
        .where(NumberLease.number_id == number_id, NumberLease.released_at.is_(None))
        .execution_options(populate_existing=True)
    )
    if taken is not None and taken.campaign_id != campaign_id:
        raise Conflict("number.changed")
    return number, taken


def take_away(session: CabSession, number: PhoneNumber, taken: NumberLease, actor: Actor) -> None:
    give_back(session, number, taken, actor=actor)
    session.execute(
        sa.update(Campaign)
        .where(Campaign.id == taken.campaign_id, Campaign.state == CampaignState.RUNNING)
        .values(state=CampaignState.WAITING, wait_reason="number.none_free")
    )
