"""Lists of a customer's people and of support."""

import sqlalchemy as sa

from callcab.models import User, UserStatus
from callcab.permissions import CUSTOMER_ROLES, STAFF_ROLES
from callcab.services.listing import ChoiceFilter, ListSpec, Sort, register


def search(text: str) -> sa.ColumnElement[bool]:
    return sa.or_(User.name.icontains(text, autoescape=True), User.email.icontains(text, autoescape=True))


USER = register(
    ListSpec(
        name="user",
        model=User,
        sorts={"created_at": Sort(User.created_at)},
        default_sort="created_at",
        filters=(
            ChoiceFilter("role", User.role, choices=CUSTOMER_ROLES),
            ChoiceFilter("status", User.status, choices=UserStatus),
        ),
        search=search,
        base=lambda: User.customer_id.is_not(None),
    )
)
STAFF = register(
    ListSpec(
        name="staff",
        model=User,
        sorts={"created_at": Sort(User.created_at)},
        default_sort="created_at",
        filters=(
            ChoiceFilter("role", User.role, choices=STAFF_ROLES),
            ChoiceFilter("status", User.status, choices=UserStatus),
        ),
        search=search,
        base=lambda: User.customer_id.is_(None),
    )
)
