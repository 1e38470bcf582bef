"""The end of a rental: a letter before it, going on by itself, or giving the number back to the pool."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Range

from callcab.db import CabSession
from callcab.lib.errors import Conflict, Invalid, LimitReached, NotFound
from callcab.models import Customer, CustomerStatus, NumberLease, NumberRental, PhoneNumber
from callcab.scope import Actor
from callcab.services.phone_number.history import locked, note, record
from callcab.services.phone_number.rental import LONGEST, rent_price, store

MACHINE = Actor.system()
# Days before the end of a rental when its customer is written to, the farthest first.
NOTICES = (3, 1)


class Ending(StrEnum):
    """What became of a rental whose time was over."""

    PROLONGED = "prolonged"
    ENDED = "ended"
    NO_MONEY = "no_money"


@dataclass(frozen=True)
class Ended:
    """One rental that came to its end; ``campaign_id`` is the campaign that keeps the number until it is done."""

    number_id: int
    phone: int
    customer_id: int
    ending: Ending
    price: Decimal = Decimal("0")
    campaign_id: int | None = None


def set_prolonging(
    session: CabSession, number_id: int, days: int | None, *, customer_id: int | None, actor: Actor
) -> PhoneNumber:
    """Let a rental go on by itself for so many days each time, or not (None). Flushed, audited.

    customer_id  whose rental it must be; empty for support
    raises       NotFound for a number that is not rented by him, Invalid("rental.days")
    """
    number = locked(session, number_id)
    if number.rented_until is None or (customer_id is not None and number.customer_id != customer_id):
        raise NotFound("number.not_found")
    if days is not None and not 1 <= days <= LONGEST.days:
        raise Invalid("rental.days", field="days", limit=LONGEST.days)
    if number.prolong_days == days:
        return number
    before = number.prolong_days
    number.prolong_days = days
    note(session, number, "prolonging", actor=actor, days=days)
    record(session, "number.prolong", number, actor, {"prolong_days": before}, {"prolong_days": days})
    return number


def due(session: CabSession, *, now: datetime, limit: int = 500) -> list[int]:
    """Numbers whose rental is over. For the timetable."""
    statement = sa.select(PhoneNumber.id).where(PhoneNumber.rented_until <= now)
    return list(session.scalars(statement.order_by(PhoneNumber.id).limit(limit)))


def end(session: CabSession, number_id: int, *, now: datetime) -> Ended | None:
    """Prolong a rental whose time is over, or end it; None when somebody was faster. Flushed.

    A prolongation begins where the last period ended and is charged once, by the key of the period. A campaign that
    calls from the number keeps it until it ends; nobody cuts it off.
    """
    number = session.scalar(
        sa.select(PhoneNumber)
        .where(PhoneNumber.id == number_id, PhoneNumber.rented_until <= now)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if number is None or number.customer_id is None or number.rented_until is None:
        return None
    customer_id, ending = number.customer_id, Ending.ENDED
    if number.prolong_days is not None:
        rental = _prolong(session, number, number.prolong_days)
        if rental is not None:
            return Ended(number.id, number.phone, customer_id, Ending.PROLONGED, rental.price)
        ending = Ending.NO_MONEY
    campaign_id = session.scalar(
        sa.select(NumberLease.campaign_id).where(NumberLease.number_id == number.id, NumberLease.released_at.is_(None))
    )
    note(session, number, "rental_ended", actor=MACHINE, campaign_id=campaign_id, why=ending.value)
    number.customer_id = number.rented_until = number.prolong_days = None
    number.version += 1
    session.flush()
    session.execute(
        sa.update(NumberRental)
        .where(NumberRental.ended_at.is_(None), sa.func.upper(NumberRental.period) <= now)
        .where(NumberRental.number_id == number.id)
        .values(ended_at=now)
    )
    return Ended(number.id, number.phone, customer_id, ending, campaign_id=campaign_id)


def end_rentals(session: CabSession, *, now: datetime, limit: int = 500) -> int:
    """End or prolong every rental whose time is over, in one transaction; returns how many came to their end."""
    return sum(end(session, number_id, now=now) is not None for number_id in due(session, now=now, limit=limit))


def _prolong(session: CabSession, number: PhoneNumber, days: int) -> NumberRental | None:
    """The next period of a locked number; None when it can't be paid for or the customer is blocked."""
    start, customer_id = number.rented_until, number.customer_id
    assert start is not None and customer_id is not None  # noqa: S101 - the caller looked
    customer = session.get_one(Customer, customer_id)
    if customer.status is CustomerStatus.BLOCKED:
        return None
    until = start + timedelta(days=days)
    try:
        with session.begin_nested():
            price = rent_price(customer.tariff, start, until)
            return store(session, number, customer_id, Range(start, until), price, MACHINE)
    except (LimitReached, Conflict):
        session.refresh(number)
        return None


@dataclass(frozen=True)
class Notice:
    """A rental that ends soon; ``price`` is that of the next period when it goes on by itself."""

    number_id: int
    phone: int
    customer_id: int
    until: datetime
    price: Decimal | None


def notices(session: CabSession, *, now: datetime, limit: int = 500) -> dict[int, list[Notice]]:
    """Rentals to write about now, by customer; each is given out once per day of NOTICES. Flushed.

    Write the letter in the same transaction. A rental not longer than the notice itself gets none: it was just bought.
    """
    found: dict[int, list[Notice]] = {}
    for days in reversed(NOTICES):
        for rental_id in _claim(session, days, now, limit):
            item = _notice(session, rental_id)
            if item is not None:
                found.setdefault(item.customer_id, []).append(item)
    return found


def _claim(session: CabSession, days: int, now: datetime, limit: int) -> Sequence[int]:
    start, end = sa.func.lower(NumberRental.period), sa.func.upper(NumberRental.period)
    span = timedelta(days=days)
    due_ids = (
        sa.select(NumberRental.id)
        .join(PhoneNumber, PhoneNumber.id == NumberRental.number_id)
        .where(PhoneNumber.rented_until == end, PhoneNumber.rented_until.between(now, now + span))
        .where(PhoneNumber.customer_id == NumberRental.customer_id, NumberRental.ended_at.is_(None))
        .where(sa.or_(NumberRental.noticed_days.is_(None), NumberRental.noticed_days > days), end - start > span)
        .order_by(NumberRental.id)
        .limit(limit)
        .with_for_update(of=NumberRental, skip_locked=True)
    )
    claimed = sa.update(NumberRental).where(NumberRental.id.in_(due_ids)).values(noticed_days=days)
    return session.scalars(claimed.returning(NumberRental.id).execution_options(synchronize_session=False)).all()


def _notice(session: CabSession, rental_id: int) -> Notice | None:
    rental = session.get_one(NumberRental, rental_id, populate_existing=True)
    number = session.get_one(PhoneNumber, rental.number_id)
    until = rental.period.upper
    if until is None:
        return None
    price = None
    if number.prolong_days is not None:
        customer = session.get_one(Customer, rental.customer_id)
        price = rent_price(customer.tariff, until, until + timedelta(days=number.prolong_days))
    return Notice(number.id, number.phone, rental.customer_id, until, price)
