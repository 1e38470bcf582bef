"""Worker processes of our own, and what becomes of their operations."""

import os
import signal
import subprocess
from collections.abc import Callable
from datetime import timedelta

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.models import Operation
from callcab.scope import Scope
from callcab.services import operation
from tests.waiting import wait_for

# Entries of the customer for whom they work.
ROWS = 23
Spawn = Callable[..., subprocess.Popen[bytes]]


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9 for the worker and the child that holds the job."""
    children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False).stdout
    for pid in [process.pid, *map(int, children.split())]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait(10)


def until(happened: Callable[[], object], seconds: float = 40) -> None:
    """Wait for it as long as a busy machine may take."""
    assert wait_for(happened, seconds), "it never happened"


def load(operation_id: int) -> Operation:
    with unit_of_work(Scope.staff()) as session:
        return session.get(Operation, operation_id)


def sweep_later(seconds: int = 31) -> int:
    """Sweep as if so many seconds had passed; 0 while PostgreSQL still holds the row for a dead child."""
    with clock.frozen(clock.now() + timedelta(seconds=seconds)), unit_of_work(Scope.system("test")) as session:
        return operation.sweep(session)
