"""Numbers of the pool from a table: the telephone, and a note of support."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import phone as phones
from callcab.models import NumberEvent, NumberKind, NumberLease, NumberRental, NumberState, PhoneNumber
from callcab.scope import Actor
from callcab.services import bulk
from callcab.services import phone_number as numbers
from callcab.services.loading.table import KNOWN, Field, Row, Table, register
from callcab.services.operation.undo_kinds import unmaking

LONGEST_NOTE = 200


def judge(session: CabSession, rows: Sequence[Row], params: dict[str, Any]) -> list[tuple[str, str]]:
    found = [_read(row) for row in rows]
    known = set(
        session.scalars(
            sa.select(PhoneNumber.phone).where(
                PhoneNumber.phone == bulk.any_of([number for number, _reason in found if number]),
                sa.or_(PhoneNumber.kind != NumberKind.PERSONAL, PhoneNumber.state == NumberState.VERIFIED),
            )
        )
    )
    return [(str(number), KNOWN if number in known else reason) for number, reason in found]


def _read(row: Row) -> tuple[int, str]:
    """The number, or 0 and why it is none that the robot may call from."""
    try:
        phone = phones.parse(row.values["phone"])
    except phones.PhoneError as error:
        return 0, f"phone.{error.reason}"
    if not phones.is_dialable(phone):
        return 0, "number.not_dialable"
    if len(row.values.get("note", "")) > LONGEST_NOTE:
        return 0, "loading.note_too_long"
    return phones.to_int(phone.e164), ""


def write(session: CabSession, rows: Sequence[Row], params: dict[str, Any], actor: Actor) -> Mapping[int, str]:
    """One statement; what somebody added meanwhile is left to him."""
    notes = {_read(row)[0]: row.values.get("note", "") for row in rows}
    numbers.add_to_pool(
        session,
        phones=notes,
        kind=NumberKind(params["kind"]),
        notes=notes,
        operation_id=params["operation_id"],
        actor=actor,
    )
    return {}


def again(session: CabSession, keys: Sequence[str]) -> None:
    numbers.keep(session, map(int, keys))


def delete(session: CabSession, ids: Sequence[int], actor: Actor) -> int:
    """Delete numbers that nobody has used yet; returns how many."""
    used = sa.or_(
        *(sa.exists().where(table.number_id == PhoneNumber.id) for table in (NumberLease, NumberRental, NumberEvent))
    )
    gone = session.execute(
        sa.delete(PhoneNumber)
        .where(PhoneNumber.id == bulk.any_of(ids), PhoneNumber.state == NumberState.FREE, ~used)
        .execution_options(synchronize_session=False)
    )
    return bulk.written(gone)


NUMBERS = Table(
    "number.load",
    (
        Field("phone", ("тел", "номер", "phone", "msisdn", "number"), required=True),
        Field("note", ("замет", "примеч", "коммент", "note", "comment")),
    ),
    judge,
    write,
    "number.edit",
    again,
)
register(NUMBERS, chunk=1_000, undo=unmaking(PhoneNumber, delete))
