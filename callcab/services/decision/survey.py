"""The rules asked about all contacts of a campaign at once, for the page before its launch.

The same rules in the same order as ``rules.RULES``, but those that are the same for everybody: PostgreSQL looks at the
contacts, so that a hundred thousand are a second's work and none of them comes here. A test compares both answers.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from callcab.db import CabSession
from callcab.lib import phone as phones
from callcab.models import Campaign, Customer, Purpose
from callcab.services.decision.facts import UNALLOCATED_LIFE
from callcab.services.decision.hours import callee_zones, opening
from callcab.services.decision.rules import DEBT_LIMITS, LATER, NEVER, OK, PAUSE

SAMPLE = 5
_DEBT = [(span.days, limit) for span, limit in DEBT_LIMITS]
ALLOWED = "allowed"
_LATER = frozenset(("hours.closed", "call.too_soon", "call.debt_limit"))
# Numbers that agree down to this share their zone; mobile ones share the customer's, their digits say nothing.
_PER_AREA = 100_000
_MOBILE = 0

_DUE = "contact.campaign_id = :campaign AND contact.state IN ('new', 'waiting')"
_AREA = f"CASE WHEN contact.phone / 1000000000 = 79 THEN {_MOBILE} ELSE contact.phone / {_PER_AREA} END"
_AREAS = sa.text(f"SELECT {_AREA} AS area, min(contact.phone) AS phone FROM contact WHERE {_DUE} GROUP BY 1")  # noqa: S608
_LISTED = (
    "EXISTS (SELECT FROM blacklist_entry e WHERE e.customer_id {owner} AND e.phone = contact.phone"
    " AND (e.expires_at IS NULL OR e.expires_at > :now))"
)
# A call that really rang somebody, as facts.gather reads them.
_RANG = (
    "FROM call WHERE call.customer_id = :customer AND call.phone = contact.phone AND call.state <> 'refused'"
    " AND call.outcome IS DISTINCT FROM 'request_refused'"
)
_OFTEN = " OR ".join(f"count(*) FILTER (WHERE call.created_at > :since_{days}) >= {most}" for days, most in _DEBT)
# Questions about one contact each, answered by an index: no plan over long tables that stale statistics could spoil.
_SURVEY = sa.text(
    f"""
    SELECT code, count(*) AS size, (array_agg(phone ORDER BY id))[1:{SAMPLE}] AS sample FROM (
      SELECT contact.id, contact.phone, CASE
        WHEN EXISTS (SELECT {_RANG} AND call.outcome = 'unallocated' AND call.created_at > :oldest)
          THEN 'number.unallocated'
        WHEN {_LISTED.format(owner="IS NULL")} THEN 'blacklist.platform'
        WHEN {_LISTED.format(owner="= :customer")} THEN 'blacklist.own'
        WHEN {_AREA} = ANY(CAST(:closed AS bigint[])) THEN 'hours.closed'
        WHEN contact.attempts >= :attempts THEN 'call.attempts_used'
        WHEN EXISTS (SELECT {_RANG} AND call.created_at > :just) THEN 'call.too_soon'
        WHEN :debt AND (SELECT {_OFTEN} {_RANG}) THEN 'call.debt_limit'
        ELSE '{ALLOWED}' END AS code
      FROM contact WHERE {_DUE} OFFSET 0
    ) AS judged GROUP BY code ORDER BY count(*) DESC, code
    """  # noqa: S608 - constants only
).columns(sa.column("code", sa.Text), sa.column("size", sa.BigInteger), sa.column("sample", ARRAY(sa.BigInteger)))


@dataclass(frozen=True)
class Group:
    """Contacts with the same answer: its code (``allowed`` or the first reason against), how many they are, a few of
    their numbers, and for ``hours.closed`` when the first and the last of them may be called."""

    code: str
    count: int
    sample: tuple[int, ...]
    first: datetime | None = None
    last: datetime | None = None

    @property
    def verdict(self) -> str:
        if self.code == ALLOWED:
            return OK
        return LATER if self.code in _LATER else NEVER


def survey(session: CabSession, campaign: Campaign, customer: Customer, *, now: datetime) -> list[Group]:
    """Everybody whom the campaign has still to call, by what the rules say now; the largest group first. Reads only.

    Needs a system or staff scope: the platform's list is not the customer's.
    """
    areas = session.execute(_AREAS, {"campaign": campaign.id}).all()
    opens = {row.area: _opens(campaign, customer, row.phone, now) for row in areas}
    later = {area: moment for area, moment in opens.items() if moment > now}
    values: dict[str, Any] = {
        "campaign": campaign.id,
        "customer": customer.id,
        "now": now,
        "just": now - PAUSE,
        "oldest": now - UNALLOCATED_LIFE,
        "attempts": campaign.max_attempts,
        "debt": campaign.purpose is Purpose.DEBT,
        "closed": list(later),
        **{f"since_{days}": now - timedelta(days=days) for days, _ in _DEBT},
    }
    found = []
    for row in session.execute(_SURVEY, values):
        span = (min(later.values()), max(later.values())) if row.code == "hours.closed" else (None, None)
        found.append(Group(row.code, row.size, tuple(row.sample), *span))
    return found


def _opens(campaign: Campaign, customer: Customer, phone: int, now: datetime) -> datetime:
    """When the latest of the callee's zones may be called."""
    zones = callee_zones(phones.parse(phones.from_int(phone)), customer.zone)
    return max(opening(campaign, now, ZoneInfo(zone)) for zone in zones)
