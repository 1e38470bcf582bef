"""The list of incoming calls."""

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.lib import phone as phones
from callcab.models import InboundAction, InboundCall
from callcab.services import row_total
from callcab.services.listing import ChoiceFilter, DateTimeRange, ListSpec, ReferenceFilter, Sort, register


def search(text: str) -> sa.ColumnElement[bool] | None:
    """Calls from or to the numbers that hold the typed digits; a whole number finds by its indexes."""
    digits = phones.search_digits(text)
    if not digits:
        return None
    if len(digits) == 11:
        return sa.or_(InboundCall.phone == int(digits), InboundCall.to_phone == int(digits))
    return sa.or_(
        sa.cast(InboundCall.phone, sa.Text).contains(digits, autoescape=True),
        sa.cast(InboundCall.to_phone, sa.Text).contains(digits, autoescape=True),
    )


INBOUND_CALL = register(
    ListSpec(
        name="inbound_call",
        model=InboundCall,
        sorts={"created_at": Sort(InboundCall.created_at)},
        default_sort="-created_at",
        filters=(
            ChoiceFilter("action", InboundCall.action, choices=InboundAction),
            ReferenceFilter("campaign", InboundCall.campaign_id),
            DateTimeRange("created", InboundCall.created_at),
            ReferenceFilter("customer", InboundCall.customer_id),
        ),
        search=search,
        total=row_total.kept(InboundCall),
        options=lambda: [orm.joinedload(InboundCall.customer), orm.joinedload(InboundCall.campaign)],
    )
)
