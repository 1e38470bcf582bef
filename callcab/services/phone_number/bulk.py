"""What is done to many numbers at once; each refusal is told for its own number."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from callcab import queue
from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib import phone as phones
from callcab.lib.errors import Invalid, NotFound
from callcab.models import Customer, NumberEvent, NumberKind, NumberLease, Operation, PhoneNumber
from callcab.scope import Actor
from callcab.services import operation, verification
from callcab.services.operation import keeping
from callcab.services.operation.undo_kinds import Part, restoring, reverting
from callcab.services.phone_number import personal, pool, rental, resting, stuck
from callcab.services.phone_number.history import note, record

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
    _keep(session, row, params)
    pool.delete(session, row.id, actor=actor)


def delete_own(session: CabSession, row: PhoneNumber, params: dict[str, Any], actor: Actor) -> None:
    """A customer deletes his own number; those of the pool in his selection are refused one by one."""
    if row.kind is not NumberKind.PERSONAL:
        raise Invalid("number.only_personal")
    _end_call(session, row, actor)
    _keep(session, row, params)
    personal.delete_personal(session, row.id, customer_id=row.customer_id or 0, actor=actor)


def _end_call(session: CabSession, row: PhoneNumber, actor: Actor) -> None:
    reference = verification.cancel(session, number_id=row.id, actor=actor)
    if reference:
        queue.later(session, "telephony.hang_up", reference=reference)


def _keep(session: CabSession, row: PhoneNumber, params: dict[str, Any]) -> None:
    """The number and what goes with it."""
    for model, column in ((PhoneNumber, PhoneNumber.id), *((part.model, part.needs[0]) for part in WITH_IT)):
        keeping.keep(session, model, column, [row.id], params["operation_id"])


def _restored(session: CabSession, ids: set[int], operation: Operation, actor: Actor) -> None:
    for number in session.scalars(sa.select(PhoneNumber).where(PhoneNumber.id.in_(ids)).order_by(PhoneNumber.id)):
        note(session, number, "undone", actor=actor)
        record(session, "operation.undo", number, actor, {}, {"phone": str(number.phone), "state": number.state.value})


def _put_back(session: CabSession, row: PhoneNumber, before: dict[str, Any], actor: Actor) -> None:
    if "rented_until" not in before:
        pool.put_back(session, row, before, actor=actor)
        return
    until = before["rented_until"] and datetime.fromisoformat(before["rented_until"])
    customer_id = before.get("customer_id", row.customer_id)
    rental.take_back(session, row, customer_id=customer_id, until=until, actor=actor)


WITH_IT = (Part(NumberEvent, (NumberEvent.number_id,)), Part(NumberLease, (NumberLease.number_id,)))
RESTORING = restoring(Part(PhoneNumber, after=_restored), *WITH_IT, named=lambda kept: phones.from_int(kept["phone"]))
REVERTING = reverting(PhoneNumber, _put_back, named=lambda row: phones.from_int(row.phone))
FIELDS = ("state", "kind", "customer_id", "rented_until", "rests_until")

for _name, _change, _permission in (
    ("number.kind", change_kind, "number.edit"),
    ("number.rent", rent, "number.rent"),
    ("number.rest", rest, "number.rest"),
    ("number.wake", wake, "number.rest"),
    ("number.block", block, "number.block"),
    ("number.unblock", unblock, "number.block"),
):
    operation.register(_name, operation.per_row(_change, FIELDS), permission=_permission, chunk=CHUNK, undo=REVERTING)
for _name, _change in (("number.delete", delete), ("number.delete_own", delete_own)):
    operation.register(_name, operation.per_row(_change), permission="number.delete", chunk=CHUNK, undo=RESTORING)
# The campaign looks for another number at once: there is no way back.
for _name, _change in (("number.release", release), ("number.release_stuck", release_stuck)):
    operation.register(_name, operation.per_row(_change), permission="number.release", chunk=CHUNK)
