"""How an operation is carried out: ``begin`` once per worker's try, then ``step`` for one chunk per transaction."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.models import Customer, Operation, OperationKind, OperationRow, OperationState, RowOutcome, User
from callcab.scope import Actor, Scope
from callcab.services import bulk
from callcab.services.operation import archiving, changing, counted, exporting, importing
from callcab.services.operation.catalogue import RowResult, Tally, work_of
from callcab.services.operation.columns import Words

# A job that kills its worker is tried so often, then shown as failed (F-28).
MAX_ATTEMPTS = 3
# Rows kept per operation; all of a small one, else only those that were not simply done.
ROWS_KEPT = 10_000
SMALL = 1_000
DEFAULT_ZONE = ZoneInfo("Europe/Moscow")
_KEEP = sa.text(
    "INSERT INTO operation_row (operation_id, customer_id, position, object_id, outcome, reason, text, before, after)"
    " SELECT :operation, :customer, given.* FROM jsonb_to_recordset(CAST(:given AS jsonb)) AS given"
    " (position int8, object_id int8, outcome text, reason text, text text, before jsonb, after jsonb)"
)

_tell_failure: Callable[[CabSession, Operation], None] | None = None


def when_failed(tell: Callable[[CabSession, Operation], None]) -> None:
    """Name who is told of an operation that fails, in the commit in which it does; the edge does it once at start."""
    global _tell_failure
    _tell_failure = tell


class Step(StrEnum):
    """What a chunk left: ``more`` work, an operation that is ``over``, or a row that somebody else holds."""

    MORE = "more"
    OVER = "over"
    BUSY = "busy"


class Run:
    """What one try keeps between its chunks: an open input, a half-written file. Close it, however the try ends."""

    def __init__(self, attempt: int = 1, words: Words = str) -> None:
        self.attempt = attempt
        self.words = words
        self.files = ExitStack()
        self.memory: dict[str, Any] = {}
        self.input: importing.Input | None = None
        self.output: exporting.Output | archiving.Archive | None = None
        self.counted: counted.Counted | None = None

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Close the input; drop an output file that no committed row names."""
        self.files.close()
        if self.output is not None:
            self.output.drop(kept=error is None)
        if self.counted is not None:
            self.counted.drop(kept=error is None)


def scope_of(session: CabSession, operation_id: int) -> Scope | None:
    """Whose rows the operation may touch; None when there is no such operation. For a session of the machine."""
    found = session.execute(sa.select(Operation.customer_id).where(Operation.id == operation_id)).one_or_none()
    if found is None:
        return None
    return Scope.staff() if found.customer_id is None else Scope.tenant(found.customer_id)


def begin(session: CabSession, operation_id: int) -> int:
    """Take a queued operation for this worker: the number of the try, or 0 when there is nothing to take.

    An action or a confirmed import goes on where the last chunk ended; counting and writing out start afresh.
    """
    operation = lock(session, operation_id)
    if operation is None or operation.state not in (OperationState.QUEUED, OperationState.PREVIEW):
        return 0
    if operation.attempts >= MAX_ATTEMPTS:
        give_up(session, operation)
        return 0
    without_waiting(session)
    operation.attempts += 1
    operation.started_at = operation.started_at or clock.now()
    operation.heartbeat_at = clock.now()
    if operation.state is OperationState.PREVIEW:
        session.execute(sa.delete(OperationRow).where(OperationRow.operation_id == operation.id))
        operation.done = operation.known = operation.skipped = operation.failed = 0
        operation.cursor = None
    else:
        operation.state = OperationState.RUNNING
        if operation.kind is OperationKind.EXPORT:
            operation.done = 0
            operation.cursor = None
    session.flush()
    return operation.attempts


def step(session: CabSession, operation_id: int, run: Run) -> Step:
    """Do one chunk; flushed, its counts and the place of the next chunk belong to the same commit.

    Raises DomainError, StorageError or FileError when the operation can't go on: the caller rolls back and calls
    ``fail`` in a unit of its own.
    """
    operation = lock(session, operation_id)
    if operation is None:
        known = session.scalar(sa.select(Operation.id).where(Operation.id == operation_id))
        return Step.OVER if known is None else Step.BUSY
    if operation.state not in (OperationState.RUNNING, OperationState.PREVIEW):
        return Step.OVER
    if restarts(operation) and operation.attempts != run.attempt:
        return Step.OVER  # Another worker took it over after a long silence.
    if operation.state is OperationState.PREVIEW:
        without_waiting(session)
    more = _chunk(session, operation, run)
    move(session, operation, more=more)
    return Step.MORE if more else Step.OVER


def move(session: CabSession, operation: Operation, *, more: bool) -> None:
    """A chunk is done; without ``more`` the operation is counted through, or over. Flushed."""
    operation.heartbeat_at = clock.now()
    if not restarts(operation):
        operation.attempts = 1  # It moved: what kills a worker from here on has its own three tries.
    if not more:
        _end(operation)
    session.flush()


