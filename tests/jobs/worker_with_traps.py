"""A real worker process whose operations wait or kill: ``python -m tests.jobs.worker_with_traps [burst]``."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from callcab import config
from callcab.jobs import registry, worker
from callcab.models import BlacklistEntry
from callcab.services import listing, operation
from callcab.services.operation import ExportColumn, RowResult

SPEC = listing.ListSpec(
    name="trap_entries", model=BlacklistEntry, sorts={"id": listing.Sort(BlacklistEntry.id)}, default_sort="id"
)


def mark(session: Any, rows: Any, params: dict[str, Any], actor: Any) -> list[RowResult]:
    """Append a mark to each reason; says in a file when the second chunk is in hand, and waits there when told to."""
    for row in rows:
        row.reason += "*"
    session.flush()
    gate = Path(params["gate"])
    if gate.exists() and rows[0].id > 1:
        gate.with_suffix(".reached").write_text(str(os.getpid()))
        while gate.exists():
            time.sleep(0.02)
    return [RowResult(row.id) for row in rows]


def poison(session: Any, rows: Any, params: dict[str, Any], actor: Any) -> list[RowResult]:
    with Path(params["log"]).open("a") as log:
        log.write("x")
    os.kill(os.getpid(), signal.SIGKILL)
    return []


def slow_text(row: Any) -> str:
    """A cell that makes an export last."""
    time.sleep(0.005)
    return str(row.reason)


def prepare() -> None:
    listing.register(SPEC)
    operation.register("trap.mark", mark, permission="blacklist.edit", chunk=5)
    operation.register("trap.poison", poison, permission="blacklist.edit")
    operation.register_export(SPEC.name, [ExportColumn("reason", slow_text)], permission="blacklist.export", chunk=20)


@registry.job("trap.nothing")
def nothing(number: int) -> None:
    """A small job, to be counted."""


if __name__ == "__main__":
    prepare()
    worker.run(config.load(), burst="burst" in sys.argv)
