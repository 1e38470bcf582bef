"""A shared number belongs to one campaign until it ends; who gets it is decided by the database."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.models import Campaign, Customer, NumberKind, NumberLease, NumberState, PhoneNumber
from callcab.scope import Actor
from callcab.services.phone_number import region
from callcab.services.phone_number.history import note

MACHINE = Actor.system()


@dataclass(frozen=True)
class Caller:
    """The number a campaign calls from; duty and personal numbers are used without a lease.

    kind  shared, rented, duty or personal: calls from each may have a price of their own
    """

    number_id: int
    phone: int
    kind: str
    lease_id: int | None = None


def find_caller(session: CabSession, campaign: Campaign) -> Caller | None:
    """The number that the campaign holds or may use right now, without taking one; None when it has none."""
    held = session.execute(
        sa.select(NumberLease.id, PhoneNumber.id, PhoneNumber.phone, PhoneNumber.rented_until)
        .join(PhoneNumber, PhoneNumber.id == NumberLease.number_id)
        .where(NumberLease.campaign_id == campaign.id, NumberLease.released_at.is_(None))
        .where(PhoneNumber.state != NumberState.BLOCKED)
    ).first()
    if held is not None:
        return Caller(held[1], held[2], _shared_kind(held[3]), held[0])
    own = session.get(PhoneNumber, campaign.own_number_id) if campaign.own_number_id else None
    return _without_lease(own, campaign.customer_id) if own is not None else None


def lease(session: CabSession, campaign: Campaign) -> Caller | None:
    """The campaign's number, taking one when it has none; None when none is free. Flushed.

    A number chosen by the customer is the only one taken; else a free one that he rents, else a free one of the pool,
    the longest unused first, one of the callees' region before others when the tariff says so. Resting numbers are
    left alone. Needs a system scope: the pool belongs to nobody.
    """
    found = find_caller(session, campaign)
    if found is not None:
        return found
    number = session.scalar(_best_for(session, campaign).limit(1).with_for_update(skip_locked=True))
    if number is None:
        return None
    # Clocks of two machines may differ: a lease never begins before the last one of the number ended.
    ended = session.scalar(sa.select(sa.func.max(NumberLease.released_at)).where(NumberLease.number_id == number.id))
    now = max(clock.now(), ended) if ended else clock.now()
    taken = NumberLease(number_id=number.id, campaign_id=campaign.id, customer_id=campaign.customer_id, taken_at=now)
    session.add(taken)
    number.state = NumberState.BUSY
    number.busy_at = now
    note(session, number, "taken", actor=MACHINE, customer_id=campaign.customer_id, campaign_id=campaign.id)
    session.flush()
    return Caller(number.id, number.phone, _shared_kind(number.rented_until), taken.id)


def is_available(session: CabSession, campaign: Campaign) -> bool:
    """Whether the campaign has a number or would get one right now; reads only."""
    if find_caller(session, campaign) is not None:
        return True
    return session.scalar(_free_for(campaign).with_only_columns(PhoneNumber.id).limit(1)) is not None


def release_campaign(session: CabSession, campaign_id: int) -> int:
    """Give back what a campaign holds; returns how many numbers. Flushed; a second call does nothing."""
    held = session.scalars(
        sa.select(NumberLease).where(NumberLease.campaign_id == campaign_id, NumberLease.released_at.is_(None))
    ).all()
    for taken in held:
        number = session.scalars(
            sa.select(PhoneNumber)
            .where(PhoneNumber.id == taken.number_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).one()
        give_back(session, number, taken, actor=MACHINE)
    return len(held)


def give_back(session: CabSession, number: PhoneNumber, taken: NumberLease, *, actor: Actor) -> None:
    """End a lease of a number that is locked; a blocked number stays blocked. Flushed."""
    taken.released_at = max(clock.now(), taken.taken_at)
    if number.state is NumberState.BUSY:
        number.state = NumberState.FREE
    note(session, number, "released", actor=actor, customer_id=taken.customer_id, campaign_id=taken.campaign_id)
    session.flush()


def is_resting(number: PhoneNumber) -> bool:
    return number.rests_until is not None and number.rests_until > clock.now()


def awake() -> sa.ColumnElement[bool]:
    """The condition of a number that does not rest."""
    return sa.or_(PhoneNumber.rests_until.is_(None), PhoneNumber.rests_until <= clock.now())


def _without_lease(own: PhoneNumber, customer_id: int) -> Caller | None:
    duty = own.kind is NumberKind.DUTY and own.state is NumberState.FREE and not is_resting(own)
    personal = own.kind is NumberKind.PERSONAL and own.customer_id == customer_id and own.state is NumberState.VERIFIED
    return Caller(own.id, own.phone, own.kind.value) if duty or personal else None


def _shared_kind(rented_until: datetime | None) -> str:
    return "rented" if rented_until is not None else NumberKind.SHARED.value


def _free_for(campaign: Campaign) -> sa.Select[PhoneNumber]:
    rented = PhoneNumber.customer_id == campaign.customer_id
    free = sa.select(PhoneNumber).where(PhoneNumber.kind == NumberKind.SHARED, PhoneNumber.state == NumberState.FREE)
    free = free.where(sa.or_(rented, PhoneNumber.customer_id.is_(None)), awake())
    if campaign.own_number_id is not None:
        return free.where(PhoneNumber.id == campaign.own_number_id)
    return free


def _best_for(session: CabSession, campaign: Campaign) -> sa.Select[PhoneNumber]:
    """The numbers that the campaign may take, the best one first."""
    order: list[sa.ColumnElement[bool]] = [PhoneNumber.customer_id.is_(None)]
    codes = _wanted_codes(session, campaign) if campaign.own_number_id is None else ()
    if codes:
        order.append(sa.func.div(PhoneNumber.phone, region.PER_CODE).not_in(codes))
    return _free_for(campaign).order_by(*order, PhoneNumber.busy_at.nulls_first(), PhoneNumber.id)


def _wanted_codes(session: CabSession, campaign: Campaign) -> tuple[int, ...]:
    customer = session.get_one(Customer, campaign.customer_id)
    if not customer.tariff.match_region or not is_available(session, campaign):
        return ()
    return region.main_codes(session, campaign.id)
