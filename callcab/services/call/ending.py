"""The end of calls: their price, their contacts' fate, their campaigns' end; a batch in a handful of statements."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.models import (
    Call,
    CallState,
    Campaign,
    CampaignState,
    Contact,
    ContactState,
    EntryKind,
    Outcome,
    Reservation,
    ReservationState,
)
from callcab.services import bulk, ledger, pricing, reservation, retry
from callcab.services.call.locking import Live, lock_calls, lock_campaigns, store
from callcab.services.call.rounds import UNDER_WAY, ask_locked
from callcab.services.phone_number.lease import release_campaign

CLOSED = (ContactState.DONE, ContactState.REFUSED)


@dataclass(slots=True)
class End:
    """How a call ended. ``seconds`` were talked (started seconds).

    again_at  the attempt does not count, nobody was rung: the contact is due again then
    refused   code of the rule that forbids this contact for good, found right before the dial
    """

    call: Live
    outcome: Outcome
    seconds: int = 0
    again_at: datetime | None = None
    refused: str = ""


class Fate(NamedTuple):
    """What becomes of a contact after a call."""

    contact_id: int
    state: ContactState
    outcome: str
    attempts: int
    next_at: datetime


def finish(session: CabSession, ends: Sequence[End], campaigns: Mapping[int, Campaign]) -> None:
    """End calls once: contacts get their fate, reservations are settled, campaigns go on or end. Flushed.

    The calls are locked after their ``campaigns``; those that had ended before are left out. The caller stores them.
    """
    ends = [end for end in ends if end.call.ended_at is None]
    if not ends:
        return
    now = clock.now()
    for end in ends:
        call = end.call
        call.state = CallState.REFUSED if end.refused or end.again_at else CallState.FINISHED
        call.outcome, call.ended_at = end.outcome, now
        call.seconds = max(0, min(end.seconds, pricing.LONGEST_SECONDS))
    closed = _settle_contacts(session, ends, campaigns, now)
    ended = [end.call.id for end in ends]
    # The number before the account: renting locks them in this order too.
    touched = sorted({end.call.campaign_id for end in ends})
    over = [campaign_id for campaign_id in touched if finish_campaign(session, campaigns[campaign_id], but=ended)]
    _settle_money(session, [end.call for end in ends])
    for campaign_id, count in closed.items():
        campaigns[campaign_id].contacts_done += count
    ask_locked(session, [campaigns[campaign_id] for campaign_id in touched if campaign_id not in over])
    session.flush()


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


def reap(session: CabSession, call_ids: Collection[int], *, now: datetime) -> int:
    """End overdue calls; returns how many, without those whose end was heard meanwhile. Flushed.

    A lost call costs nothing, answered or not, and nothing that is told of it later changes that (``why_free``).
    """
    calls, campaigns = locked(session, call_ids)
    ends = [End(call, Outcome.LOST) for call in calls if call.ended_at is None and call.deadline_at < now]
    finish(session, ends, campaigns)
    store(session, [end.call for end in ends])
    return len(ends)


def locked(session: CabSession, call_ids: Collection[int]) -> tuple[list[Live], dict[int, Campaign]]:
    """Calls that shall end, with their campaigns, all locked and fresh."""
    wanted = session.scalars(sa.select(Call.campaign_id).where(Call.id == bulk.any_of(sorted(call_ids)))).all()
    campaigns = lock_campaigns(session, wanted)
    return lock_calls(session, call_ids), campaigns


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


def finish_campaign(session: CabSession, campaign: Campaign, *, but: Sequence[int] = ()) -> bool:
    """End a locked campaign that has nobody left to call, and give its number back. Flushed.

    but  ids of calls that are ending right now
    """
    if campaign.state not in (*UNDER_WAY, CampaignState.PAUSED) or _has_more(session, campaign, but):
        return False
    campaign.state, campaign.wait_reason, campaign.finished_at = CampaignState.FINISHED, None, clock.now()
    session.flush()
    release_campaign(session, campaign.id)
    return True


def _has_more(session: CabSession, campaign: Campaign, but: Sequence[int]) -> bool:
    """Whether anybody is due some day, or being called: two looks into small indexes."""
    waiting = sa.exists().where(
        Contact.campaign_id == campaign.id, Contact.state.in_((ContactState.NEW, ContactState.WAITING))
    )
    open_call = sa.exists().where(
        Call.customer_id == campaign.customer_id,
        Call.campaign_id == campaign.id,
        Call.ended_at.is_(None),
        Call.id != bulk.all_of(but),
    )
    return bool(session.scalar(sa.select(sa.or_(waiting, open_call))))


def _settle_contacts(
    session: CabSession, ends: Sequence[End], campaigns: Mapping[int, Campaign], now: datetime
) -> Counter[int]:
    """Write down what becomes of the contacts; returns how many of each campaign are done with."""
    by_contact = {end.call.contact_id: end for end in ends}
    rows = session.execute(
        sa.select(Contact.id, Contact.state, Contact.attempts)
        .where(Contact.id == bulk.any_of(sorted(by_contact)))
        .order_by(Contact.id)
        .with_for_update(key_share=True)
    )
    fates, closed = [], Counter[int]()
    for contact_id, state, attempts in rows:
        end = by_contact[contact_id]
        if state in CLOSED:
            continue
        fate = _fate(end, campaigns[end.call.campaign_id], attempts, now)
        fates.append(fate)
        closed[end.call.campaign_id] += fate.state in CLOSED
    write_fates(session, fates)
    return closed


def _fate(end: End, campaign: Campaign, attempts: int, now: datetime) -> Fate:
    contact_id, outcome = end.call.contact_id, end.outcome.value
    if end.refused:
        return Fate(contact_id, ContactState.REFUSED, end.refused[:32], attempts, now)
    if end.again_at is not None:
        return Fate(contact_id, ContactState.WAITING, outcome, attempts, end.again_at)
    attempts += 1
    delay = retry.next_try(campaign, end.outcome, attempts)
    if delay is not None:
        return Fate(contact_id, ContactState.WAITING, outcome, attempts, now + delay)
    return Fate(contact_id, ContactState.DONE, outcome, attempts, now)


def write_fates(session: CabSession, fates: Sequence[Fate]) -> None:
    """Change locked contacts, one statement."""
    if not fates:
        return
    new = bulk.rows(
        "new",
        id=(bulk.NUMBER, [fate.contact_id for fate in fates]),
        state=(bulk.TEXT, [fate.state.value for fate in fates]),
        outcome=(bulk.TEXT, [fate.outcome for fate in fates]),
        attempts=(bulk.COUNT, [fate.attempts for fate in fates]),
        next_at=(bulk.MOMENT, [fate.next_at for fate in fates]),
    )
    session.execute(
        sa.update(Contact)
        .where(Contact.id == new.c.id)
        .values({column.name: column for column in new.c if column.name != "id"})
        .execution_options(synchronize_session=False)
    )


def _settle_money(session: CabSession, calls: Sequence[Live]) -> None:
    """Charge what the calls cost by the terms they were recorded under. A reservation that ran out before the end was
    heard is gone: the money was given back, nothing is taken now."""
    held = [call for call in calls if call.reservation_id is not None]
    if not held:
        return
    accounts = ledger.lock_accounts(session, [call.customer_id for call in held])
    bills = [reservation.Bill(int(call.reservation_id or 0), _price(call), call.id) for call in held]
    taken = reservation.settle(session, accounts, bills, kind=EntryKind.CALL, cause="call")
    for call in held:
        call.cost = taken.get(int(call.reservation_id or 0), Decimal(0))


def _price(call: Live) -> Decimal:
    if call.terms is None or call.outcome is None:
        return pricing.NOTHING
    return pricing.price(pricing.read_terms(call.terms), call.outcome, call.seconds)
