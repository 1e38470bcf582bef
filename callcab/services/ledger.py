"""Money: the only code that moves a balance (design §2.2).

Each entry moves ``customer.balance`` in the same statement order and transaction: the conditional UPDATE decides, its
RETURNING gives ``balance_after``. A repeated idempotency key changes nothing and gives back the first entry.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.errors import Conflict, Invalid, LimitReached, NotFound
from callcab.models import Account, Customer, EntryKind, LedgerEntry, Reservation, ReservationState
from callcab.services import bulk

RESERVATION_LIFE = timedelta(hours=2)
# Keeps one customer's balance within NUMERIC(14, 2) with room to spare.
LARGEST_AMOUNT = Decimal("1000000000.00")


def post(
    session: CabSession,
    *,
    customer_id: int,
    kind: EntryKind,
    account: Account,
    amount: Decimal,
    key: str,
    cause: str,
    cause_id: int | None = None,
    reverses_id: int | None = None,
) -> LedgerEntry:
    """Transfer ``amount`` roubles from ``account`` to the customer (negative: back); flushed.

    key     idempotency key, unique over all customers; a repeat with the same amount returns the first entry
    raises  LimitReached("balance.low") when the balance would fall under the credit limit, reservations counted;
            NotFound for an unknown customer; Conflict("ledger.key_reused") for a key with another amount;
            Conflict("ledger.already_reversed") when the entry was reversed before
    """
    _check_amount(amount)
    # The customer's row is locked first: entries of one customer are in line, so balance_after follows entry by entry.
    customer = _lock(session, customer_id)
    known = session.scalar(sa.select(LedgerEntry).where(LedgerEntry.idempotency_key == key))
    if known is not None:
        if known.customer_id != customer_id or known.amount != amount:
            raise Conflict("ledger.key_reused")
        return known
    if reverses_id is not None and session.scalar(
        sa.select(LedgerEntry.id).where(LedgerEntry.reverses_id == reverses_id)
    ):
        raise Conflict("ledger.already_reversed")
    balance = _move(session, customer, amount)
    entry = LedgerEntry(
        customer_id=customer_id,
        kind=kind,
        account=account,
        amount=amount,
        balance_after=balance,
        idempotency_key=key,
        cause=cause,
        cause_id=cause_id,
        reverses_id=reverses_id,
    )
    session.add(entry)
    session.flush()
    return entry


def reverse(session: CabSession, entry: LedgerEntry, *, cause: str, cause_id: int | None = None) -> LedgerEntry:
    """Undo an entry by its opposite, once; flushed. Raises as ``post``."""
    if entry.kind is EntryKind.REVERSAL:
        raise Invalid("ledger.reversal_of_reversal")
    return post(
        session,
        customer_id=entry.customer_id,
        kind=EntryKind.REVERSAL,
        account=entry.account,
        amount=-entry.amount,
        key=f"reversal:{entry.id}",
        cause=cause,
        cause_id=cause_id,
        reverses_id=entry.id,
    )


def reserve(
    session: CabSession, *, customer_id: int, amount: Decimal, key: str, cause: str, cause_id: int | None = None
) -> Reservation:
    """Hold ``amount`` ≥ 0 for a call about to be dialled; flushed. Raises LimitReached("balance.low")."""
    if amount < 0:
        raise Invalid("amount.negative", field="amount")
    customer = _lock(session, customer_id)
    known = session.scalar(sa.select(Reservation).where(Reservation.idempotency_key == key))
    if known is not None:
        return known
    if customer.balance - customer.reserved + customer.credit_limit < amount:
        raise LimitReached("balance.low", available=customer.available)
    customer.reserved += amount
    reservation = Reservation(
        customer_id=customer_id,
        amount=amount,
        idempotency_key=key,
        cause=cause,
        cause_id=cause_id,
        expires_at=clock.now() + RESERVATION_LIFE,
    )
    session.add(reservation)
    session.flush()
    return reservation


def settle(
    session: CabSession, reservation_id: int, *, amount: Decimal, kind: EntryKind, cause: str, cause_id: int | None
) -> LedgerEntry | None:
    """Close a reservation with what the call cost (0 … reserved), once; flushed.

    Returns the entry, or None when it cost nothing. A second settlement returns what the first one made. Conflict
    ("reservation.released") when the money was given back meanwhile: the caller must reserve anew.
    """
    reservation = _open_reservation(session, reservation_id)
    if reservation.state is ReservationState.RELEASED:
        raise Conflict("reservation.released")
    key = f"settle:{reservation.id}"
    if reservation.state is ReservationState.SETTLED:
        return session.scalar(sa.select(LedgerEntry).where(LedgerEntry.idempotency_key == key))
    if not 0 <= amount <= reservation.amount:
        raise Invalid("reservation.amount_outside", field="amount")
    _close(session, reservation, ReservationState.SETTLED, amount)
    if amount == 0:
        return None
    return post(
        session,
        customer_id=reservation.customer_id,
        kind=kind,
        account=Account.REVENUE,
        amount=-amount,
        key=key,
        cause=cause,
        cause_id=cause_id,
    )


def release(session: CabSession, reservation_id: int) -> bool:
    """Give a reservation back untouched; False when it was closed before. Flushed."""
    reservation = _open_reservation(session, reservation_id)
    if reservation.state is not ReservationState.OPEN:
        return False
    _close(session, reservation, ReservationState.RELEASED, Decimal("0"))
    return True


def release_expired(session: CabSession, *, now: datetime, limit: int = 500) -> int:
    """Give back reservations that nobody closed in time (a lost call); returns how many. For the timetable."""
    due = session.scalars(
        sa.select(Reservation.id)
        .where(Reservation.state == ReservationState.OPEN, Reservation.expires_at < now)
        .order_by(Reservation.expires_at)
        .limit(limit)
    ).all()
    return sum(release(session, reservation_id) for reservation_id in due)


def discrepancies(session: CabSession) -> list[dict[str, object]]:
    """Customers whose balance or reserve is not the sum of entries or open reservations; empty when all is well."""
    entries = (
        sa.select(LedgerEntry.customer_id, sa.func.sum(LedgerEntry.amount).label("total"))
        .group_by(LedgerEntry.customer_id)
        .subquery()
    )
    held = (
        sa.select(Reservation.customer_id, sa.func.sum(Reservation.amount).label("total"))
        .where(Reservation.state == ReservationState.OPEN)
        .group_by(Reservation.customer_id)
        .subquery()
    )
    posted = sa.func.coalesce(entries.c.total, 0)
    reserved = sa.func.coalesce(held.c.total, 0)
    rows = session.execute(
        sa.select(Customer.id, Customer.balance, posted, Customer.reserved, reserved)
        .outerjoin(entries, entries.c.customer_id == Customer.id)
        .outerjoin(held, held.c.customer_id == Customer.id)
        .where(sa.or_(Customer.balance != posted, Customer.reserved != reserved))
    )
    names = ("customer_id", "balance", "entries", "reserved", "reservations")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _check_amount(amount: Decimal) -> None:
    if amount == 0:
        raise Invalid("amount.zero", field="amount")
    if abs(amount) > LARGEST_AMOUNT:
        raise Invalid("amount.too_large", field="amount", limit=LARGEST_AMOUNT)


def lock_accounts(session: CabSession, customer_ids: Iterable[int]) -> dict[int, Customer]:
    """Customers by id, locked in one order and fresh; unknown ones are left out.

    The lock lets others refer to the row meanwhile: a new call or event of his needs no turn.
    """
    wanted = sorted(set(customer_ids))
    statement = (
        sa.select(Customer)
        .where(Customer.id == bulk.any_of(wanted))
        .order_by(Customer.id)
        .with_for_update(of=Customer, key_share=True)
        .execution_options(populate_existing=True)
    )
    session.flush()
    return {customer.id: customer for customer in session.scalars(statement)}


def _lock(session: CabSession, customer_id: int) -> Customer:
    customer = lock_accounts(session, (customer_id,)).get(customer_id)
    if customer is None:
        raise NotFound("customer.not_found")
    return customer


def _move(session: CabSession, customer: Customer, amount: Decimal) -> Decimal:
    room = Customer.balance + amount - Customer.reserved + Customer.credit_limit
    statement = (
        sa.update(Customer)
        .where(Customer.id == customer.id)
        .values(balance=Customer.balance + amount)
        .returning(Customer.balance)
        .execution_options(synchronize_session=False)
    )
    if amount < 0:
        statement = statement.where(room >= 0)
    balance = session.scalar(statement)
    if balance is None:
        raise LimitReached("balance.low", available=customer.available)
    session.refresh(customer, ["balance"])
    return Decimal(balance)


def _open_reservation(session: CabSession, reservation_id: int) -> Reservation:
    # Lock order is always customer, then reservation, so that two settlements can't wait for each other.
    customer_id = session.scalar(sa.select(Reservation.customer_id).where(Reservation.id == reservation_id))
    if customer_id is None:
        raise NotFound("reservation.not_found")
    _lock(session, customer_id)
    return session.scalars(
        sa.select(Reservation)
        .where(Reservation.id == reservation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _close(session: CabSession, reservation: Reservation, state: ReservationState, settled: Decimal) -> None:
    customer = session.get_one(Customer, reservation.customer_id)
    customer.reserved -= reservation.amount
    reservation.state = state
    reservation.settled_amount = settled
    reservation.closed_at = clock.now()
    session.flush()
