"""List of a customer's API tokens."""

import sqlalchemy as sa

from callcab.models import ApiToken
from callcab.services.listing import ListSpec, Sort, register


def search(text: str) -> sa.ColumnElement[bool]:
    return sa.or_(ApiToken.name.icontains(text, autoescape=True), ApiToken.prefix.startswith(text, autoescape=True))


API_TOKEN = register(
    ListSpec(
        name="api_token",
        model=ApiToken,
        sorts={"created_at": Sort(ApiToken.created_at)},
        default_sort="-created_at",
        search=search,
    )
)
