"""Carries operations out, a chunk per transaction."""

import logging
from typing import Any

import sqlalchemy as sa
from rq.timeouts import BaseTimeoutException

from callcab.db import unit_of_work
from callcab.jobs import edge
from callcab.jobs.registry import every, job
from callcab.lib.csv_io import FileError
from callcab.lib.errors import DomainError
from callcab.lib.storage import StorageError
from callcab.scope import Scope
from callcab.services import operation as operations
from callcab.services import stored_file

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
    if not attempt:
        return
    try:
        with operations.Run(attempt, edge.word) as current:
            while _chunk(scope, operation_id, current) is operations.Step.MORE:
                pass
    except Exception as problem:
        code, params = _reason(problem, operation_id)
        with unit_of_work(scope) as session:
            operations.fail(session, operation_id, code, params)


def _chunk(scope: Scope, operation_id: int, current: operations.Run) -> operations.Step:
    with unit_of_work(scope) as session:
        return operations.step(session, operation_id, current)


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
