"""What renting out many numbers at once would cost, before anything is done."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.models import Customer, NumberKind, NumberLease, NumberState, PhoneNumber
from callcab.services.phone_number.rental import LONGEST, rent_price


@dataclass(frozen=True)
class Quote:
    """The sum for one customer: ``rentable`` numbers of those selected, ``refused`` ones, and what he has."""

    customer: Customer
    rentable: int
    refused: int
    total: Decimal
    available: Decimal

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
        PhoneNumber.kind,
        PhoneNumber.state,
        PhoneNumber.customer_id,
        PhoneNumber.rented_until,
        holders,
    )
    found = session.execute(rows.with_only_columns(*columns)).all()
    total, rentable = Decimal("0"), 0
    for kind, state, owner, rented_until, holder in found:
        start = max(rented_until or now, now)
        free = kind is NumberKind.SHARED and state is not NumberState.BLOCKED
        if free and owner in (None, customer.id) and holder in (None, customer.id) and start < until <= start + LONGEST:
            total += rent_price(customer.tariff, start, until)
            rentable += 1
    return Quote(customer, rentable, len(found) - rentable, total, customer.available)
