"""Lists of the blacklist: a customer's own entries, and all of them for support."""

from callcab.models import BlacklistEntry, BlacklistSource, User
from callcab.services import row_total
from callcab.services.listing import (
    ChoiceFilter,
    DateTimeRange,
    ListSpec,
    PhoneSearch,
    ReferenceFilter,
    Related,
    Sort,
    register,
)
from callcab.services.specs.customer import named

SUPPORT_SEARCH = PhoneSearch(BlacklistEntry, segment=BlacklistEntry.segment_of)

BLACKLIST = register(
    ListSpec(
        name="blacklist",
        model=BlacklistEntry,
        sorts={"created_at": Sort(BlacklistEntry.created_at), "phone": Sort(BlacklistEntry.phone, by="phone")},
        default_sort="-created_at",
        filters=(
            ChoiceFilter("source", BlacklistEntry.source, choices=BlacklistSource),
            DateTimeRange("created", BlacklistEntry.created_at),
        ),
        search=PhoneSearch(BlacklistEntry),
        total=row_total.Kept(BlacklistEntry),
        base=lambda: BlacklistEntry.customer_id.is_not(None),
    )
)
BLACKLIST_SUPPORT = register(
    ListSpec(
        name="blacklist_support",
        model=BlacklistEntry,
        sorts={"created_at": Sort(BlacklistEntry.created_at), "phone": Sort(BlacklistEntry.phone, by="phone")},
        default_sort="-created_at",
        filters=(
            ReferenceFilter("customer", BlacklistEntry.customer_id),
            ChoiceFilter(
                "list",
                choices=("platform", "customer"),
                conditions={
                    "platform": lambda: BlacklistEntry.customer_id.is_(None),
                    "customer": lambda: BlacklistEntry.customer_id.is_not(None),
                },
            ),
            ChoiceFilter("source", BlacklistEntry.source, choices=BlacklistSource),
            DateTimeRange("created", BlacklistEntry.created_at),
        ),
        search=SUPPORT_SEARCH,
        total=row_total.Kept(BlacklistEntry),
        related=lambda: [named(BlacklistEntry.customer), Related(BlacklistEntry.author, [User.name])],
    )
)
