"""A shared number for one customer until a date, paid in advance by started days."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from math import ceil

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.errors import Conflict, Invalid, NotFound
from callcab.models import (
    Account,
    Customer,
    EntryKind,
    LedgerEntry,
    NumberKind,
    NumberLease,
    NumberRental,
    NumberState,
    PhoneNumber,
    Tariff,
)
from callcab.scope import Actor
from callcab.services import audit, ledger
from callcab.services.phone_number.history import locked, note

LONGEST = timedelta(days=366)
_DAY = timedelta(days=1)


def rent_price(tariff: Tariff, start: datetime, until: datetime) -> Decimal:
    """Price of the days from ``start`` to ``until``, each started day in full; rounded to kopecks once."""
    days = ceil((until - start) / _DAY)
    return (tariff.rental_day_price * days).quantize(Decimal("0.01"), ROUND_HALF_UP)


def rent(session: CabSession, *, number_id: int, customer_id: int, until: datetime, actor: Actor) -> NumberRental:
    """Rent a number to a customer from now, or from the end of his present rental; charged at once. Flushed.

    raises  NotFound, Conflict("number.rented"), Conflict("number.busy") while another customer's campaign uses it,
            Invalid("number.not_shared"), Invalid("number.blocked"), Invalid("rental.until"),
            LimitReached("balance.low")
    """
    number = locked(session, number_id)
    customer = session.get(Customer, customer_id)
    if customer is None:
        raise NotFound("customer.not_found")
    _check_number(session, number, customer_id)
    start = max(number.rented_until or clock.now(), clock.now())
    if not start < until <= start + LONGEST:
        raise Invalid("rental.until", field="until")
    price = rent_price(customer.tariff, start, until)
    rental = NumberRental(number_id=number.id, customer_id=customer_id, period=Range(start, until), price=price)
    try:
        with session.begin_nested():
            session.add(rental)
            session.flush()
    except IntegrityError:
        raise Conflict("number.rented") from None
    if price:
        rental.ledger_entry_id = _charge(session, rental).id
    before = {"customer_id": number.customer_id, "rented_until": number.rented_until}
    number.customer_id = customer_id
    number.rented_until = until
    number.version += 1
    after = {"customer_id": customer_id, "rented_until": until, "price": price}
    note(session, number, "rented", actor=actor, until=until.isoformat(), price=str(price))
    audit.record(
        session,
        "number.rent",
        actor=actor,
        customer_id=customer_id,
        object_type="phone_number",
        object_id=number.id,
        before=before,
        after=after,
    )
    session.flush()
    return rental


def end_rentals(session: CabSession, *, now: datetime, limit: int = 500) -> int:
    """Give numbers whose rental is over back to the pool; returns how many. For the timetable.

    A campaign that still calls from the number keeps it until it ends.
    """
    numbers = session.scalars(
        sa.select(PhoneNumber)
        .where(PhoneNumber.rented_until <= now)
        .order_by(PhoneNumber.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for number in numbers:
        note(session, number, "rental_ended", actor=Actor.system())
        number.customer_id = None
        number.rented_until = None
        number.version += 1
    if numbers:
        session.flush()
        session.execute(
            sa.update(NumberRental)
            .where(NumberRental.ended_at.is_(None), sa.func.upper(NumberRental.period) <= now)
            .where(NumberRental.number_id.in_([number.id for number in numbers]))
            .values(ended_at=now)
        )
    return len(numbers)


def _check_number(session: CabSession, number: PhoneNumber, customer_id: int) -> None:
    if number.kind is not NumberKind.SHARED:
        raise Invalid("number.not_shared")
    if number.state is NumberState.BLOCKED:
        raise Invalid("number.blocked")
    if number.customer_id not in (None, customer_id):
        raise Conflict("number.rented")
    user = session.scalar(
        sa.select(NumberLease.customer_id).where(NumberLease.number_id == number.id, NumberLease.released_at.is_(None))
    )
    if user not in (None, customer_id):
        raise Conflict("number.busy")


def _charge(session: CabSession, rental: NumberRental) -> LedgerEntry:
    return ledger.post(
        session,
        customer_id=rental.customer_id,
        kind=EntryKind.RENTAL,
        account=Account.REVENUE,
        amount=-rental.price,
        key=f"rental:{rental.id}",
        cause="number_rental",
        cause_id=rental.id,
    )


def end_of_day(day: datetime) -> datetime:
    """The last moment of a local day, as UTC: a rental «до 31.12» includes that day."""
    return (day.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY).astimezone(UTC)
