"""Keeps the totals of long lists short to read."""

from callcab.db import unit_of_work
from callcab.jobs.registry import every
from callcab.scope import Scope
from callcab.services import row_total


@every(10)
def fold() -> None:
    """Add the parts of each total up."""
    with unit_of_work(Scope.system("jobs")) as session:
        row_total.fold(session)
