"""When a callee may be called: by the clock of where he is (rule C3)."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import timezone as phone_zones

from callcab.lib import phone as phones
from callcab.models import Campaign, Purpose

# Default calling hours of the callee, and those of rule C3 for debt on working days.
DAY_STARTS, DAY_ENDS = time(9), time(20)
DEBT_STARTS, DEBT_ENDS = time(8), time(22)
# Today, and the same day of the next week: one of them is always a calling day.
LOOK_AHEAD = 8


def callee_zones(phone: phones.Phone, default: str) -> tuple[str, ...]:
    """The callee's time zones: by region for fixed numbers, the customer's for mobile ones (nobody knows better)."""
    if phone.kind != "fixed":
        return (default,)
    return _zones_of(phone.e164[:7]) or (default,)


@lru_cache(maxsize=4096)
def _zones_of(prefix: str) -> tuple[str, ...]:
    zones = phone_zones.time_zones_for_number(phonenumbers.parse(prefix.ljust(12, "0")))
    # Kaliningrad is given as Bucharest, whose summer time Russia does not have.
    mended = tuple("Europe/Kaliningrad" if zone == "Europe/Bucharest" else zone for zone in zones)
    return mended if len(mended) <= 3 and phone_zones.UNKNOWN_TIMEZONE not in mended else ()


def window(campaign: Campaign | None, moment: datetime, zone: ZoneInfo) -> tuple[time, time]:
    """Calling hours of the callee's day: the campaign's, for debt never wider than rule C3 allows."""
    start = campaign.quiet_until if campaign else DAY_STARTS
    end = campaign.quiet_from if campaign else DAY_ENDS
    if campaign is None or campaign.purpose is not Purpose.DEBT:
        return start, end
    weekend = moment.astimezone(zone).weekday() >= 5
    return (max(start, DAY_STARTS), min(end, DAY_ENDS)) if weekend else (max(start, DEBT_STARTS), min(end, DEBT_ENDS))


def opening(campaign: Campaign | None, now: datetime, zone: ZoneInfo) -> datetime:
    """``now`` when calls are allowed in the zone, else the next moment when they are."""
    if campaign is not None and campaign.starts_at is not None:
        now = max(now, campaign.starts_at)
    for day in _days(now, zone):
        if campaign is not None and str(day.isoweekday()) not in campaign.days:
            continue
        start, end = window(campaign, day, zone)
        opens, closes = (datetime.combine(day.date(), at, zone) for at in (start, end))
        if opens < closes and now < closes:
            return max(now, opens.astimezone(now.tzinfo))
    return now + timedelta(days=1)


def is_over(campaign: Campaign | None, now: datetime, customer_zone: str) -> bool:
    """Whether the campaign's last day has passed where its customer is."""
    if campaign is None or campaign.last_day is None:
        return False
    return now.astimezone(ZoneInfo(customer_zone)).date() > campaign.last_day


def _days(now: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    local = now.astimezone(zone)
    for offset in range(LOOK_AHEAD):
        yield local + timedelta(days=offset)
