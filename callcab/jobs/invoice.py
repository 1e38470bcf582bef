"""Turns unpaid invoices overdue when their day has passed."""

from callcab.db import unit_of_work
from callcab.jobs.registry import every
from callcab.scope import Scope
from callcab.services import invoice


@every(3600)
def sweep_overdue() -> None:
    """Mark what was due before today, in the operator's zone."""
    with unit_of_work(Scope.system("jobs")) as session:
        invoice.sweep_overdue(session)
