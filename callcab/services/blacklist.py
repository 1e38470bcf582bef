"""The blacklist: numbers that must not be called, one list per customer and one of the platform.

``customer_id`` None is the platform's list in every function. Set-based: a chunk is one statement (rule B6).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock, csv_io
from callcab.lib import phone as phones
from callcab.lib.errors import Forbidden, Invalid, NotFound
from callcab.lib.number_set import NumberSet
from callcab.models import BlacklistEntry, BlacklistSource, Customer, Operation, RowOutcome, UndoChunk
from callcab.permissions import allowed
from callcab.scope import Actor
from callcab.services import audit, blacklist_rows, bulk, operation
from callcab.services.call.opting_out import stop_calls
from callcab.services.listing import decode_id
from callcab.services.operation import keeping
from callcab.services.operation.catalogue import RowResult, Tally
from callcab.services.operation.columns import ExportColumn
from callcab.services.operation.undo_kinds import Part, restoring, unmaking

LONGEST_REASON = 200
# Numbers of an import in one transaction: a sixth of a second of the database. With half as many, what each chunk costs
# besides its numbers was a twelfth of the work.
IMPORTED_AT_ONCE = 10_000
# A record of an import: a number's eleven digits, or what is none.
Entry = int | csv_io.Record


def add_many(
    session: CabSession,
    customer_id: int | None,
    numbers: Iterable[int],
    *,
    source: BlacklistSource,
    actor: Actor,
    reason: str = "",
    operation_id: int | None = None,
    call_id: int | None = None,
) -> int:
    """Add numbers (eleven digits each), one statement; returns how many were new. A repeat changes nothing.

    Telephones of these numbers that ring right now are hung up after the commit.
    """
    wanted = sorted(set(numbers))
    if not wanted:
        return 0
    if len(reason) > LONGEST_REASON:
        raise Invalid("field.too_long", field="reason", limit=LONGEST_REASON)
    values = {
        "customer": customer_id,
        "source": source.value,
        "reason": reason,
        "author": actor.user_id,
        "name": "" if actor.is_staff and customer_id is not None else actor.name,
        "operation": operation_id,
        "call": call_id,
        "now": clock.now(),
    }
    repeated = blacklist_rows.insert(session, customer_id, wanted, values)
    new = len(wanted) - len(repeated)
    if repeated:
        new += blacklist_rows.revive(session, customer_id, repeated)
        blacklist_rows.release(session, customer_id, repeated, operation_id)
    if new:
        stop_calls(session, customer_id, wanted)
    return new


def blocking(session: CabSession, customer_id: int, number: int, now: datetime) -> BlacklistEntry | None:
    """The entry that forbids the call, the platform's first; expired ones don't count (rule B8)."""
    found: BlacklistEntry | None = session.scalar(
        sa.select(BlacklistEntry)
        .where(
            BlacklistEntry.phone == number,
            sa.or_(BlacklistEntry.customer_id == customer_id, BlacklistEntry.customer_id.is_(None)),
            sa.or_(BlacklistEntry.expires_at.is_(None), BlacklistEntry.expires_at > now),
        )
        .order_by(BlacklistEntry.customer_id.nulls_first())
        .limit(1)
    )
    return found


def add(
    session: CabSession,
    *,
    customer_id: int | None,
    text: str,
    source: BlacklistSource,
    actor: Actor,
    reason: str = "",
) -> tuple[int, bool]:
    """Add one number in any spelling: (its digits, whether it is new). Raises Invalid ``phone.<reason>``."""
    try:
        number = phones.to_int(phones.parse(text).e164)
    except phones.PhoneError as error:
        raise Invalid(f"phone.{error.reason}", field="phone") from None
    new = add_many(session, customer_id, [number], source=source, actor=actor, reason=reason) == 1
    if new:
        audit.record(
            session,
            "blacklist.add",
            actor=actor,
            customer_id=customer_id,
            object_type="blacklist",
            after={"count": 1, "source": source.value},
        )
    return number, new


def remove_many(session: CabSession, ids: Sequence[int]) -> int:
    """Delete entries by id, whichever of them the session's scope lets it see; returns how many."""
    gone = session.execute(
        sa.delete(BlacklistEntry)
        .where(BlacklistEntry.id == bulk.any_of(ids))
        .execution_options(synchronize_session=False)
    )
    return bulk.written(gone)


