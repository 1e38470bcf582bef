"""Money of many calls at once: held before they are dialled, settled when they end (design §2.2).

A handful of statements, however many calls: the account's row is locked once. One call at a time: ``ledger.reserve``
and ``ledger.settle``, with the same rules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.errors import Invalid
from callcab.models import Account, Customer, EntryKind, LedgerEntry, Reservation, ReservationState
from callcab.services import bulk
from callcab.services.ledger import RESERVATION_LIFE


def enough_for(customer: Customer, amount: Decimal, wanted: int) -> int:
    """For how many of ``wanted`` calls the money of a locked account lasts, ``amount`` roubles each."""
    return min(wanted, max(0, int(customer.available // amount))) if amount else wanted


def hold(
    session: CabSession, customer: Customer, *, amount: Decimal, keys: Mapping[int, str], cause: str
) -> dict[int, int]:
    """Hold ``amount`` ≥ 0 roubles for each of ``keys`` (cause's id: idempotency key), as far as the money goes.

    Flushed. The account is locked already (``ledger.lock_accounts``), and the keys are new. Returns the reservations'
    ids by cause's id; those at the end of ``keys`` for which no money is left are missing.
    """
    taken = list(keys.items())[: enough_for(customer, amount, len(keys))]
    if not taken:
        return {}
    now = clock.now()
    wanted = bulk.rows(
        "wanted",
        cause_id=(bulk.NUMBER, [cause_id for cause_id, _ in taken]),
        key=(bulk.TEXT, [key for _, key in taken]),
    )
    values: dict[str, Any] = {
        "customer_id": sa.literal(customer.id, bulk.NUMBER),
        "amount": sa.literal(amount, bulk.MONEY),
        "settled_amount": sa.literal(Decimal(0), bulk.MONEY),
        "state": sa.literal(ReservationState.OPEN.value),
        "idempotency_key": wanted.c.key,
        "cause": sa.literal(cause),
        "cause_id": wanted.c.cause_id,
        "expires_at": sa.literal(now + RESERVATION_LIFE, bulk.MOMENT),
        "created_at": sa.literal(now, bulk.MOMENT),
    }
    made = session.execute(
        insert(Reservation)
        .from_select(list(values), sa.select(*values.values()))
        .returning(Reservation.cause_id, Reservation.id)
    )
    held = {row.cause_id: row.id for row in made}
    customer.reserved += amount * len(held)
    session.flush()
    return held


class Bill(NamedTuple):
    """What a reservation is settled with: 0 … the amount held."""

    reservation_id: int
    amount: Decimal
    cause_id: int


@dataclass
class _Till:
    """What the bills of one customer come to: rows to write, and his money after them."""

    customer: Customer
    closed: list[Bill] = field(default_factory=list)
    paid: list[tuple[Bill, Decimal]] = field(default_factory=list)
    freed: Decimal = Decimal(0)

    def take(self, bill: Bill, held: Decimal) -> None:
        if not 0 <= bill.amount <= held:
            raise Invalid("reservation.amount_outside", field="amount")
        self.closed.append(bill)
        self.freed += held
        if bill.amount:
            before = self.paid[-1][1] if self.paid else self.customer.balance
            self.paid.append((bill, before - bill.amount))


def settle(
    session: CabSession, accounts: Mapping[int, Customer], bills: Sequence[Bill], *, kind: EntryKind, cause: str
) -> dict[int, Decimal]:
    """Close open reservations of locked accounts with what each cost, once. Flushed.

    Returns what was taken by reservation; one that is closed already is left as it is and is missing. Raises
    Invalid("reservation.amount_outside").
    """
    by_id = {bill.reservation_id: bill for bill in bills}
    held = session.execute(
        sa.select(Reservation.id, Reservation.customer_id, Reservation.amount)
        .where(Reservation.id == bulk.any_of(sorted(by_id)), Reservation.state == ReservationState.OPEN)
        .order_by(Reservation.id)
        .with_for_update()
    )
    tills: dict[int, _Till] = {}
    for row in held:
        till = tills.setdefault(row.customer_id, _Till(accounts[row.customer_id]))
        till.take(by_id[row.id], row.amount)
    closed = [bill for till in tills.values() for bill in till.closed]
    if not closed:
        return {}
    _close(session, closed)
    for till in tills.values():
        till.customer.reserved -= till.freed
        if till.paid:
            till.customer.balance = till.paid[-1][1]
    session.flush()
    _post(session, tills, kind, cause)
    return {bill.reservation_id: bill.amount for bill in closed}


def _close(session: CabSession, closed: Sequence[Bill]) -> None:
    done = bulk.rows(
        "done",
        id=(bulk.NUMBER, [bill.reservation_id for bill in closed]),
        amount=(bulk.MONEY, [bill.amount for bill in closed]),
    )
    session.execute(
        sa.update(Reservation)
        .where(Reservation.id == done.c.id)
        .values(state=ReservationState.SETTLED, settled_amount=done.c.amount, closed_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def _post(session: CabSession, tills: Mapping[int, _Till], kind: EntryKind, cause: str) -> None:
    """The entries, those of one customer in the order of their balances."""
    paid = [(customer_id, bill, after) for customer_id, till in tills.items() for bill, after in till.paid]
    if not paid:
        return
    entry = bulk.rows(
        "entry",
        customer_id=(bulk.NUMBER, [customer_id for customer_id, _, _ in paid]),
        amount=(bulk.MONEY, [-bill.amount for _, bill, _ in paid]),
        after=(bulk.MONEY, [after for _, _, after in paid]),
        key=(bulk.TEXT, [f"settle:{bill.reservation_id}" for _, bill, _ in paid]),
        cause_id=(bulk.NUMBER, [bill.cause_id for _, bill, _ in paid]),
    )
    values: dict[str, Any] = {
        "customer_id": entry.c.customer_id,
        "kind": sa.literal(kind.value),
        "account": sa.literal(Account.REVENUE.value),
        "amount": entry.c.amount,
        "balance_after": entry.c.after,
        "idempotency_key": entry.c.key,
        "cause": sa.literal(cause),
        "cause_id": entry.c.cause_id,
        "created_at": sa.literal(clock.now(), bulk.MOMENT),
    }
    session.execute(insert(LedgerEntry).from_select(list(values), sa.select(*values.values())))
