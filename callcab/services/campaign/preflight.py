"""What a launch would meet: who would be called, who never and why, what it costs and how long it takes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.errors import Conflict, Invalid
from callcab.models import Call, Campaign, Customer, CustomerStatus, Purpose
from callcab.scope import Actor
from callcab.services import pricing
from callcab.services.campaign.steering import start
from callcab.services.decision import LATER, NEVER, OK, Group, is_over, survey
from callcab.services.phone_number.lease import find_caller, is_available

# What a call takes of a line, when the customer has made none yet.
USUAL_SECONDS = 40
_LOOK_BACK = timedelta(days=30)
_CALLS_LOOKED_AT = 1_000


@dataclass(frozen=True)
class Preflight:
    """``groups`` are all contacts by the rules' answer. Money is for those who would be called, now or later:

    price_from   everybody answers at once and hears the shortest interval
    price_to     everybody listens as long as a call may last, after all tries that did not reach him
    longest      what is reserved for one call
    line_time    of one line; ``seconds`` of it a call takes by the customer's own experience
    obstacles    codes of what stops everybody: no consent, a blocked customer, the last day
    """

    groups: tuple[Group, ...]
    price_from: Decimal
    price_to: Decimal
    longest: Decimal
    available: Decimal
    number_ready: bool
    seconds: int
    duration: timedelta
    obstacles: tuple[str, ...]

    @property
    def now(self) -> int:
        return self._count(OK)

    @property
    def later(self) -> int:
        return self._count(LATER)

    @property
    def never(self) -> int:
        return self._count(NEVER)

    @property
    def total(self) -> int:
        return self.now + self.later + self.never

    @property
    def seen(self) -> str:
        """What a person agreed to: it changes when contacts or lists do, and not with the hour."""
        return f"{self.total}:{self.never}"

    def missing(self, price: Decimal) -> Decimal:
        """What the balance lacks of a price."""
        return max(Decimal(0), price - self.available)

    def _count(self, verdict: str) -> int:
        return sum(group.count for group in self.groups if group.verdict == verdict)


def preflight(session: CabSession, campaign: Campaign, *, now: datetime) -> Preflight:
    """What would happen if the campaign started now. Reads only; needs a system scope for the platform's list."""
    customer = session.get_one(Customer, campaign.customer_id)
    groups = tuple(survey(session, campaign, customer, now=now))
    wanted = sum(group.count for group in groups if group.verdict != NEVER)
    caller = find_caller(session, campaign)
    terms = pricing.terms(customer.tariff, caller.kind if caller else pricing.SHARED)
    longest = pricing.longest(terms)
    tries = (campaign.max_attempts - 1) * pricing.rounded(terms.attempt_price)
    seconds = _usual_seconds(session, customer.id, now)
    return Preflight(
        groups=groups,
        price_from=wanted * pricing.call_price(terms, 1),
        price_to=wanted * (longest + tries),
        longest=longest,
        available=customer.available,
        number_ready=is_available(session, campaign),
        seconds=seconds,
        duration=_duration(campaign, wanted, seconds),
        obstacles=_obstacles(campaign, customer, now),
    )


def launch(
    session: CabSession, campaign_id: int, *, seen: str, actor: Actor, customer_id: int | None = None
) -> Campaign:
    """Start a draft after another look: whatever changed since the person's own look is shown to him first. Flushed.

    seen    ``Preflight.seen`` of the page that he pressed the button on
    raises  as ``start``; Conflict("campaign.drift"), Invalid("campaign.nobody_left") when nobody may be called
    """
    campaign = start(session, campaign_id, actor=actor, customer_id=customer_id)
    found = preflight(session, campaign, now=clock.now())
    if found.seen != seen:
        raise Conflict("campaign.drift", never=found.never, total=found.total)
    if found.never == found.total:
        raise Invalid("campaign.nobody_left")
    return campaign


def _obstacles(campaign: Campaign, customer: Customer, now: datetime) -> tuple[str, ...]:
    found = {
        "customer.blocked": customer.status is CustomerStatus.BLOCKED,
        "campaign.no_consent": campaign.purpose is Purpose.ADVERTISING and not campaign.consent_note.strip(),
        "campaign.over": is_over(campaign, now, customer.zone),
    }
    return tuple(code for code, stands in found.items() if stands)


def _usual_seconds(session: CabSession, customer_id: int, now: datetime) -> int:
    """How long a line was taken by the customer's latest calls, from the dial to the end."""
    latest = (
        sa.select((sa.extract("epoch", Call.ended_at - Call.created_at)).label("took"))
        .where(Call.customer_id == customer_id, Call.created_at > now - _LOOK_BACK)
        .where(Call.ended_at.is_not(None), Call.provider_ref.is_not(None))
        .order_by(Call.created_at.desc())
        .limit(_CALLS_LOOKED_AT)
        .subquery()
    )
    found = session.scalar(sa.select(sa.func.avg(latest.c.took)))
    return max(1, ceil(found)) if found else USUAL_SECONDS


def _duration(campaign: Campaign, contacts: int, seconds: int) -> timedelta:
    """One call each, on all lines, no faster than the campaign's own speed."""
    by_lines = contacts * seconds / campaign.lines
    by_speed = contacts / campaign.calls_per_second if campaign.calls_per_second else 0
    return timedelta(seconds=ceil(max(by_lines, by_speed)))