def delete_chunk(
    session: CabSession, rows: Sequence[Any], params: dict[str, Any], actor: Actor
) -> Tally | list[RowResult]:
    """Bulk operation ``blacklist.delete``; what somebody else deleted meanwhile counts as skipped.

    Entries of the platform stay unless the person may decide for all customers and says why. Customers read the log,
    so there the reason of support stays with the platform's entries.
    """
    reason = str(params.get("reason", "")).strip()
    refusal = "" if allowed(actor.role, "blacklist.platform") else "forbidden"
    refusal = refusal or ("" if reason else "reason.missing")
    mine = [row for row in rows if row.customer_id is not None or not refusal]
    ids = [row.id for row in mine]
    gone = len(keeping.remove(session, BlacklistEntry, BlacklistEntry.id, ids, params["operation_id"]))
    if actor.is_staff:
        _tell_customers(session, [row for row in mine if row.customer_id is not None], actor)
        _tell_platform(session, [row for row in mine if row.customer_id is None], actor, reason)
    kept = [
        RowResult(row.id, RowOutcome.FAILED, refusal, phones.from_int(row.phone))
        for row in rows
        if row.customer_id is None and refusal
    ]
    return Tally(done=gone, skipped=len(mine) - gone, failed=len(kept), rows=kept)


def _tell_customers(session: CabSession, rows: Sequence[Any], actor: Actor) -> None:
    """One event in the log of each customer whose entries support deleted."""
    for customer_id, count in Counter(row.customer_id for row in rows).items():
        audit.record(
            session,
            "blacklist.delete",
            actor=actor,
            customer_id=customer_id,
            object_type="blacklist",
            after={"count": count},
        )


def _tell_platform(session: CabSession, rows: Sequence[Any], actor: Actor, reason: str) -> None:
    """One event for each number that anybody may be called on again: nothing else keeps it."""
    for row in rows:
        audit.record(
            session,
            "blacklist.delete",
            actor=actor,
            customer_id=None,
            object_type="blacklist",
            object_id=row.id,
            before={"phone": str(row.phone), "reason": row.reason},
            reason=reason,
        )


def _check_restoring(session: CabSession, operation: Operation, actor: Actor) -> None:
    """Forbidden for the platform's entries unless he may decide for all customers."""
    platform = sa.exists().where(UndoChunk.operation_id == operation.id, UndoChunk.customer_id.is_(None))
    if not allowed(actor.role, "blacklist.platform") and session.scalar(sa.select(platform)):
        raise Forbidden("forbidden")


def _restored(session: CabSession, ids: set[int], operation: Operation, actor: Actor) -> None:
    """What was told of the deletion is told of its undoing, one event for each list; what rings now is hung up."""
    back = session.execute(
        sa.select(BlacklistEntry.customer_id, BlacklistEntry.phone).where(BlacklistEntry.id == bulk.any_of([*ids]))
    ).all()
    for customer_id, count in Counter(row.customer_id for row in back).items():
        stop_calls(session, customer_id, [row.phone for row in back if row.customer_id == customer_id])
        if actor.is_staff:
            audit.record(
                session,
                "blacklist.restore",
                actor=actor,
                customer_id=customer_id,
                object_type="blacklist",
                after={"count": count},
            )


def to_platform_chunk(
    session: CabSession, rows: Sequence[BlacklistEntry], params: dict[str, Any], actor: Actor
) -> Tally | list[RowResult]:
    """Bulk operation ``blacklist.to_platform``: nobody calls these numbers any more; the customers' entries stay."""
    wanted = {row.phone for row in rows if row.customer_id is not None}
    reason = str(params.get("reason", "")).strip()
    added = add_many(
        session,
        None,
        wanted,
        source=BlacklistSource.HAND,
        actor=actor,
        reason=reason,
        operation_id=params["operation_id"],
    )
    return Tally(done=added, known=len(rows) - added)


def preview_chunk(
    session: CabSession, records: Sequence[Entry], params: dict[str, Any], actor: Actor, memory: dict[str, Any]
) -> Tally:
    """Count new, known and refused records of an import without writing anything; a repeat in the file is known."""
    numbers, tally = _numbers(records)
    fresh = memory.setdefault("seen", NumberSet()).add_new(numbers)
    tally.done = len(fresh) - len(blacklist_rows.known_of(session, params.get("customer_id"), sorted(fresh)))
    tally.known = len(numbers) - tally.done
    return tally


