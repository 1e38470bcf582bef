"""The dialling rounds of campaigns."""

from callcab.db import unit_of_work
from callcab.jobs.call import hand_over
from callcab.jobs.registry import every, job
from callcab.lib import clock
from callcab.providers import telephony
from callcab.scope import Scope
from callcab.services import campaign as campaigns
from callcab.services.campaign import pace

SCOPE = Scope.system("number leases")
MOST_ROUNDS = 20


@job("campaign.dial", queue="calls", timeout=120)
def dial(campaign_id: int) -> None:
    """Fill a campaign's free lines. Nothing is recorded while nobody would hear how the calls go (F-15)."""
    health = telephony.provider().health()
    if not health.ok:
        with unit_of_work(SCOPE) as session:
            campaigns.wait_for_lines(session, campaign_id, health.code)
        return
    for _ in range(MOST_ROUNDS):
        with unit_of_work(SCOPE) as session:
            outcome = campaigns.dial(session, campaign_id)
        if not hand_over(outcome.calls, outcome.requests) or not outcome.more:
            return


@every(1)
def sweep() -> None:
    """Ask for rounds of campaigns that have something to do: contacts fall due, numbers and money come."""
    with unit_of_work(SCOPE) as session:
        campaigns.due(session)


@every(3600)
def forget_idle_buckets() -> None:
    """Delete the buckets of campaigns that are over."""
    with unit_of_work(SCOPE) as session:
        pace.forget_idle(session, now=clock.now())


@every(30)
def close_overdue() -> None:
    """End campaigns whose last day is over."""
    with unit_of_work(SCOPE) as session:
        campaigns.close_overdue(session, now=clock.now())
