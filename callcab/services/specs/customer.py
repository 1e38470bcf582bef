"""List of customers, for support."""

import re
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.lib import phone as phones
from callcab.models import Customer, CustomerStatus, PhoneNumber
from callcab.services import operation
from callcab.services.listing import (
    AmountRange,
    ChoiceFilter,
    DateTimeRange,
    ListSpec,
    ReferenceFilter,
    Related,
    Sort,
    parameter,
    register,
)
from callcab.services.operation import ExportColumn

ESCAPE = "/"


class CustomerSearch:
    """By name, INN, e-mail, or a whole phone number that the customer holds; its statements are kept."""

    def __call__(self, text: str, *, named: bool = False) -> sa.ColumnElement[bool]:
        values = self.values(text)

        def given(name: str, column: Any) -> sa.BindParameter[Any]:
            return parameter(name, values[name], column, named=named)

        found = [
            sa.func.lower(column).like(sa.func.lower(given("within", column)), escape=ESCAPE)
            for column in (Customer.name, Customer.email)
        ]
        found.append(Customer.inn.like(given("inn", Customer.inn), escape=ESCAPE))
        if "phone" in values:
            holders = sa.select(PhoneNumber.customer_id).where(PhoneNumber.phone == given("phone", PhoneNumber.phone))
            found.append(Customer.id.in_(holders))
        return sa.or_(*found)

    def by_hits(self, text: str, *, counting: bool) -> bool:
        # No index finds a part of a name, so all customers are looked at anyhow: once, not for the page and the count.
        return True

    def hits(self, text: str, conditions: Sequence[sa.ColumnElement[bool]], columns: Sequence[Any] = ()) -> sa.Subquery:
        return sa.select(*(columns or [Customer.id])).where(self(text, named=True), *conditions).subquery()

    def shape(self, text: str) -> tuple[int, ...]:
        return (len(self.values(text)),)

    def values(self, text: str) -> dict[str, Any]:
        digits = phones.search_digits(text)
        whole = {"phone": int(digits)} if len(digits) == phones.WHOLE else {}
        return {"within": f"%{_plain(text)}%", "inn": f"{_plain(text.strip())}%", **whole}


def _plain(text: str) -> str:
    """As a part of a pattern that stands for itself."""
    return re.sub(f"([{ESCAPE}%_])", rf"{ESCAPE}\1", text)


def named(customer: orm.InstrumentedAttribute[Any]) -> Related:
    """A row's customer as far as lists show him."""
    return Related(customer, [Customer.name])


def numbers_count() -> sa.ScalarSelect[int]:
    """How many numbers a customer holds, read with the page of customers."""
    return (
        sa.select(sa.func.count())
        .select_from(PhoneNumber)
        .where(PhoneNumber.customer_id == Customer.id)
        .correlate(Customer)
        .scalar_subquery()
    )


CUSTOMER = register(
    ListSpec(
        name="customer",
        model=Customer,
        sorts={"created_at": Sort(Customer.created_at)},
        default_sort="-created_at",
        filters=(
            ChoiceFilter("status", Customer.status, choices=CustomerStatus),
            AmountRange("balance", Customer.balance),
            ReferenceFilter("tariff", Customer.tariff_id),
            ReferenceFilter("manager", Customer.manager_id),
            DateTimeRange("created", Customer.created_at),
        ),
        search=CustomerSearch(),
        related=lambda: [Related(Customer.tariff)],
        computed=lambda: {"numbers_count": numbers_count()},
    )
)
operation.register_export(
    "customer",
    (
        ExportColumn("name", Customer.name),
        ExportColumn("inn", Customer.inn),
        ExportColumn("email", Customer.email),
        ExportColumn("balance", Customer.balance),
        ExportColumn(
            "status", Customer.status, choices={item.value: f"customer.status.{item.value}" for item in CustomerStatus}
        ),
        ExportColumn("created_at", Customer.created_at),
    ),
    permission="customer.export",
)
