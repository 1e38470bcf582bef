"""What must hold of campaigns that are over, whatever was killed meanwhile: calls, contacts, money and numbers agree.

For every test that drives whole campaigns, with the simulator or with real lines.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.models import (
    Call,
    CallEvent,
    CallState,
    Campaign,
    CampaignState,
    Contact,
    ContactState,
    EntryKind,
    LedgerEntry,
    NumberLease,
    NumberState,
    PhoneNumber,
    Reservation,
    ReservationState,
)
from callcab.services import ledger, pricing


def complaints(session: CabSession, campaign_ids: Iterable[int], dialled: Sequence[str] = ()) -> list[str]:
    """What is wrong, in sentences; empty when all is well. Needs a system scope.

    dialled  references that the provider says it dialled, one entry for each time
    """
    found = [f"{row} is off the books" for row in ledger.discrepancies(session)]
    found += [f"{name} was dialled {count} times" for name, count in Counter(dialled).items() if count > 1]
    for campaign_id in campaign_ids:
        campaign = session.get_one(Campaign, campaign_id, populate_existing=True)
        found += [f"campaign {campaign_id}: {text}" for text in _of_campaign(session, campaign, set(dialled))]
    busy = sa.select(sa.func.count()).select_from(PhoneNumber).where(PhoneNumber.state == NumberState.BUSY)
    if session.scalar(busy):
        found.append("a number is still busy")
    return found


def _of_campaign(session: CabSession, campaign: Campaign, dialled: set[str]) -> list[str]:
    found = []
    if campaign.state is not CampaignState.FINISHED:
        found.append(f"it is {campaign.state}: {campaign.wait_reason}")
    contacts = session.scalars(sa.select(Contact).where(Contact.campaign_id == campaign.id)).all()
    over = [contact for contact in contacts if contact.state in (ContactState.DONE, ContactState.REFUSED)]
    if not len(contacts) == len(over) == campaign.contacts_done == campaign.contacts_total:
        found.append(f"{len(over)} of {len(contacts)} contacts are done with, it counted {campaign.contacts_done}")
    held = sa.select(NumberLease.id).where(NumberLease.campaign_id == campaign.id, NumberLease.released_at.is_(None))
    if session.scalar(held) is not None:
        found.append("it holds a number")
    return found + _of_calls(session, campaign, {contact.id: contact for contact in contacts}, dialled)


def _of_calls(session: CabSession, campaign: Campaign, contacts: dict[int, Contact], dialled: set[str]) -> list[str]:
    calls = session.scalars(sa.select(Call).where(Call.campaign_id == campaign.id).order_by(Call.id)).all()
    found = [f"call {call.id} has not ended" for call in calls if call.ended_at is None or call.outcome is None]
    rung = Counter(call.contact_id for call in calls if call.state is CallState.FINISHED)
    for contact_id, contact in contacts.items():
        if rung[contact_id] != contact.attempts:
            found.append(f"contact {contact_id} was rung {rung[contact_id]} times and counts {contact.attempts}")
        if rung[contact_id] > campaign.max_attempts:
            found.append(f"contact {contact_id} was rung {rung[contact_id]} times, more than allowed")
    told = set(session.scalars(sa.select(CallEvent.provider_ref).where(CallEvent.kind == "placed")))
    for call in calls:
        if call.provider_ref in dialled and (call.state is CallState.REFUSED or call.provider_ref not in told):
            found.append(f"call {call.id} was dialled without having been let through")
    return found + _of_money(session, calls)


def _of_money(session: CabSession, calls: Sequence[Call]) -> list[str]:
    entries = session.execute(
        sa.select(LedgerEntry.cause_id, sa.func.sum(LedgerEntry.amount), sa.func.count())
        .where(LedgerEntry.kind == EntryKind.CALL, LedgerEntry.cause == "call")
        .group_by(LedgerEntry.cause_id)
    )
    paid = {call_id: (-amount, count) for call_id, amount, count in entries}
    reservations = {row.id: row for row in session.scalars(sa.select(Reservation))}
    found = []
    for call in calls:
        amount, count = paid.get(call.id, (Decimal(0), 0))
        if amount != call.cost or count > 1:
            found.append(f"call {call.id} cost {call.cost}, the ledger took {amount} in {count} entries")
        if call.terms is None or call.outcome is None or call.reservation_id is None:
            continue
        price = pricing.price(pricing.read_terms(call.terms), call.outcome, call.seconds)
        if call.cost not in (price, Decimal(0)):
            found.append(f"call {call.id} cost {call.cost} and not {price}")
        reservation = reservations[call.reservation_id]
        if reservation.state is ReservationState.OPEN or reservation.settled_amount != call.cost:
            found.append(f"reservation of call {call.id} is {reservation.state}, settled {reservation.settled_amount}")
    return found
