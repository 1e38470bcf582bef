"""Lists of payments: a customer's history, and all of them for support (rule P2)."""

from decimal import Decimal

import sqlalchemy as sa

from callcab.lib import money
from callcab.models import Payment, PaymentKind, PaymentMethod
from callcab.services import row_total
from callcab.services.listing import ChoiceFilter, DateTimeRange, ListSpec, ReferenceFilter, Sort, register
from callcab.services.specs.customer import named


def search(text: str) -> sa.ColumnElement[bool] | None:
    """The very sum, in any spelling and with a minus for what was taken; other text matches nothing."""
    value = text.strip().removesuffix("₽").rstrip()
    negative = value[:1] in ("-", "\u2212")
    try:
        amount = money.parse_amount(value[1:] if negative else value)
    except money.AmountError:
        return None
    return Payment.amount == (-amount if negative else Decimal(amount))


FILTERS = (
    DateTimeRange("created", Payment.created_at),
    ChoiceFilter("kind", Payment.kind, choices=PaymentKind),
    ChoiceFilter("method", Payment.method, choices=PaymentMethod),
)
SORTS = {"created_at": Sort(Payment.created_at), "amount": Sort(Payment.amount)}

PAYMENT = register(
    ListSpec(
        name="payment",
        model=Payment,
        sorts=SORTS,
        default_sort="-created_at",
        filters=FILTERS,
        search=search,
        total=row_total.Kept(Payment),
    )
)
PAYMENT_SUPPORT = register(
    ListSpec(
        name="payment_support",
        model=Payment,
        sorts=SORTS,
        default_sort="-created_at",
        filters=(*FILTERS, ReferenceFilter("customer", Payment.customer_id)),
        search=search,
        total=row_total.Kept(Payment),
        related=lambda: [named(Payment.customer)],
    )
)
