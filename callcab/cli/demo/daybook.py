"""Thousands of payments and calls, written in bulk: the one part of the demo that goes past the services.

It writes what the services would have written (entry with running balance, settled reservation, payment, call), one
customer and morning at a time; the test of the demo proves that balances equal their entries.
"""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm.attributes import set_committed_value

from callcab.db import CabSession
from callcab.models import (
    Account,
    Call,
    CallState,
    Customer,
    EntryKind,
    LedgerEntry,
    Outcome,
    Payment,
    PaymentKind,
    PaymentMethod,
    Reservation,
    ReservationState,
)
from callcab.services import pricing
from callcab.services.ledger import RESERVATION_LIFE


@dataclass(frozen=True)
class Paid:
    """A movement of money by itself."""

    at: datetime
    kind: PaymentKind
    method: PaymentMethod
    amount: Decimal
    account: Account
    receipt_url: str | None = None
    reason: str = ""
    external_id: str | None = None


@dataclass(frozen=True)
class Called:
    """A call that is over; ``seconds`` talked, ``ring`` before that. Refused ones have no ``from_phone``."""

    at: datetime
    campaign_id: int
    contact_id: int
    attempt: int
    phone: int
    from_phone: int | None
    outcome: Outcome
    seconds: int
    ring: int
    digits: str
    decision: list[dict[str, Any]]

    @property
    def ended_at(self) -> datetime:
        return self.at + timedelta(seconds=self.ring + self.seconds)


def write(session: CabSession, customer: Customer, paid: Sequence[Paid], called: Sequence[Called]) -> list[int]:
    """Write a customer's morning; returns the ids of the calls, in their order."""
    calls = _calls(session, customer, called)
    moves: list[tuple[datetime, Decimal, EntryKind, Account, str, str, int | None]] = [
        (call.ended_at, -cost, EntryKind.CALL, Account.REVENUE, f"settle:{reservation}", "call", call_id)
        for call, call_id, reservation, cost in calls
        if cost
    ]
    for item in paid:
        kind = EntryKind.PAYMENT if item.kind is not PaymentKind.ADJUSTMENT else EntryKind.CORRECTION
        moves.append((item.at, item.amount, kind, item.account, f"demo:{uuid.uuid4().hex}", "payment", None))
    order = sorted(range(len(moves)), key=lambda index: moves[index][0])
    entries = _entries(session, customer, [moves[index] for index in order])
    entry_of = dict(zip(order, entries, strict=True))
    first_payment = len(moves) - len(paid)
    _payments(session, customer, [(item, entry_of[first_payment + index]) for index, item in enumerate(paid)])
    return [call_id for _, call_id, _, _ in calls]


def _calls(
    session: CabSession, customer: Customer, called: Sequence[Called]
) -> list[tuple[Called, int, int | None, Decimal]]:
    placed = [call for call in called if call.from_phone is not None]
    longest = pricing.longest_call(customer.tariff)
    prices = {id(call): pricing.call_price(customer.tariff, call.seconds) for call in called}
    held = _insert(
        session,
        Reservation,
        [
            {
                "customer_id": customer.id,
                "amount": longest,
                "settled_amount": prices[id(call)],
                "state": ReservationState.SETTLED,
                "idempotency_key": f"call:{call.contact_id}:{call.attempt}",
                "cause": "contact",
                "cause_id": call.contact_id,
                "expires_at": call.at + RESERVATION_LIFE,
                "closed_at": call.ended_at,
                "created_at": call.at,
            }
            for call in placed
        ],
    )
    reservation_of: dict[int, int] = {id(call): held_id for call, held_id in zip(placed, held, strict=True)}
    ids = _insert(
        session, Call, [_call_row(customer, call, prices[id(call)], reservation_of.get(id(call))) for call in called]
    )
    return [
        (call, call_id, reservation_of.get(id(call)), prices[id(call)])
        for call, call_id in zip(called, ids, strict=True)
    ]


def _call_row(customer: Customer, call: Called, price: Decimal, reservation_id: int | None) -> dict[str, Any]:
    refused = call.from_phone is None
    return {
        "customer_id": customer.id,
        "campaign_id": call.campaign_id,
        "contact_id": call.contact_id,
        "attempt": call.attempt,
        "phone": call.phone,
        "from_phone": call.from_phone,
        "state": CallState.REFUSED if refused else CallState.FINISHED,
        "outcome": call.outcome,
        "digits": call.digits,
        "decision": call.decision,
        "provider_ref": None if refused else f"c-{uuid.uuid4().hex}",
        "answered_at": call.at + timedelta(seconds=call.ring) if call.seconds else None,
        "ended_at": call.ended_at,
        "deadline_at": call.at + timedelta(minutes=4),
        "seconds": call.seconds,
        "cost": price,
        "reservation_id": reservation_id,
        "created_at": call.at,
    }


def _entries(session: CabSession, customer: Customer, moves: Sequence[Any]) -> list[int]:
    if not moves:
        return []
    total = sum(amount for _, amount, *_ in moves)
    moved = sa.update(Customer).where(Customer.id == customer.id).values(balance=Customer.balance + total)
    # One statement locks, writes and reads; the object that the session holds is told by itself.
    after: Decimal = session.scalars(
        moved.returning(Customer.balance), execution_options={"synchronize_session": False}
    ).one()
    set_committed_value(customer, "balance", after)
    balance = after - total
    rows = []
    for at, amount, kind, account, key, cause, cause_id in moves:
        balance += amount
        rows.append(
            {
                "customer_id": customer.id,
                "kind": kind,
                "account": account,
                "amount": amount,
                "balance_after": balance,
                "idempotency_key": key,
                "cause": cause,
                "cause_id": cause_id,
                "created_at": at,
            }
        )
    return _insert(session, LedgerEntry, rows)


def _payments(session: CabSession, customer: Customer, items: Sequence[tuple[Paid, int]]) -> None:
    _insert(
        session,
        Payment,
        [
            {
                "customer_id": customer.id,
                "kind": item.kind,
                "method": item.method,
                "amount": item.amount,
                "tariff_name": customer.tariff.name,
                "receipt_url": item.receipt_url,
                "reason": item.reason,
                "external_id": item.external_id,
                "ledger_entry_id": entry_id,
                "created_at": item.at,
            }
            for item, entry_id in items
        ],
    )


def _insert(session: CabSession, model: Any, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Insert many rows at once; their ids in the order of ``rows``.

    One text for any number of rows, so that it is planned once: thousands of VALUES lists of different lengths took
    most of the demo's time. (COPY is refused where row-level security holds.)
    """
    if not rows:
        return []
    table, names = model.__table__.name, ", ".join(f'"{name}"' for name in rows[0])
    statement = sa.text(
        f'INSERT INTO "{table}" ({names}) SELECT {names}'  # noqa: S608  (names of our own columns)
        f' FROM json_populate_recordset(NULL::"{table}", CAST(:rows AS json)) RETURNING id'
    )
    return list(session.scalars(statement, {"rows": json.dumps(rows, default=str)}))
