"""A shared number for one customer until a date, paid in advance by started days."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from math import ceil

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.errors import Conflict, Forbidden, Invalid, NotFound
from callcab.models import (
    Account,
    Customer,
    CustomerStatus,
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
from callcab.services import ledger
from callcab.services.phone_number.history import locked, note, record

LONGEST = timedelta(days=366)
_DAY = timedelta(days=1)
# Periods that a customer chooses from, in days.
PERIODS = (1, 7, 30, 90, 180, 365)


def rent_price(tariff: Tariff, start: datetime, until: datetime) -> Decimal:
    """Price of the days from ``start`` to ``until``, each started day in full; rounded to kopecks once."""
    return days_price(tariff.rental_day_price, ceil((until - start) / _DAY))


def days_price(day_price: Decimal, days: int) -> Decimal:
    """Whole kopecks, half up."""
    return (day_price * days).quantize(Decimal("0.01"), ROUND_HALF_UP)


@dataclass(frozen=True)
class Offer:
    """A period that a customer may rent a number for, from now or from the end of his present rental."""

    days: int
    until: datetime
    price: Decimal


def offers(number: PhoneNumber, tariff: Tariff) -> list[Offer]:
    """What each period of PERIODS costs now."""
    start = _start(number)
    ends = [(days, start + timedelta(days=days)) for days in PERIODS]
    return [Offer(days, until, rent_price(tariff, start, until)) for days, until in ends]


def _start(number: PhoneNumber) -> datetime:
    return max(number.rented_until or clock.now(), clock.now())


@dataclass(frozen=True)
class Seen:
    """What a person saw before he agreed: until when the number is rented already, and the sum."""

    rented_until: datetime | None
    price: Decimal


def rent(
    session: CabSession,
    *,
    number_id: int,
    customer_id: int,
    until: datetime,
    actor: Actor,
    seen: Seen | None = None,
) -> NumberRental:
    """Rent a number to a customer from now, or from the end of his present rental; charged at once. Flushed.

    Needs a system or staff scope: a customer may not write the pool's rows.
    seen    what the person agreed to; anything else now, as after a double click, is refused
    raises  NotFound, Conflict("number.rented"), Conflict("number.busy") while another customer's campaign uses it,
            Invalid("number.not_shared"), Invalid("number.blocked"), Invalid("rental.until"),
            Forbidden("customer.blocked"), Conflict("rental.changed"), LimitReached("balance.low")
    """
    number = locked(session, number_id)
    customer = session.get(Customer, customer_id)
    if customer is None:
        raise NotFound("customer.not_found")
    if customer.status is CustomerStatus.BLOCKED:
        raise Forbidden("customer.blocked", reason=customer.block_reason)
    _check_number(session, number, customer_id)
    if seen is not None and seen.rented_until != number.rented_until:
        raise Conflict("rental.changed")
    start = _start(number)
    if not start < until <= start + LONGEST:
        raise Invalid("rental.until", field="until")
    price = rent_price(customer.tariff, start, until)
    if seen is not None and seen.price != price:
        raise Conflict("rental.changed")
    return store(session, number, customer_id, Range(start, until), price, actor)


def rent_days(
    session: CabSession, *, number_id: int, customer_id: int, days: int, seen: Seen, actor: Actor
) -> NumberRental:
    """Rent a number for one of PERIODS, at the price that was seen. Flushed.

    raises  as ``rent``, and Invalid("rental.days")
    """
    if days not in PERIODS:
        raise Invalid("rental.days", field="days", limit=LONGEST.days)
    until = _start(locked(session, number_id)) + timedelta(days=days)
    return rent(session, number_id=number_id, customer_id=customer_id, until=until, actor=actor, seen=seen)


def store(
    session: CabSession, number: PhoneNumber, customer_id: int, period: Range[datetime], price: Decimal, actor: Actor
) -> NumberRental:
    """Write a rental down and charge it: once, since no two of a number overlap. Flushed. Raises as ``rent``."""
    rental = NumberRental(number_id=number.id, customer_id=customer_id, period=period, price=price)
    try:
        with session.begin_nested():
            session.add(rental)
            session.flush()
    except IntegrityError:
        raise Conflict("number.rented") from None
    if price:
        rental.ledger_entry_id = _charge(session, rental).id
    until = period.upper
    assert until is not None  # noqa: S101 - every rental has an end
    before = {"customer_id": number.customer_id, "rented_until": number.rented_until}
    number.customer_id = customer_id
    number.rented_until = until
    note(session, number, "rented", actor=actor, until=until.isoformat(), price=str(price))
    after = {"customer_id": customer_id, "rented_until": until, "price": price}
    record(session, "number.rent", number, actor, before, after)
    return rental


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


def take_back(
    session: CabSession, number: PhoneNumber, *, customer_id: int | None, until: datetime | None, actor: Actor
) -> None:
    """Undo the last rental of a locked number: its price is reversed whole, the number is held as before. Flushed.

    customer_id, until   who had it before and until when
    raises  Conflict("operation.changed_since") when it was rented or ended since, Conflict("number.busy")
    """
    rental = session.scalar(
        sa.select(NumberRental)
        .where(NumberRental.number_id == number.id, NumberRental.ended_at.is_(None))
        .where(sa.func.upper(NumberRental.period) == number.rented_until)
        .with_for_update()
    )
    if rental is None:
        raise Conflict("operation.changed_since")
    if number.state is NumberState.BUSY and customer_id is None:
        raise Conflict("number.busy")
    if rental.ledger_entry_id is not None:
        charged = session.get_one(LedgerEntry, rental.ledger_entry_id)
        ledger.reverse(session, charged, cause="number_rental", cause_id=rental.id)
    rental.ended_at = clock.now()
    before = {"customer_id": number.customer_id, "rented_until": number.rented_until, "price": rental.price}
    # While the renter is still the one who sees it.
    note(session, number, "undone", actor=actor)
    record(session, "operation.undo", number, actor, before, {"customer_id": customer_id, "rented_until": until})
    number.customer_id, number.rented_until = customer_id, until
    if until is None:
        number.prolong_days = None
    session.flush()


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
