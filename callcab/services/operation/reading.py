"""What the pages show of an operation."""

from collections.abc import Sequence

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib.errors import NotFound
from callcab.models import AuditEvent, Operation, OperationRow, RowOutcome
from callcab.permissions import allowed
from callcab.scope import Actor
from callcab.services import audit
from callcab.services.operation.catalogue import work_behind

DOWNLOAD = "operation.download"
DOWNLOADS_SHOWN = 20


def get(session: CabSession, operation_id: int, *, customer_id: int | None) -> Operation:
    """One operation. NotFound ``operation.not_found`` for an unknown and for a foreign one alike."""
    statement = sa.select(Operation).where(Operation.id == operation_id)
    if customer_id is not None:
        statement = statement.where(Operation.customer_id == customer_id)
    operation = session.scalar(statement)
    if operation is None:
        raise NotFound("operation.not_found")
    return operation


def result_rows(
    session: CabSession, operation: Operation, *, outcome: RowOutcome | None = None, after: int = 0, limit: int = 50
) -> Sequence[OperationRow]:
    """Kept rows in order, behind position ``after``."""
    statement = sa.select(OperationRow).where(OperationRow.operation_id == operation.id, OperationRow.position > after)
    if outcome is not None:
        statement = statement.where(OperationRow.outcome == outcome)
    return session.scalars(statement.order_by(OperationRow.position).limit(limit)).all()


def may_download(operation: Operation, actor: Actor) -> bool:
    """Whether the output may go to ``actor``: he made it, or his role may make the same (AC-14)."""
    return operation.output_file_id is not None and may_handle(operation, actor)


def note_download(session: CabSession, operation: Operation, *, actor: Actor) -> None:
    """Write down who took the file, from where and when. Not flushed."""
    audit.record(
        session,
        DOWNLOAD,
        actor=actor,
        customer_id=operation.customer_id,
        object_type="operation",
        object_id=operation.id,
    )


def downloads(session: CabSession, operation: Operation) -> Sequence[AuditEvent]:
    """The last times that the file was taken, newest first."""
    return session.scalars(
        sa.select(AuditEvent)
        .where(
            AuditEvent.object_type == "operation",
            AuditEvent.object_id == operation.id,
            AuditEvent.action == DOWNLOAD,
        )
        .order_by(AuditEvent.id.desc())
        .limit(DOWNLOADS_SHOWN)
    ).all()


def may_handle(operation: Operation, actor: Actor) -> bool:
    """Whether he may cancel it or see what it made: he started it, or his role may start the same."""
    mine = actor.user_id is not None and actor.user_id == operation.actor_id
    return _his(operation, actor) and (mine or _may_start(operation, actor))


def may_confirm(operation: Operation, actor: Actor) -> bool:
    """Whether he may let it write: only his role counts, since it may have changed after he started it."""
    return _his(operation, actor) and _may_start(operation, actor)


def _his(operation: Operation, actor: Actor) -> bool:
    return actor.customer_id is None or actor.customer_id == operation.customer_id


def _may_start(operation: Operation, actor: Actor) -> bool:
    return allowed(actor.role, work_behind(operation).permission_for(operation.customer_id))


def name_of_actor(operation: Operation, *, to_staff: bool) -> str:
    """Who asked; a customer is not told which person of support it was: an empty text then."""
    return operation.actor_name if to_staff or not operation.actor_is_staff else ""
