"""List of customers, for support."""

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
    register,
)
from callcab.services.operation import ExportColumn

WHOLE = 11


def search(text: str) -> sa.ColumnElement[bool]:
    """By name, INN, e-mail, or a phone number that the customer holds."""
    found = [
        Customer.name.icontains(text, autoescape=True),
        Customer.email.icontains(text, autoescape=True),
        Customer.inn.startswith(text.strip(), autoescape=True),
    ]
    digits = phones.search_digits(text)
    if len(digits) == WHOLE:
        found.append(Customer.id.in_(sa.select(PhoneNumber.customer_id).where(PhoneNumber.phone == int(digits))))
    return sa.or_(*found)


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
        search=search,
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
