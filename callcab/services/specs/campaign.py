"""Lists of campaigns and of calls."""

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.lib import phone as phones
from callcab.models import Call, Campaign, CampaignState, Contact, ContactState, Outcome, Purpose
from callcab.services import row_total
from callcab.services.listing import ChoiceFilter, DateTimeRange, ListSpec, ReferenceFilter, Sort, register


def search_call(text: str) -> sa.ColumnElement[bool] | None:
    """Calls to the numbers that hold the typed digits; a whole number finds by its index."""
    digits = phones.search_digits(text)
    if not digits:
        return None
    if len(digits) == 11:
        return Call.phone == int(digits)
    return sa.cast(Call.phone, sa.Text).contains(digits, autoescape=True)


def search_contact(text: str) -> sa.ColumnElement[bool] | None:
    """Contacts whose number holds the typed digits."""
    digits = phones.search_digits(text)
    if not digits:
        return None
    if len(digits) == 11:
        return Contact.phone == int(digits)
    return sa.cast(Contact.phone, sa.Text).contains(digits, autoescape=True)


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
        options=lambda: [orm.joinedload(Campaign.customer)],
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
        search=search_contact,
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
        search=search_call,
        total=row_total.kept(Call),
        options=lambda: [orm.joinedload(Call.customer), orm.joinedload(Call.campaign)],
    )
)
