"""What is done to many numbers at once; each refusal is told for its own number."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from callcab import queue
from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.errors import Invalid, NotFound
from callcab.models import Customer, NumberKind, PhoneNumber
from callcab.scope import Actor
from callcab.services import operation, verification
from callcab.services.phone_number import personal, pool, rental, resting, stuck

# A number, its campaign and its customer are locked together: few rows in one transaction.
CHUNK = 50


def release(session: CabSession, row: PhoneNumber, params: dict[str, Any], actor: Actor) -> None:
    pool.release(session, row.id, actor=actor, reason=str(params.get("reason", "")))


def change_kind(session: CabSession, row: PhoneNumber, params: dict[str, Any], actor: Actor) -> None:
    try:
        kind = NumberKind(str(params.get("kind")))
    except ValueError:
        raise Invalid("number.kind_not_pool") from None
    pool.change_kind(session, row.id, kind, actor=actor)


def rent(session: CabSession, row: PhoneNumber, params: dict[str, Any], actor: Actor) -> None:
    """Rent until the end of a day in the customer's zone."""
    customer = session.get(Customer, int(params["customer_id"]))
    if customer is None:
        raise NotFound("customer.not_found")
    day = datetime.fromisoformat(str(params["until"])).replace(tzinfo=ZoneInfo(customer.zone))
    until = rental.end_of_day(day)
    rental.rent(session, number_id=row.id, customer_id=customer.id, until=until, actor=actor)


def block(session: CabSession, row: PhoneNumber, params: dict[str, Any], actor: Actor) -> None:
    pool.block(session, row.id, actor=actor, reason=str(params.get("reason", "")))


def rest(session: CabSession, row: PhoneNumber, params: dict[str, Any], actor: Actor) -> None:
    until = clock.now() + timedelta(days=int(params["days"]))
    resting.rest(session, row.id, until=until, actor=actor, reason=str(params.get("reason", "")))


def wake(session: CabSession, row: PhoneNumber, params: dict[str, Any], actor: Actor) -> None:
    resting.wake(session, row.id, actor=actor)


def release_stuck(session: CabSession, row: PhoneNumber, params: dict[str, Any], actor: Actor) -> None:
    stuck.release_stuck(session, row.id, actor=actor)


def unblock(session: CabSession, row: PhoneNumber, params: dict[str, Any], actor: Actor) -> None:
    pool.unblock(session, row.id, actor=actor)


def delete(session: CabSession, row: PhoneNumber, params: dict[str, Any], actor: Actor) -> None:
    _end_call(session, row, actor)
    pool.delete(session, row.id, actor=actor)


def delete_own(session: CabSession, row: PhoneNumber, params: dict[str, Any], actor: Actor) -> None:
    """A customer deletes his own number; those of the pool in his selection are refused one by one."""
    if row.kind is not NumberKind.PERSONAL:
        raise Invalid("number.only_personal")
    _end_call(session, row, actor)
    personal.delete_personal(session, row.id, customer_id=row.customer_id or 0, actor=actor)


def _end_call(session: CabSession, row: PhoneNumber, actor: Actor) -> None:
    reference = verification.cancel(session, number_id=row.id, actor=actor)
    if reference:
        queue.later(session, "telephony.hang_up", reference=reference)


for _name, _change, _permission in (
    ("number.release", release, "number.release"),
    ("number.kind", change_kind, "number.edit"),
    ("number.rent", rent, "number.rent"),
    ("number.rest", rest, "number.rest"),
    ("number.wake", wake, "number.rest"),
    ("number.release_stuck", release_stuck, "number.release"),
    ("number.block", block, "number.block"),
    ("number.unblock", unblock, "number.block"),
    ("number.delete", delete, "number.delete"),
    ("number.delete_own", delete_own, "number.delete"),
):
    operation.register(_name, operation.per_row(_change), permission=_permission, chunk=CHUNK)