def fail(session: CabSession, operation_id: int, code: str, params: dict[str, Any] | None = None) -> None:
    """Say that the operation ended badly and why, in a unit of its own; nothing when it is over already."""
    operation = session.scalar(sa.select(Operation).where(Operation.id == operation_id).with_for_update())
    if operation is None or operation.finished_at is not None:
        return
    _failed(session, operation, code, params or {})


def lock(session: CabSession, operation_id: int) -> Operation | None:
    """The row, locked; None when it does not exist or somebody else holds it.

    Rows that name the operation as theirs may be written meanwhile: those of an import's next chunk are (``parallel``).
    """
    return session.scalar(
        sa.select(Operation)
        .where(Operation.id == operation_id)
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    )


def give_up(session: CabSession, operation: Operation) -> None:
    """After MAX_ATTEMPTS tries that left no trace. Flushed."""
    _failed(session, operation, "operation.gave_up", {"attempts": operation.attempts})


def restarts(operation: Operation) -> bool:
    """Whether a new try starts from the beginning (nothing was stored by the last one)."""
    return operation.kind is OperationKind.EXPORT or operation.state is OperationState.PREVIEW


def without_waiting(session: CabSession) -> None:
    """Let this commit not wait for the disk: what a power cut takes back here the sweep begins again."""
    session.execute(sa.text("SET LOCAL synchronous_commit TO off"))


def actor_of(session: CabSession, operation: Operation) -> Actor:
    """Who asked, rebuilt from the row: his role as it is now."""
    user = session.get(User, operation.actor_id) if operation.actor_id else None
    if user is None:
        role = "agent" if operation.actor_is_staff else "system"
        customer_id = None if operation.actor_is_staff else operation.customer_id
        return Actor(operation.actor_name, role, operation.actor_id, customer_id)
    return Actor(user.name, user.role, user.id, user.customer_id)


def zone_of(session: CabSession, customer_id: int | None) -> ZoneInfo:
    """The zone that times are written in: the customer's, Moscow for support."""
    if customer_id is None:
        return DEFAULT_ZONE
    name = session.scalar(sa.select(Customer.zone).where(Customer.id == customer_id))
    return ZoneInfo(name) if name else DEFAULT_ZONE


def _chunk(session: CabSession, operation: Operation, run: Run) -> bool:
    if operation.undo_of_id is not None:
        tally, more = changing.undo_chunk(session, operation, actor_of(session, operation))
        add(session, operation, tally)
        return more
    if operation.kind is OperationKind.EXPORT:
        zone = zone_of(session, operation.customer_id)
        return exporting.chunk(session, operation, work_of(operation.name), run, zone)
    actor = actor_of(session, operation)
    if operation.kind is OperationKind.IMPORT:
        tally, more = importing.chunk(session, operation, run, actor)
    else:
        tally, more = changing.chunk(session, operation, work_of(operation.name), actor)
    add(session, operation, tally)
    return more


def add(session: CabSession, operation: Operation, tally: Tally) -> None:
    """What a chunk did: counts, and the rows worth keeping, numbered in the order of the work. Counts not flushed."""
    operation.done += tally.done
    operation.known += tally.known
    operation.skipped += tally.skipped
    operation.failed += tally.failed
    cursor = operation.cursor or {}
    kept: int = cursor.get("kept", 0)
    small = operation.kind is OperationKind.ACTION and (operation.total or 0) <= SMALL
    rows = [row for row in tally.rows if small or row.outcome is not RowOutcome.DONE][: ROWS_KEPT - kept]
    if not rows:
        return
    operation.cursor = {**cursor, "kept": kept + len(rows)}
    _keep(session, operation, rows, kept + 1)


def _keep(session: CabSession, operation: Operation, rows: Sequence[RowResult], first: int) -> None:
    """One statement and one parameter: arrays of so few rows took as long as reading a file of a hundred times as many
    lines."""
    given = [
        {
            "position": position,
            "object_id": row.object_id,
            "outcome": row.outcome.value,
            "reason": row.reason[:64],
            "text": row.text[:500].replace("\x00", ""),
            "before": row.before,
            "after": row.after,
        }
        for position, row in enumerate(rows, first)
    ]
    values = {"operation": operation.id, "customer": operation.customer_id, "given": bulk.json_of(given)}
    session.execute(_KEEP, values)


def _end(operation: Operation) -> None:
    counted = operation.done + operation.known + operation.skipped + operation.failed
    if operation.kind is OperationKind.ACTION and (operation.total or 0) > counted:
        # Rows that were counted at the start and are gone, or that the database does not let this customer change.
        operation.skipped += (operation.total or 0) - counted
        counted = operation.total or 0
    operation.total = counted
    if operation.state is OperationState.PREVIEW:
        operation.state = OperationState.READY
        return
    operation.state = OperationState.DONE
    operation.finished_at = clock.now()


def _failed(session: CabSession, operation: Operation, code: str, params: dict[str, Any]) -> None:
    operation.state = OperationState.FAILED
    operation.error_code = code[:64]
    operation.error_params = {key: value if isinstance(value, int) else str(value) for key, value in params.items()}
    operation.finished_at = clock.now()
    session.flush()
    if _tell_failure is not None:
        _tell_failure(session, operation)
