"""Gives expired reservations back; checks that balances equal their entries."""

from callcab.db import unit_of_work
from callcab.jobs.registry import every, job
from callcab.lib import clock
from callcab.scope import Scope
from callcab.services import ledger, ledger_check

SCOPE = Scope.system("jobs")


@every(15)
def release_expired() -> None:
    """Release reservations whose call never came to an end."""
    with unit_of_work(SCOPE) as session:
        ledger.release_expired(session, now=clock.now())


@job(ledger_check.JOB)
def check(check_id: int) -> None:
    """Add all entries up and keep what came of it."""
    with unit_of_work(SCOPE) as session:
        ledger_check.carry_out(session, check_id)


@every(60)
def check_hourly() -> None:
    """Ask for the hourly check; send a lost one again."""
    with unit_of_work(SCOPE) as session:
        ledger_check.sweep(session)
