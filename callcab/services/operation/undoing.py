"""Undoing an operation is an operation of its own: once, for seven days, by whoever may start the like."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import orm

from callcab import queue
from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from callcab.models import Operation, OperationKind, OperationState, UndoChunk
from callcab.scope import Actor
from callcab.services.bulk import written
from callcab.services.operation.catalogue import Undo, work_of
from callcab.services.operation.reading import may_confirm
from callcab.services.operation.starting import JOB, locked, new_row, note

UNDO = "operation.undo"
UNDO_FOR = timedelta(days=7)
# Undoings that end so may be started again.
BROKEN = (OperationState.FAILED, OperationState.CANCELLED)
# Kept chunks deleted in one transaction.
PURGED = 200


def is_undoable(name: str) -> bool | None:
    """Whether what an operation of that name does can be undone; None when it changes nothing (an export)."""
    work = work_of(name)
    return None if work.kind is OperationKind.EXPORT else work.undo is not None


def way_of(operation: Operation) -> str:
    """How it would be undone (``Undo.way``); empty when there is no way."""
    undo = _undo_of(operation)
    return "" if undo is None else undo.way


def undo_until(operation: Operation) -> datetime | None:
    """Until when it can be undone; None when there is nothing to undo or no way to."""
    if operation.finished_at is None or not operation.done or _undo_of(operation) is None:
        return None
    if operation.kind is OperationKind.IMPORT and operation.expected is None:
        return None  # It was counted and never confirmed.
    return operation.finished_at + UNDO_FOR


def undo_skips(session: CabSession, operation: Operation) -> int | None:
    """How many of its rows could not be undone now; None when that is not counted."""
    undo = _undo_of(operation)
    return None if undo is None else undo.skips(session, operation)


def undone_by(session: CabSession, operation: Operation) -> Operation | None:
    """The operation that undoes it, or tried to last."""
    return session.scalar(
        sa.select(Operation).where(Operation.undo_of_id == operation.id).order_by(Operation.id.desc()).limit(1)
    )


def may_undo(session: CabSession, operation: Operation, actor: Actor) -> bool:
    """Whether he could undo it now."""
    try:
        check_undo(session, operation, actor)
    except DomainError:
        return False
    return True


def undo(session: CabSession, operation_id: int, *, actor: Actor) -> Operation:
    """Ask for it to be undone; flushed, audited, carried out after the commit.

    Raises NotFound, Forbidden, Conflict ``operation.not_over``, Invalid ``operation.no_undo`` or
    ``operation.nothing_to_undo``, Conflict ``operation.undo_late`` after seven days or ``operation.undone``.
    """
    undone = locked(session, operation_id)
    check_undo(session, undone, actor)
    row = new_row(UNDO, OperationKind.ACTION, {"of": undone.name}, actor, undone.customer_id)
    row.undo_of_id = undone.id
    row.total = row.expected = undone.done
    session.add(row)
    session.flush()
    note(session, UNDO, row, actor, {"operation": undone.id, "rows": undone.done})
    queue.later(session, JOB, operation_id=row.id)
    return row


def _undo_of(operation: Operation) -> Undo | None:
    try:
        return None if operation.undo_of_id is not None else work_of(operation.name).undo
    except NotFound:
        return None  # An old one that the product does not do any more.


def check_undo(session: CabSession, operation: Operation, actor: Actor) -> None:
    """Raises what ``undo`` would."""
    if not may_confirm(operation, actor):
        raise Forbidden("forbidden")
    undo = _undo_of(operation)
    if undo is None:
        raise Invalid("operation.no_undo")
    if operation.finished_at is None:
        raise Conflict("operation.not_over")
    until = undo_until(operation)
    if until is None:
        raise Invalid("operation.nothing_to_undo")
    if clock.now() >= until:
        raise Conflict("operation.undo_late", days=UNDO_FOR.days)
    last = undone_by(session, operation)
    if last is not None and last.state not in BROKEN:
        raise Conflict("operation.undone")
    if undo.kept and session.scalar(sa.select(~sa.exists().where(UndoChunk.operation_id == operation.id))):
        raise Invalid("operation.nothing_to_undo")
    if undo.check is not None:
        undo.check(session, operation, actor)


def purge(session: CabSession) -> int:
    """Delete some of what was kept for undoing and is needed no more; returns how many chunks. For the machine's scope.

    Nothing that an undoing under way still reads.
    """
    undoing = orm.aliased(Operation)

    def undone(*states: OperationState) -> sa.ColumnElement[bool]:
        return sa.exists().where(undoing.undo_of_id == Operation.id, undoing.state.in_(states))

    late = Operation.finished_at < clock.now() - UNDO_FOR
    needless = sa.or_(
        undone(OperationState.DONE), sa.and_(late, ~undone(OperationState.QUEUED, OperationState.RUNNING))
    )
    key = sa.tuple_(UndoChunk.operation_id, UndoChunk.table_name, UndoChunk.first_id)
    found = (
        sa.select(UndoChunk.operation_id, UndoChunk.table_name, UndoChunk.first_id)
        .join(Operation, Operation.id == UndoChunk.operation_id)
        .where(needless)
        .limit(PURGED)
    )
    gone = session.execute(sa.delete(UndoChunk).where(key.in_(found)).execution_options(synchronize_session=False))
    return written(gone)
