"""When a campaign may call: from a moment on, on chosen days, until its last day; and what its speed may be."""

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.errors import Invalid
from callcab.models import Campaign, CampaignState, Customer
from callcab.services.call.locking import lock_campaign
from callcab.services.phone_number.lease import release_campaign

LINES = (1, 50)
CALLS_PER_SECOND = (1, 100)
WEEK = "1234567"
_OPEN = (CampaignState.RUNNING, CampaignState.WAITING, CampaignState.PAUSED)


def check(
    customer: Customer,
    *,
    days: str,
    starts_at: datetime | None,
    last_day: date | None,
    lines: int,
    calls_per_second: int | None,
) -> None:
    """Raises Invalid with the field at fault: ``days``, ``last_day``, ``lines``, ``calls_per_second``."""
    if not days or any(day not in WEEK for day in days):
        raise Invalid("campaign.no_days", field="days")
    zone = ZoneInfo(customer.zone)
    now = clock.now()
    first = max(now, starts_at or now).astimezone(zone).date()
    if last_day is not None and last_day < first:
        raise Invalid("campaign.last_day_early", field="last_day")
    for name, value, (low, high), most in (
        ("lines", lines, LINES, customer.lines),
        ("calls_per_second", calls_per_second, CALLS_PER_SECOND, customer.calls_per_second),
    ):
        if value is None:
            continue
        if not low <= value <= high:
            raise Invalid("campaign.out_of_range", field=name, low=low, high=high)
        if most is not None and value > most:
            raise Invalid("campaign.over_customer_limit", field=name, limit=most)


def sorted_days(days: Sequence[str]) -> str:
    """Days of the week as they are kept: `12345`, Monday is 1."""
    return "".join(sorted(set(days)))


def is_early(campaign: Campaign, now: datetime) -> bool:
    """Whether its first moment is still to come: no number is taken for it before."""
    return campaign.starts_at is not None and campaign.starts_at > now


def close_overdue(session: CabSession, *, now: datetime, limit: int = 100) -> int:
    """End campaigns whose last day is over where their customer is, and give their numbers back; returns how many.

    Contacts that nobody reached stay as they are; calls that are up end by themselves. For the timetable.
    """
    today = sa.cast(sa.func.timezone(Customer.zone, sa.literal(now, sa.DateTime(timezone=True))), sa.Date)
    due = session.scalars(
        sa.select(Campaign.id)
        .join(Customer, Customer.id == Campaign.customer_id)
        .where(Campaign.state.in_(_OPEN), Campaign.last_day < today)
        .order_by(Campaign.id)
        .limit(limit)
    ).all()
    closed = 0
    for campaign_id in due:
        campaign = lock_campaign(session, campaign_id)
        if campaign is None or campaign.state not in _OPEN:
            continue
        campaign.state, campaign.wait_reason, campaign.finished_at = CampaignState.FINISHED, None, clock.now()
        session.flush()
        release_campaign(session, campaign_id)
        closed += 1
    return closed