def apply_chunk(
    session: CabSession, records: Sequence[Entry], params: dict[str, Any], actor: Actor, memory: dict[str, Any]
) -> Tally:
    """Write the numbers of a chunk; the counts come with it, so a chunk that is repeated after a kill counts once."""
    numbers, tally = _numbers(records)
    tally.done = add_many(
        session,
        params.get("customer_id"),
        numbers,
        source=BlacklistSource(params["source"]),
        actor=actor,
        reason=str(params.get("reason", "")),
        operation_id=params["operation_id"],
    )
    tally.known = len(numbers) - tally.done
    return tally


def read_pasted(path: Path, skip: int) -> Iterator[csv_io.Record]:
    """Records of a pasted text (rule T10), refused pieces with their line; a repeat is a record too, to be counted."""
    found = phones.extract(path.read_text(encoding="utf-8"))
    repeats = found.phones[:1] * found.duplicates
    records = [csv_io.Record(0, 0, phone, None, phone.e164) for phone in (*found.phones, *repeats)]
    records += [csv_io.Record(0, item.line, None, item.reason, item.text) for item in found.rejected]
    return islice(records, skip, None)


def read_pasted_numbers(path: Path, skip: int) -> Iterator[Entry]:
    """As ``read_pasted``; a record that is a number is the number alone."""
    return (record if record.phone is None else int(record.phone.e164) for record in read_pasted(path, skip))


def restored(kept: Sequence[Any]) -> list[Entry]:
    """Records as JSON keeps them are records again."""
    return [item if type(item) is int else csv_io.Record(*item) for item in kept]


def customer(session: CabSession, text: str) -> Customer:
    """The customer of a number typed or linked by support. NotFound ``customer.not_found``."""
    found = session.get(Customer, decode_id(text) or 0)
    if found is None:
        raise NotFound("customer.not_found")
    return found


def check_platform(actor: Actor, reason: str) -> None:
    """Forbidden unless the actor may decide for all customers, Invalid ``reason.missing`` unless he says why."""
    if not allowed(actor.role, "blacklist.platform"):
        raise Forbidden("forbidden")
    if not reason.strip():
        raise Invalid("reason.missing", field="reason")


def _numbers(records: Sequence[Entry]) -> tuple[list[int], Tally]:
    numbers = [record for record in records if isinstance(record, int)]
    refused = [record for record in records if not isinstance(record, int)]
    rows = [
        RowResult(
            outcome=RowOutcome.FAILED, reason=f"phone.{record.reason}", text=record.raw, after={"line": record.line}
        )
        for record in refused
    ]
    return numbers, Tally(failed=len(refused), rows=rows)


SOURCES = {item.value: f"blacklist.source.{item.value}" for item in BlacklistSource}

operation.register(
    "blacklist.delete",
    delete_chunk,
    permission="blacklist.delete",
    chunk=5_000,
    reads=(BlacklistEntry.id, BlacklistEntry.customer_id, BlacklistEntry.phone, BlacklistEntry.reason),
    undo=restoring(
        Part(BlacklistEntry, after=_restored),
        named=lambda kept: phones.from_int(kept["phone"]),
        check=_check_restoring,
    ),
)
operation.register(
    "blacklist.to_platform",
    to_platform_chunk,
    permission="blacklist.platform",
    undo=unmaking(BlacklistEntry, lambda session, ids, actor: remove_many(session, ids)),
)
for _name, _read in (("blacklist.import", csv_io.read_numbers), ("blacklist.paste", read_pasted_numbers)):
    operation.register_import(
        _name,
        preview_chunk,
        apply_chunk,
        permission="blacklist.edit",
        platform="blacklist.platform",
        read=_read,
        restore=restored,
        chunk=IMPORTED_AT_ONCE,
        parallel=True,
        undo=unmaking(BlacklistEntry, lambda session, ids, actor: remove_many(session, ids)),
    )
for _name in ("blacklist", "blacklist_support"):
    operation.register_export(
        _name,
        (
            ExportColumn("phone", BlacklistEntry.phone, phone=True),
            ExportColumn("source", BlacklistEntry.source, choices=SOURCES),
            ExportColumn("reason", BlacklistEntry.reason),
            ExportColumn("created_at", BlacklistEntry.created_at),
            ExportColumn("author_name", BlacklistEntry.author_name),
        ),
        permission="blacklist.export",
    )
