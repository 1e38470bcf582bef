"""The dialler's round: who is due, may he be called, is it paid for — and the call is on record before it rings.

One transaction takes a batch: the campaign's row is locked, so that its lines are counted right; contacts are taken
with SKIP LOCKED; the blacklist is asked in the same transaction that records the call (AC-54).
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.errors import LimitReached
from callcab.models import (
    Call,
    CallState,
    Campaign,
    CampaignState,
    Contact,
    ContactState,
    Customer,
    Outcome,
)
from callcab.services import ledger, pricing
from callcab.services.call.ending import close_contact, finish_campaign
from callcab.services.call.locking import lock_campaign
from callcab.services.call.placing import RING_SECONDS
from callcab.services.decision import CAMPAIGN, LATER, Decision, decide
from callcab.services.phone_number.lease import Caller, lease

# A contact that may not be called now is looked at again after this, when no rule says when.
LOOK_AGAIN = timedelta(minutes=10)
# How many contacts one round looks at; refused ones take no line.
BATCH = 50
GRACE = timedelta(seconds=30)


@dataclass
class Round:
    """What a round did: calls to place, how many contacts were refused or put off, and whether more are due."""

    calls: list[int] = field(default_factory=list)
    refused: int = 0
    later: int = 0
    more: bool = False


def due(session: CabSession, *, limit: int = 500) -> list[int]:
    """Campaigns that a round should look at. For the timetable; waiting ones too: money or numbers may have come."""
    return list(
        session.scalars(
            sa.select(Campaign.id)
            .where(Campaign.state.in_((CampaignState.RUNNING, CampaignState.WAITING)))
            .order_by(Campaign.id)
            .limit(limit)
        )
    )


def dial(session: CabSession, campaign_id: int) -> Round:
    """One round of a campaign; the caller places ``calls`` after the commit. Flushed. Needs a system scope."""
    campaign = lock_campaign(session, campaign_id)
    outcome = Round()
    if campaign is None or campaign.state not in (CampaignState.RUNNING, CampaignState.WAITING):
        return outcome
    if finish_campaign(session, campaign_id):
        return outcome
    caller = lease(session, campaign)
    if caller is None:
        _wait(campaign, "number.none_free")
        session.flush()
        return outcome
    campaign.state = CampaignState.RUNNING
    campaign.wait_reason = None
    free = campaign.lines - _lines_in_use(session, campaign_id)
    now = clock.now()
    contacts = _take(session, campaign_id, now) if free > 0 else []
    for contact in contacts:
        if len(outcome.calls) >= free:
            break
        reason = _one(session, campaign, contact, caller, now, outcome)
        if reason is not None:
            _wait(campaign, reason)
            break
    session.flush()
    outcome.more = len(contacts) == BATCH and len(outcome.calls) < free and campaign.state is CampaignState.RUNNING
    if not outcome.calls:
        finish_campaign(session, campaign_id)
    return outcome


def wait_for_lines(session: CabSession, campaign_id: int, code: str) -> None:
    """Nothing can be dialled at present: a campaign under way says why it waits. Flushed."""
    campaign = lock_campaign(session, campaign_id)
    if campaign is not None and campaign.state in (CampaignState.RUNNING, CampaignState.WAITING):
        _wait(campaign, code)
        session.flush()


def _one(
    session: CabSession, campaign: Campaign, contact: Contact, caller: Caller, now: datetime, outcome: Round
) -> str | None:
    """Decide about one contact and act on it; returns why the whole campaign has to wait, if it has to."""
    decision = decide(
        session,
        customer_id=campaign.customer_id,
        phone=contact.phone,
        campaign=campaign,
        now=now,
        attempts=contact.attempts,
    )
    if decision.verdict == CAMPAIGN:
        return decision.code
    if decision.verdict == LATER:
        contact.state = ContactState.WAITING
        contact.next_at = decision.retry_at or now + LOOK_AGAIN
        outcome.later += 1
        return None
    if not decision.allowed:
        _refuse(session, contact, decision, now)
        outcome.refused += 1
        return None
    try:
        outcome.calls.append(_record(session, campaign, contact, caller, decision, now))
    except LimitReached as problem:
        return problem.code
    return None


def _record(
    session: CabSession, campaign: Campaign, contact: Contact, caller: Caller, decision: Decision, now: datetime
) -> int:
    """Reserve the longest call and put the call on record. Raises LimitReached("balance.low")."""
    customer = session.get_one(Customer, campaign.customer_id)
    attempt = _next_attempt(session, contact)
    reservation = ledger.reserve(
        session,
        customer_id=campaign.customer_id,
        amount=pricing.longest_call(customer.tariff),
        key=f"call:{contact.id}:{attempt}",
        cause="contact",
        cause_id=contact.id,
    )
    call = Call(
        campaign_id=campaign.id,
        contact_id=contact.id,
        customer_id=campaign.customer_id,
        attempt=attempt,
        phone=contact.phone,
        from_phone=caller.phone,
        decision=decision.stored(),
        provider_ref=f"c-{uuid.uuid4().hex}",
        deadline_at=now + timedelta(seconds=RING_SECONDS + pricing.LONGEST_SECONDS) + GRACE,
        reservation_id=reservation.id,
        created_at=now,
    )
    contact.state = ContactState.CALLING
    session.add(call)
    session.flush()
    return call.id


def _refuse(session: CabSession, contact: Contact, decision: Decision, now: datetime) -> None:
    """This contact will never be called: on record with the reason, without money or a line."""
    session.add(
        Call(
            campaign_id=contact.campaign_id,
            contact_id=contact.id,
            customer_id=contact.customer_id,
            attempt=_next_attempt(session, contact),
            phone=contact.phone,
            state=CallState.REFUSED,
            outcome=Outcome.REQUEST_REFUSED,
            decision=decision.stored(),
            ended_at=now,
            deadline_at=now,
            created_at=now,
        )
    )
    close_contact(session, contact, ContactState.REFUSED, decision.code[:32])
    session.flush()


def _next_attempt(session: CabSession, contact: Contact) -> int:
    last = session.scalar(sa.select(sa.func.max(Call.attempt)).where(Call.contact_id == contact.id))
    return (last or 0) + 1


def _lines_in_use(session: CabSession, campaign_id: int) -> int:
    return (
        session.scalar(
            sa.select(sa.func.count()).select_from(Call).where(Call.campaign_id == campaign_id, Call.ended_at.is_(None))
        )
        or 0
    )


def _take(session: CabSession, campaign_id: int, now: datetime) -> list[Contact]:
    return list(
        session.scalars(
            sa.select(Contact)
            .where(Contact.campaign_id == campaign_id, Contact.next_at <= now)
            .where(Contact.state.in_((ContactState.NEW, ContactState.WAITING)))
            .order_by(Contact.next_at, Contact.id)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
    )


def _wait(campaign: Campaign, reason: str) -> None:
    campaign.state = CampaignState.WAITING
    campaign.wait_reason = reason[:48]
