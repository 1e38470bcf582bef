"""What the timetable does for operations: nothing is lost with a worker, a message or the whole queue (F-03..F-07)."""

from datetime import timedelta

import sqlalchemy as sa

from callcab import queue
from callcab.db import CabSession
from callcab.lib import clock
from callcab.models import Operation, OperationState
from callcab.services.operation.running import MAX_ATTEMPTS, give_up
from callcab.services.operation.starting import JOB

# A chunk takes a second or so; its row is locked meanwhile and not swept.
SILENCE = timedelta(seconds=30)
# An import that nobody confirms; its file is gone after that.
READY_FOR = timedelta(hours=24)
DUE = (OperationState.PREVIEW, OperationState.QUEUED, OperationState.RUNNING)


def sweep(session: CabSession, *, limit: int = 200) -> int:
    """Queue silent operations again, at most MAX_ATTEMPTS tries each; call off imports never confirmed.

    For the machine's own scope. Several may run at once: locked rows are skipped, swept rows are fresh. Returns how
    many were queued.
    """
    now = clock.now()
    silent = session.scalars(
        sa.select(Operation)
        .where(Operation.state.in_(DUE), Operation.heartbeat_at < now - SILENCE)
        .order_by(Operation.heartbeat_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    queued = 0
    for operation in silent:
        if operation.attempts >= MAX_ATTEMPTS:
            give_up(session, operation)
            continue
        if operation.state is OperationState.RUNNING:
            operation.state = OperationState.QUEUED
        operation.heartbeat_at = now
        queue.later(session, JOB, operation_id=operation.id)
        queued += 1
    session.flush()
    session.execute(
        sa.update(Operation)
        .where(Operation.state == OperationState.READY, Operation.heartbeat_at < now - READY_FOR)
        .values(state=OperationState.CANCELLED, finished_at=now)
    )
    return queued
