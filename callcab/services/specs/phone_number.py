"""Lists of outgoing numbers. «Свободный» and «Арендный» are states of a shared number, yet shown as kinds."""

import sqlalchemy as sa

from callcab.lib import clock
from callcab.models import Campaign, NumberHealth, NumberKind, NumberLease, NumberState, PhoneNumber
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
from callcab.services.phone_number.stuck import is_stuck
from callcab.services.specs.customer import named

SEARCH = PhoneSearch(PhoneNumber)


def _shared() -> sa.ColumnElement[bool]:
    return PhoneNumber.kind == NumberKind.SHARED


KINDS = {
    "shared": _shared,
    "free": lambda: sa.and_(_shared(), PhoneNumber.state == NumberState.FREE, PhoneNumber.rented_until.is_(None)),
    "duty": lambda: PhoneNumber.kind == NumberKind.DUTY,
    "rented": lambda: PhoneNumber.rented_until.is_not(None),
    "personal": lambda: PhoneNumber.kind == NumberKind.PERSONAL,
}
TROUBLE = {
    "stuck": is_stuck,
    "falling": lambda: PhoneNumber.health == NumberHealth.FALLING,
    "resting": lambda: PhoneNumber.rests_until > clock.now(),
}
FILTERS = (
    ChoiceFilter("kind", conditions=KINDS),
    ChoiceFilter("state", PhoneNumber.state, choices=NumberState),
    DateTimeRange("created", PhoneNumber.created_at),
)
SORTS = {"created_at": Sort(PhoneNumber.created_at)}

PHONE_NUMBER = register(
    ListSpec(
        name="phone_number",
        model=PhoneNumber,
        sorts=SORTS,
        default_sort="-created_at",
        filters=(
            *FILTERS,
            ChoiceFilter("trouble", conditions=TROUBLE),
            ReferenceFilter("customer", PhoneNumber.customer_id),
        ),
        search=SEARCH,
        related=lambda: [
            named(PhoneNumber.customer),
            Related(PhoneNumber.open_lease, related=[Related(NumberLease.campaign, [Campaign.name])]),
        ],
    )
)
CABINET_NUMBER = register(
    ListSpec(
        name="cabinet_number",
        model=PhoneNumber,
        sorts=SORTS,
        default_sort="-created_at",
        filters=FILTERS,
        search=SEARCH,
        related=lambda: [Related(PhoneNumber.open_lease)],
    )
)
