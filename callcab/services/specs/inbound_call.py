"""The list of incoming calls."""

from callcab.models import Campaign, InboundAction, InboundCall
from callcab.services import row_total
from callcab.services.listing import (
    ChoiceFilter,
    DateTimeRange,
    ListSpec,
    ReferenceFilter,
    Related,
    Sort,
    holding,
    register,
)
from callcab.services.specs.customer import named

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
        search=holding(InboundCall.phone, InboundCall.to_phone),
        total=row_total.Kept(InboundCall),
        related=lambda: [named(InboundCall.customer), Related(InboundCall.campaign, [Campaign.name])],
    )
)
