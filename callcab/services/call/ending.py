"""The end of a call: its price, its contact's fate, its campaign's end."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from callcab import queue
from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.errors import Conflict
from callcab.models import (
    Call,
    CallState,
    Campaign,
    CampaignState,
    Contact,
    ContactState,
    Customer,
    EntryKind,
    Outcome,
    Reservation,
    ReservationState,
)
from callcab.providers.telephony.base import advice
from callcab.services import ledger, pricing
from callcab.services.call.locking import lock_call
from callcab.services.phone_number.lease import release_campaign


def finish(session: CabSession, call: Call, outcome: Outcome, *, seconds: int, counts: bool = True) -> None:
    """End a locked call once: settle its reservation, decide about another try, go on with the campaign. Flushed.

    counts  whether the attempt counts for the contact; a call that no provider took does not
    """
    if call.ended_at is not None:
        return
    call.state = CallState.FINISHED
    call.outcome = outcome
    call.ended_at = clock.now()
    call.seconds = max(0, min(seconds, pricing.LONGEST_SECONDS))
    _settle_contact(session, call, outcome, counts)
    session.flush()
    # The number before the account: renting locks them in this order too.
    finish_campaign(session, call.campaign_id)
    _settle_money(session, call)
    session.flush()
    queue.later(session, "campaign.dial", campaign_id=call.campaign_id)


def overdue(session: CabSession, *, now: datetime, limit: int = 200) -> list[int]:
    """Calls whose last event should have come by now (telephony §6 «lost»)."""
    return list(
        session.scalars(
            sa.select(Call.id)
            .where(Call.ended_at.is_(None), Call.deadline_at < now)
            .order_by(Call.deadline_at)
            .limit(limit)
        )
    )


def reap(session: CabSession, call_id: int, *, now: datetime) -> bool:
    """End one overdue call; False when its end was heard meanwhile. One per transaction: calls of several campaigns
    would be locked in no order.

    A lost call costs nothing, answered or not, and nothing that is told of it later changes that (``why_free``).
    """
    call = lock_call(session, Call.id == call_id)
    if call is None or call.ended_at is not None or call.deadline_at >= now:
        return False
    finish(session, call, Outcome.LOST, seconds=0)
    return True


def why_free(session: CabSession, call: Call) -> str | None:
    """Why a call that was or may have been answered cost nothing; None when it cost something or nobody answered.

    ``call.free_lost``  its last event never came. Nobody knows how long it was, and that it got lost is our fault: what
                        can't be proven is not charged.
    ``call.free_late``  its end was heard after its reservation had run out; the money was free again by then.
    """
    if call.outcome is Outcome.LOST:
        return "call.free_lost"
    if call.seconds == 0 or call.cost > 0 or call.reservation_id is None:
        return None
    state = session.scalar(sa.select(Reservation.state).where(Reservation.id == call.reservation_id))
    return "call.free_late" if state is ReservationState.RELEASED else None


def finish_campaign(session: CabSession, campaign_id: int) -> bool:
    """End a locked campaign that has nobody left to call, and give its number back. Flushed."""
    left = session.scalar(
        sa.select(Contact.id)
        .where(Contact.campaign_id == campaign_id)
        .where(Contact.state.in_((ContactState.NEW, ContactState.WAITING, ContactState.CALLING)))
        .limit(1)
    )
    if left is not None:
        return False
    ended = session.scalar(
        sa.update(Campaign)
        .where(Campaign.id == campaign_id)
        .where(Campaign.state.in_((CampaignState.RUNNING, CampaignState.WAITING, CampaignState.PAUSED)))
        .values(state=CampaignState.FINISHED, wait_reason=None, finished_at=clock.now())
        .returning(Campaign.id)
    )
    if ended is not None:
        release_campaign(session, campaign_id)
    return ended is not None


def close_contact(session: CabSession, contact: Contact, state: ContactState, outcome: str) -> None:
    """This contact will not be called any more; the campaign counts it once. Its campaign is locked."""
    if contact.state in (ContactState.DONE, ContactState.REFUSED):
        return
    contact.state = state
    contact.outcome = outcome
    session.execute(
        sa.update(Campaign).where(Campaign.id == contact.campaign_id).values(contacts_done=Campaign.contacts_done + 1)
    )


def _settle_contact(session: CabSession, call: Call, outcome: Outcome, counts: bool) -> None:
    contact = session.scalars(
        sa.select(Contact)
        .where(Contact.id == call.contact_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    campaign = session.get_one(Campaign, call.campaign_id)
    if counts:
        contact.attempts += 1
    contact.outcome = outcome.value
    hint = advice(outcome.value)
    more = not counts or (hint.again and contact.attempts < campaign.max_attempts and contact.attempts <= hint.tries)
    if more:
        contact.state = ContactState.WAITING
        contact.next_at = clock.now() + hint.delay
    else:
        close_contact(session, contact, ContactState.DONE, outcome.value)


def _settle_money(session: CabSession, call: Call) -> None:
    if call.reservation_id is None:
        return
    customer = session.get_one(Customer, call.customer_id)
    price = pricing.call_price(customer.tariff, call.seconds)
    try:
        entry = ledger.settle(
            session, call.reservation_id, amount=price, kind=EntryKind.CALL, cause="call", cause_id=call.id
        )
    except Conflict:
        # The reservation ran out before the call's end was heard: the money was given back, nothing is taken now.
        entry = None
    call.cost = -entry.amount if entry is not None else Decimal("0")
