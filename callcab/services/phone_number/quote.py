"""What many numbers would cost a customer, one by one, before he rents them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.models import (
    Customer,
    CustomerStatus,
    NumberKind,
    NumberLease,
    NumberState,
    PhoneNumber,
)
from callcab.services.phone_number.rental import LONGEST, rent_price


@dataclass(frozen=True)
class Line:
    """One number of a quote: its price, or the code of what stands against renting it."""

    phone: int
    price: Decimal
    refusal: str = ""


@dataclass(frozen=True)
class Quote:
    """The sum for one customer, number by number, and what he has."""

    customer: Customer
    lines: tuple[Line, ...]
    available: Decimal

    @property
    def rentable(self) -> int:
        return sum(not line.refusal for line in self.lines)

    @property
    def refused(self) -> int:
        return len(self.lines) - self.rentable

    @property
    def total(self) -> Decimal:
        return sum((line.price for line in self.lines), Decimal("0.00"))

    @property
    def enough(self) -> bool:
        return self.total <= self.available


def quote(session: CabSession, rows: sa.Select[PhoneNumber], *, customer: Customer, until: datetime) -> Quote:
    """Price of the selected numbers for a customer until then; the rules of ``rent`` decide which are counted."""
    now = clock.now()
    holders = (
        sa.select(NumberLease.customer_id)
        .where(NumberLease.number_id == PhoneNumber.id, NumberLease.released_at.is_(None))
        .limit(1)
        .scalar_subquery()
    )
    columns: tuple[Any, ...] = (
        PhoneNumber.phone,
        PhoneNumber.kind,
        PhoneNumber.state,
        PhoneNumber.customer_id,
        PhoneNumber.rented_until,
        holders,
    )
    lines = []
    for phone, kind, state, owner, rented_until, holder in session.execute(rows.with_only_columns(*columns)):
        start = max(rented_until or now, now)
        refusal = _refusal(kind, state, {owner, holder} - {None, customer.id}, owner)
        if customer.status is CustomerStatus.BLOCKED:
            refusal = "customer.blocked"
        if not refusal and not start < until <= start + LONGEST:
            refusal = "rental.until"
        price = Decimal("0.00") if refusal else rent_price(customer.tariff, start, until)
        lines.append(Line(phone, price, refusal))
    return Quote(customer, tuple(lines), customer.available)


def _refusal(kind: NumberKind, state: NumberState, strangers: set[int], owner: int | None) -> str:
    if kind is not NumberKind.SHARED:
        return "number.not_shared"
    if state is NumberState.BLOCKED:
        return "number.blocked"
    if strangers:
        return "number.rented" if owner in strangers else "number.busy"
    return ""
