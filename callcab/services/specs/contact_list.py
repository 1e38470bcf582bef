"""Lists of contact lists, and of the numbers in them."""

from callcab.models import ContactList, ListEntry
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

CONTACT_LIST = register(
    ListSpec(
        name="contact_list",
        model=ContactList,
        sorts={"created_at": Sort(ContactList.created_at)},
        default_sort="-created_at",
        filters=(
            ChoiceFilter(
                "consent",
                choices=("yes", "no"),
                conditions={
                    "yes": lambda: ContactList.consent_on.is_not(None),
                    "no": lambda: ContactList.consent_on.is_(None),
                },
            ),
            DateTimeRange("created", ContactList.created_at),
            ReferenceFilter("customer", ContactList.customer_id),
        ),
        search=lambda text: ContactList.name.icontains(text, autoescape=True),
        related=lambda: [named(ContactList.customer)],
    )
)
LIST_ENTRY = register(
    ListSpec(
        name="list_entry",
        model=ListEntry,
        sorts={"created_at": Sort(ListEntry.created_at)},
        default_sort="-created_at",
        filters=(
            ReferenceFilter("list", ListEntry.contact_list_id),
            DateTimeRange("created", ListEntry.created_at),
        ),
        search=holding(ListEntry.phone),
        related=lambda: [Related(ListEntry.contact_list, [ContactList.name])],
    )
)
