"""Gives expired reservations back."""

from callcab.db import unit_of_work
from callcab.jobs.registry import every
from callcab.lib import clock
from callcab.scope import Scope
from callcab.services import ledger


@every(15)
def release_expired() -> None:
    """Release reservations whose call never came to an end."""
    with unit_of_work(Scope.system("jobs")) as session:
        ledger.release_expired(session, now=clock.now())
