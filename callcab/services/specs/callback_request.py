"""The list of requests to be called back."""

from callcab.models import CallbackRequest, CallbackState, Campaign
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
        search=holding(CallbackRequest.phone),
        related=lambda: [named(CallbackRequest.customer), Related(CallbackRequest.campaign, [Campaign.name])],
    )
)
