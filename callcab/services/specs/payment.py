"""Lists of payments: a customer's history, and all of them for support (rule P2)."""

from callcab.lib import money
from callcab.models import Payment, PaymentKind, PaymentMethod
from callcab.services import row_total
from callcab.services.listing import ChoiceFilter, DateTimeRange, ExactSearch, ListSpec, ReferenceFilter, Sort, register
from callcab.services.specs.customer import named


def read_sum(text: str) -> int | None:
    """The very sum in kopecks, in any spelling and with a minus for what was taken; None for other text."""
    value = text.strip().removesuffix("₽").rstrip()
    negative = value[:1] in ("-", "\u2212")
    try:
        kopecks = money.in_kopecks(money.parse_amount(value[1:] if negative else value))
    except money.AmountError:
        return None
    return -kopecks if negative else kopecks


SEARCH = ExactSearch(Payment.kopecks, read_sum)
FILTERS = (
    DateTimeRange("created", Payment.created_at),
    ChoiceFilter("kind", Payment.kind, choices=PaymentKind),
    ChoiceFilter("method", Payment.method, choices=PaymentMethod),
)
SORTS = {"created_at": Sort(Payment.created_at), "amount": Sort(Payment.kopecks, by="amount")}

PAYMENT = register(
    ListSpec(
        name="payment",
        model=Payment,
        sorts=SORTS,
        default_sort="-created_at",
        filters=FILTERS,
        search=SEARCH,
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
        search=SEARCH,
        total=row_total.Kept(Payment),
        related=lambda: [named(Payment.customer)],
    )
)
