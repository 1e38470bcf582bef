"""How an operation begins, is confirmed and is called off."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from callcab import queue
from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.errors import Conflict, Forbidden, Invalid, NotFound
from callcab.models import Operation, OperationKind, OperationRow, OperationState, StoredFile
from callcab.permissions import allowed
from callcab.scope import Actor
from callcab.services import audit, listing
from callcab.services.operation import counted
from callcab.services.operation.catalogue import INLINE_ROWS, Work, work_of
from callcab.services.operation.reading import may_handle
from callcab.services.operation.running import Run, Step, begin, step

JOB = "operation.run"
# Files in one archive, at most.
ARCHIVE_ROWS = 5_000
OPEN_STATES = (OperationState.PREVIEW, OperationState.READY, OperationState.QUEUED, OperationState.RUNNING)


def start(
    session: CabSession,
    *,
    name: str,
    spec_name: str,
    state: dict[str, Any],
    ids: Sequence[int] | None,
    params: dict[str, Any],
    expected: int | None,
    actor: Actor,
    customer_id: int | None,
    kind: OperationKind | str | None = None,
    total: int | None = None,
) -> Operation:
    """Write the operation down and ask for its job; flushed, carried out after the commit.

    ``ids`` are ticked rows, None means everything that matches ``state``. ``expected`` is the number that the person
    saw. Raises Conflict ``operation.drift`` when another number matches now, Forbidden, Invalid ``operation.empty``.
    The same export asked twice (a double click) is one operation.
    """
    work = _allowed(name, kind, actor, customer_id)
    if work.kind is OperationKind.EXPORT and (twin := _twin(session, work, state, ids, params, actor, customer_id)):
        return twin
    operation = _new(session, work, spec_name, state, ids, params, expected, actor, customer_id)
    if total is not None:
        operation.total = total
    queue.later(session, JOB, operation_id=operation.id)
    return operation


def run_inline(
    session: CabSession,
    *,
    name: str,
    spec_name: str,
    state: dict[str, Any],
    ids: Sequence[int] | None,
    params: dict[str, Any],
    expected: int | None,
    actor: Actor,
    customer_id: int | None,
) -> Operation:
    """Do a small action (at most INLINE_ROWS rows) at once, in the caller's unit of work.

    Same errors as ``start``; a DomainError of the handler reaches the caller and nothing is stored.
    """
    work = _allowed(name, OperationKind.ACTION, actor, customer_id)
    operation = _new(session, work, spec_name, state, ids, params, expected, actor, customer_id)
    if (operation.total or 0) > INLINE_ROWS:
        raise Invalid("operation.too_many", limit=INLINE_ROWS)
    begin(session, operation.id)
    while step(session, operation.id, Run()) is Step.MORE:
        pass
    return operation


def inline_rows(name: str) -> int:
    """Up to so many rows of this operation are done within the request."""
    return work_of(name).inline


def start_import(
    session: CabSession,
    *,
    name: str,
    file: StoredFile,
    params: dict[str, Any],
    actor: Actor,
    customer_id: int | None,
) -> Operation:
    """Take a file down for import; a job counts new, known and bad records, then it waits for ``confirm``."""
    _allowed(name, OperationKind.IMPORT, actor, customer_id)
    operation = new_row(name, OperationKind.IMPORT, params, actor, customer_id)
    operation.state = OperationState.PREVIEW
    operation.input_file_id = file.id
    _record(session, operation, actor)
    queue.later(session, JOB, operation_id=operation.id)
    return operation


def confirm(session: CabSession, operation_id: int, *, expected: int | None, actor: Actor) -> Operation:
    """Let a counted import write: whoever may start the same may confirm it, and nobody else. Flushed, audited.

    ``expected`` is the number of new records that the person saw. Raises NotFound, Conflict
    ``operation.not_ready`` (also for a second click) or ``operation.drift``, Forbidden.
    """
    operation = locked(session, operation_id)
    _allowed(operation.name, OperationKind.IMPORT, actor, operation.customer_id)
    if operation.state is not OperationState.READY:
        raise Conflict("operation.not_ready")
    if expected is not None and expected != operation.done:
        raise Conflict("operation.drift", expected=expected, found=operation.done)
    session.execute(sa.delete(OperationRow).where(OperationRow.operation_id == operation.id))
    operation.state = OperationState.QUEUED
    operation.expected = operation.done
    operation.done = operation.known = operation.skipped = operation.failed = operation.attempts = 0
    operation.cursor = counted.reference(operation)
    operation.heartbeat_at = clock.now()
    note(session, "operation.confirm", operation, actor, {"rows": operation.expected})
    session.flush()
    queue.later(session, JOB, operation_id=operation.id)
    return operation


def cancel(session: CabSession, operation_id: int, *, actor: Actor) -> Operation:
    """Stop an operation: rows already done stay done, the rest is left alone. Flushed, audited.

    Raises NotFound, Conflict ``operation.over`` when done, Forbidden unless he started it or may start the same.
    """
    operation = locked(session, operation_id)
    if actor.role != "system" and not may_handle(operation, actor):
        raise Forbidden("forbidden")
    if operation.state not in OPEN_STATES:
        raise Conflict("operation.over")
    operation.state = OperationState.CANCELLED
    operation.finished_at = clock.now()
    note(session, "operation.cancel", operation, actor, {"done": operation.done})
    session.flush()
    return operation


def locked(session: CabSession, operation_id: int) -> Operation:
    """The operation, locked and fresh. NotFound ``operation.not_found``."""
    operation = session.scalar(
        sa.select(Operation)
        .where(Operation.id == operation_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if operation is None:
        raise NotFound("operation.not_found")
    return operation


def _allowed(name: str, kind: OperationKind | str | None, actor: Actor, customer_id: int | None) -> Work:
    work = work_of(name)
    if kind is not None and work.kind != kind:
        raise NotFound("operation.unknown", name=name)
    if actor.role != "system" and not allowed(actor.role, work.permission_for(customer_id)):
        raise Forbidden("forbidden")
    return work


def _new(
    session: CabSession,
    work: Work,
    spec_name: str,
    state: dict[str, Any],
    ids: Sequence[int] | None,
    params: dict[str, Any],
    expected: int | None,
    actor: Actor,
    customer_id: int | None,
) -> Operation:
    operation = new_row(work.name, work.kind, params, actor, customer_id)
    operation.spec_name = spec_name
    operation.filter = state
    operation.ids = None if ids is None else list(ids)
    operation.expected = expected
    found, cursor = _count(session, operation)
    if expected is not None and expected != found:
        raise Conflict("operation.drift", expected=expected, found=found)
    if work.member is not None and found > ARCHIVE_ROWS:
        raise Invalid("operation.archive_too_long", limit=ARCHIVE_ROWS)
    if not found and work.kind is OperationKind.ACTION:
        raise Invalid("operation.empty")
    operation.total = found
    operation.cursor = cursor
    _record(session, operation, actor)
    return operation


def new_row(name: str, kind: OperationKind, params: dict[str, Any], actor: Actor, customer_id: int | None) -> Operation:
    """Of this person, for this customer, with nothing done; not added."""
    now = clock.now()
    return Operation(
        kind=kind,
        name=name,
        params=params,
        filter={},
        customer_id=customer_id,
        actor_id=actor.user_id,
        actor_name=actor.name,
        actor_is_staff=actor.is_staff,
        heartbeat_at=now,
        created_at=now,
    )


def _count(session: CabSession, operation: Operation) -> tuple[int, dict[str, int]]:
    """How many rows are meant, and between which ids they lie, as ``changing`` goes on from there.

    Rows that appear later are behind them and not part of it. Where many rows are meant, the database may look for the
    first of them in the order of ids, through all rows of others that came before.
    """
    assert operation.spec_name is not None  # noqa: S101 - set one line before the call
    spec = listing.get(operation.spec_name)
    state = listing.from_json(spec, operation.filter)
    if operation.kind is OperationKind.EXPORT:
        # It changes no row that it could meet twice; of a whole list the total is kept.
        found = listing.count_matching(session, spec, state, ids=operation.ids, customer_id=operation.customer_id)
        return found.value, {}
    rows = listing.selection(spec, state, ids=operation.ids, customer_id=operation.customer_id)
    key = spec.model.id
    counted = rows.with_only_columns(sa.func.count(key.distinct()), sa.func.min(key), sa.func.max(key))
    number, first, last = session.execute(counted).one()
    return number, {"last": first - 1, "until": last} if number else {}


def _record(session: CabSession, operation: Operation, actor: Actor) -> None:
    session.add(operation)
    session.flush()
    after = {"filter": operation.filter, "ids": operation.ids, "rows": operation.total}
    note(session, operation.name, operation, actor, after)


def note(session: CabSession, action: str, operation: Operation, actor: Actor, after: dict[str, Any]) -> None:
    """One event in the log. Not flushed."""
    audit.record(
        session,
        action,
        actor=actor,
        customer_id=operation.customer_id,
        object_type="operation",
        object_id=operation.id,
        after=after,
    )


def _twin(
    session: CabSession,
    work: Work,
    state: dict[str, Any],
    ids: Sequence[int] | None,
    params: dict[str, Any],
    actor: Actor,
    customer_id: int | None,
) -> Operation | None:
    same_ids = Operation.ids.is_(None) if ids is None else Operation.ids == list(ids)
    return session.scalar(
        sa.select(Operation)
        .where(
            Operation.name == work.name,
            Operation.state.in_((OperationState.QUEUED, OperationState.RUNNING)),
            Operation.actor_id == actor.user_id,
            Operation.customer_id == customer_id if customer_id is not None else Operation.customer_id.is_(None),
            Operation.filter == state,
            Operation.params == params,
            same_ids,
        )
        .limit(1)
    )
