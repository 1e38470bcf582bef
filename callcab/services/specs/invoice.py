"""Lists of invoices: a customer's own, and all of them for support."""

import sqlalchemy as sa

from callcab.models import Invoice, InvoiceState
from callcab.services.listing import AmountRange, ChoiceFilter, DateTimeRange, ListSpec, ReferenceFilter, Sort, register
from callcab.services.specs.customer import named

# A longer row of digits is an INN or the beginning of one, not a number of an invoice.
LONGEST_NUMBER = 9
# Spelled as the index spells it: with the key as a parameter a prepared statement would not find the index.
BUYER_NAME: sa.ColumnClause[str] = sa.literal_column("(invoice.buyer ->> 'name')", sa.Text)


def search(text: str) -> sa.ColumnElement[bool]:
    """By the number of the invoice, by the payer's INN or its beginning, by a part of his name."""
    value = text.strip().removeprefix("№").strip()
    found: list[sa.ColumnElement[bool]] = [BUYER_NAME.icontains(value, autoescape=True)]
    if value.isascii() and value.isdigit():
        found.append(Invoice.buyer_inn.startswith(value, autoescape=True))
        if len(value) <= LONGEST_NUMBER:
            found.append(Invoice.number == int(value))
    return sa.or_(*found)


FILTERS = (
    ChoiceFilter("state", Invoice.state, choices=InvoiceState),
    DateTimeRange("created", Invoice.created_at),
    AmountRange("amount", Invoice.total),
)
SORTS = {"created_at": Sort(Invoice.created_at)}

INVOICE = register(
    ListSpec(name="invoice", model=Invoice, sorts=SORTS, default_sort="-created_at", filters=FILTERS, search=search)
)
INVOICE_SUPPORT = register(
    ListSpec(
        name="invoice_support",
        model=Invoice,
        sorts=SORTS,
        default_sort="-created_at",
        filters=(*FILTERS, ReferenceFilter("customer", Invoice.customer_id)),
        search=search,
        related=lambda: [named(Invoice.customer)],
    )
)
