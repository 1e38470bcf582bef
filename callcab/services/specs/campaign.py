"""Lists of campaigns and of calls."""

from sqlalchemy import orm

from callcab.models import Call, Campaign, CampaignState, Contact, ContactState, Outcome, Purpose
from callcab.services import row_total
from callcab.services.listing import (
    ChoiceFilter,
    DateTimeRange,
    ListSpec,
    PhoneSearch,
    ReferenceFilter,
    Related,
    Sort,
    holding,
    register,
)
from callcab.services.specs.customer import named

CALLS = PhoneSearch(Call)

CAMPAIGN = register(
    ListSpec(
        name="campaign",
        model=Campaign,
        sorts={"created_at": Sort(Campaign.created_at)},
        default_sort="-created_at",
        filters=(
            ChoiceFilter("state", Campaign.state, choices=CampaignState),
            ChoiceFilter("purpose", Campaign.purpose, choices=Purpose),
            ChoiceFilter(
                "test",
                choices=("no", "yes"),
                conditions={
                    "no": lambda: Campaign.test_of.is_(None),
                    "yes": lambda: Campaign.test_of.is_not(None),
                },
            ),
            DateTimeRange("created", Campaign.created_at),
            ReferenceFilter("customer", Campaign.customer_id),
        ),
        search=lambda text: Campaign.name.icontains(text, autoescape=True),
        related=lambda: [named(Campaign.customer)],
    )
)
CAMPAIGN_CONTACT = register(
    ListSpec(
        name="campaign_contact",
        model=Contact,
        sorts={"id": Sort(Contact.id)},
        default_sort="id",
        filters=(
            ReferenceFilter("campaign", Contact.campaign_id),
            ChoiceFilter("state", Contact.state, choices=ContactState),
        ),
        search=holding(Contact.phone),
        options=lambda: [orm.selectinload(Contact.calls).options(orm.lazyload("*"))],
    )
)
CALL = register(
    ListSpec(
        name="call",
        model=Call,
        sorts={"created_at": Sort(Call.created_at)},
        default_sort="-created_at",
        filters=(
            ChoiceFilter("outcome", Call.outcome, choices=Outcome),
            ReferenceFilter("campaign", Call.campaign_id),
            DateTimeRange("created", Call.created_at),
            ReferenceFilter("customer", Call.customer_id),
        ),
        search=CALLS,
        total=row_total.Kept(Call),
        related=lambda: [named(Call.customer), Related(Call.campaign, [Campaign.name])],
    )
)
