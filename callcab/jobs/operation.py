"""Carries operations out, a chunk per transaction."""

import logging
from typing import Any

import sqlalchemy as sa
from rq.timeouts import BaseTimeoutException

from callcab.db import CabSession, unit_of_work
from callcab.jobs import edge, parallel
from callcab.jobs.registry import every, job
from callcab.lib.csv_io import FileError
from callcab.lib.errors import DomainError
from callcab.lib.storage import StorageError
from callcab.models import Operation, OperationState, SavedView, User
from callcab.scope import Scope
from callcab.services import export_schedule, mail, stored_file
from callcab.services import operation as operations

log = logging.getLogger(__name__)

# A try that takes longer is cut off and goes on in the next one.
LIMIT_SECONDS = 3_600


@job("operation.run", timeout=LIMIT_SECONDS)
def run(operation_id: int) -> None:
    """Do an operation until it is over; a crash leaves it to the sweep, a refusal is written into its row."""
    with unit_of_work(Scope.system("jobs")) as session:
        scope = operations.scope_of(session, operation_id)
    if scope is None:
        return
    with unit_of_work(scope) as session:
        attempt = operations.begin(session, operation_id)
        try_parallel = operations.is_writing(session, operation_id)
    if not attempt:
        return
    try:
        with operations.Run(attempt, edge.word) as current:
            more = True
            while more:
                try_parallel = try_parallel and parallel.write(scope, operation_id, current)
                more = _chunk(scope, operation_id, current) is operations.Step.MORE
    except Exception as problem:
        code, params = _reason(problem, operation_id)
        with unit_of_work(scope) as session:
            operations.fail(session, operation_id, code, params)


def _chunk(scope: Scope, operation_id: int, current: operations.Run) -> operations.Step:
    with unit_of_work(scope) as session:
        found = operations.step(session, operation_id, current)
        if found is operations.Step.OVER:
            _tell(session, operation_id)
        return found


def _tell(session: CabSession, operation_id: int) -> None:
    """Write to whoever waits for the file of a schedule; in the commit that finished it."""
    found = export_schedule.addressee(session, operation_id, OperationState.DONE)
    if found is not None:
        _write(session, *found, "ready", f"jobs/details/?id={operation_id}")


def _tell_failure(session: CabSession, operation: Operation) -> None:
    """Write to him why there is no file; in the commit that says so, so once however often it was tried."""
    found = export_schedule.addressee(session, operation.id, OperationState.FAILED)
    if found is not None:
        _write(session, *found, "failed", f"jobs/details/?id={operation.id}", _failure(operation))


def _failure(operation: Operation) -> str:
    text = edge.word(operation.error_code or "")
    try:
        return text % operation.error_params
    except (KeyError, TypeError, ValueError):
        # A letter with a gap is better than an operation that can't fail.
        return text


operations.when_failed(_tell_failure)


def _write(session: CabSession, person: User, view: SavedView, what: str, page: str, reason: str = "") -> None:
    side = "admin" if person.is_staff else "cabinet"
    words = {"view": view.name, "link": edge.address(f"/{side}/{page}"), "reason": reason}
    mail.send(
        session,
        kind="export_schedule",
        recipient=person.email,
        subject=edge.word(f"export_schedule.{what}.subject") % words,
        text=edge.word(f"export_schedule.{what}.letter") % words,
        customer_id=view.customer_id,
    )


def _reason(problem: Exception, operation_id: int) -> tuple[str, dict[str, Any]]:
    """The code that the person sees; the sweep goes on after what is raised (time, database)."""
    if isinstance(problem, DomainError):
        return problem.code, problem.params
    if isinstance(problem, StorageError | FileError):
        return f"file.{problem.reason}", {}
    if isinstance(problem, sa.exc.OperationalError | sa.exc.InterfaceError | BaseTimeoutException):
        raise problem
    log.exception("an operation failed", extra={"operation_id": operation_id})
    return "operation.internal", {"number": operation_id}


@every(10)
def sweep() -> None:
    """Queue silent operations again."""
    with unit_of_work(Scope.system("jobs")) as session:
        operations.sweep(session)


@every(60)
def run_schedules() -> None:
    """Start the files that are due, a few per transaction; whose schedule stops is told why."""
    while True:
        with unit_of_work(Scope.system("jobs")) as session:
            due = export_schedule.run_due(session)
            for row in due:
                found = export_schedule.reader(session, row) if row.stopped else None
                if found is not None:
                    _write(session, *found, "stopped", "file-schedules/", edge.word(row.stopped))
        if len(due) < export_schedule.AT_ONCE:
            return


@every(3_600)
def purge() -> None:
    """Delete what was kept for undoing and is needed no more, a batch per transaction."""
    while True:
        with unit_of_work(Scope.system("jobs")) as session:
            if not operations.purge(session):
                return


@every(60)
def expire_files() -> None:
    """Delete files past their time."""
    with unit_of_work(Scope.system("jobs")) as session:
        stored_file.expire(session)


@every(3_600)
def clear_drafts() -> None:
    """Remove half-written files that a killed worker left."""
    stored_file.storage().sweep()
