"""Ends incoming calls whose last event never came."""

from callcab.db import unit_of_work
from callcab.jobs.registry import every
from callcab.lib import clock
from callcab.scope import Scope
from callcab.services import inbound_call

SCOPE = Scope.system("incoming calls")


@every(60)
def sweep() -> None:
    """Calls that are long past their longest time are over, whatever became of them."""
    with unit_of_work(SCOPE) as session:
        inbound_call.reap(session, now=clock.now())
