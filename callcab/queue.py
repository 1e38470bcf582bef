"""How the rules ask for work to be done later, without knowing the queue.

``later`` notes a job that leaves after the commit. What must not be lost has a row in the database that says it is due
(operation, verification, mail, call): when the queue is away the sweep of ``callcab tick`` sends it again.
"""

from collections.abc import Callable
from typing import Any

from callcab.db import CabSession

Sender = Callable[[str, dict[str, Any]], None]
_sender: Sender | None = None


def set_sender(sender: Sender | None) -> None:
    """Name the transport; the edge does it once at start (``callcab.jobs.transport``)."""
    global _sender
    _sender = sender


def later(session: CabSession, job: str, **ids: int | str) -> None:
    """Ask for ``job`` (a name in ``callcab.jobs``) with ids only, after the commit of ``session``."""
    session.after_commit(lambda: send(job, dict(ids)))


def send(job: str, ids: dict[str, Any]) -> None:
    """Hand over at once, for sweeps that run outside a unit of work. RuntimeError when no transport is set."""
    if _sender is None:
        raise RuntimeError("no queue is connected")
    _sender(job, ids)
