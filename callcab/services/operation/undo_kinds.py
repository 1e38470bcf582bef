"""The three ways of undoing: deleted rows are put back, made rows are deleted, changed fields are set as they were.

Each makes an ``Undo`` for ``register`` and ``register_import``. A row that is no longer as the operation left it stays
as it is and is told with its reason.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib.errors import DomainError
from callcab.models import Operation, RowOutcome
from callcab.scope import Actor
from callcab.services import bulk
from callcab.services.operation import keeping
from callcab.services.operation.catalogue import Check, Place, RowResult, Tally, Undo, fields_of

# Rows that an import made and that are deleted in one transaction.
CHUNK = 5_000
# Up to so many rows it is counted beforehand which of them could not be undone.
COUNTED = 10_000
Named = Callable[[dict[str, Any]], str]


@dataclass(frozen=True)
class Part:
    """A table whose deleted rows are put back; rows of the first one count.

    needs   columns that name a row which must be there still
    after   what else belongs to it: ``after(session, ids, operation, actor)`` for the rows that are back
    """

    model: Any
    needs: Sequence[Any] = ()
    after: Callable[[CabSession, set[int], Operation, Actor], None] | None = None


def restoring(*parts: Part, named: Named = lambda kept: "", check: Check | None = None) -> Undo:
    """Put back what ``keeping`` kept, table after table, with the same ids and times.

    named   what a person knows a kept row by
    check   refuses (Forbidden) who may not undo it although he may start the like
    """

    def chunk(session: CabSession, operation: Operation, place: Place, actor: Actor) -> tuple[Tally, Place]:
        number, after = place or (0, 0)
        part = parts[number]
        last, count = keeping.next_ids(session, operation, part.model, after)
        if not count:
            return Tally(), (number + 1, 0) if number + 1 < len(parts) else None
        back = keeping.put_back(session, operation, part.model, after, last, part.needs)
        if back and part.after is not None:
            part.after(session, back, operation, actor)
        tally = Tally(done=len(back))
        if len(back) < count:
            kept = keeping.kept_rows(session, operation, part.model, after, last)
            _left_out(session, part.model, [row for row in kept if row["id"] not in back], tally, named)
        return tally if number == 0 else Tally(), (number, last)

    def skips(session: CabSession, operation: Operation) -> int | None:
        return None if operation.done > COUNTED else keeping.taken(session, operation, parts[0].model)

    return Undo("restores", chunk, skips, check=check)


def _left_out(session: CabSession, model: Any, kept: Sequence[dict[str, Any]], tally: Tally, named: Named) -> None:
    """Rows that are back already, by an undoing that was cut short, or whose place is taken."""
    ids = [row["id"] for row in kept]
    there = set(session.scalars(sa.select(model.id).where(model.id == bulk.any_of(ids))))
    tally.known = len(there)
    tally.skipped = len(kept) - tally.known
    tally.rows = [
        RowResult(row["id"], RowOutcome.SKIPPED, "operation.place_taken", named(row))
        for row in kept
        if row["id"] not in there
    ]


def unmaking(model: Any, delete: Callable[[CabSession, Sequence[int], Actor], int]) -> Undo:
    """Delete the rows that carry the operation's number, by the section's own ``delete(session, ids, actor)``.

    Whoever wants such a row too takes the number out (``released``), so a row that has it is wanted by nobody else.
    """

    def chunk(session: CabSession, operation: Operation, place: Place, actor: Actor) -> tuple[Tally, Place]:
        _, after = place or (0, 0)
        mine = sa.select(model.id).where(model.operation_id == operation.id, model.id > after)
        if operation.customer_id is not None:
            mine = mine.where(model.customer_id == operation.customer_id)
        ids = session.scalars(mine.order_by(model.id).limit(CHUNK).with_for_update()).all()
        if not ids:
            return Tally(), None
        gone = delete(session, ids, actor)
        return Tally(done=gone, skipped=len(ids) - gone), (0, ids[-1])

    def skips(session: CabSession, operation: Operation) -> int:
        mine = sa.select(sa.func.count()).select_from(model).where(model.operation_id == operation.id)
        return operation.done - (session.scalar(mine) or 0)

    return Undo("unmakes", chunk, skips, kept=False)


def reverting(
    model: Any,
    put_back: Callable[[CabSession, Any, dict[str, Any], Actor], None],
    *,
    named: Callable[[Any], str],
) -> Undo:
    """Set the fields of each row as they were, if all of them still are as the operation left them.

    ``put_back(session, row, before, actor)`` does it by the rules of the section; what they refuse is told for its row.
    """

    def chunk(session: CabSession, operation: Operation, place: Place, actor: Actor) -> tuple[Tally, Place]:
        _, after = place or (0, 0)
        last, count = keeping.next_ids(session, operation, model, after)
        if not count:
            return Tally(), None
        kept = keeping.kept_rows(session, operation, model, after, last)
        return Tally.of([_one(session, change, actor) for change in kept]), (0, last)

    def _one(session: CabSession, change: dict[str, Any], actor: Actor) -> RowResult:
        row = session.scalar(
            sa.select(model).where(model.id == change["id"]).with_for_update().execution_options(populate_existing=True)
        )
        if row is None:
            return RowResult(change["id"], RowOutcome.SKIPPED, "operation.row_gone")
        name = named(row)
        if fields_of(row, change["after"]) != change["after"]:
            return RowResult(row.id, RowOutcome.SKIPPED, "operation.changed_since", name)
        try:
            with session.begin_nested():
                put_back(session, row, change["before"], actor)
        except DomainError as refusal:
            return RowResult(change["id"], RowOutcome.SKIPPED, refusal.code, name)
        return RowResult(row.id, text=name, before=change["after"], after=change["before"])

    def skips(session: CabSession, operation: Operation) -> int | None:
        if operation.done > COUNTED:
            return None
        kept = {change["id"]: change["after"] for change in keeping.all_rows(session, operation, model)}
        rows = session.scalars(sa.select(model).where(model.id == bulk.any_of([*kept])))
        same: int = sum(fields_of(row, kept[row.id]) == kept[row.id] for row in rows)
        return int(operation.done) - same

    return Undo("reverts", chunk, skips)
