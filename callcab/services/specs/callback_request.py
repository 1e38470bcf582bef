"""The list of requests to be called back."""

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.lib import phone as phones
from callcab.models import CallbackRequest, CallbackState
from callcab.services.listing import ChoiceFilter, DateTimeRange, ListSpec, ReferenceFilter, Sort, register

WHOLE = 11


def search(text: str) -> sa.ColumnElement[bool] | None:
    """Requests of the numbers that hold the typed digits; a whole number finds by its index."""
    digits = phones.search_digits(text)
    if not digits:
        return None
    if len(digits) == WHOLE:
        return CallbackRequest.phone == int(digits)
    return sa.cast(CallbackRequest.phone, sa.Text).contains(digits, autoescape=True)


CALLBACK_REQUEST = register(
    ListSpec(
        name="callback_request",
        model=CallbackRequest,
        sorts={"created_at": Sort(CallbackRequest.created_at)},
        default_sort="-created_at",
        filters=(
            ChoiceFilter("state", CallbackRequest.state, choices=CallbackState),
            ReferenceFilter("campaign", CallbackRequest.campaign_id),
            DateTimeRange("created", CallbackRequest.created_at),
            ReferenceFilter("customer", CallbackRequest.customer_id),
        ),
        search=search,
        options=lambda: [orm.joinedload(CallbackRequest.customer), orm.joinedload(CallbackRequest.campaign)],
    )
)
