"""The list of the operator's own requisites."""

import sqlalchemy as sa

from callcab.models import Seller
from callcab.services.listing import ListSpec, Sort, register


def search(text: str) -> sa.ColumnElement[bool]:
    return sa.or_(Seller.name.icontains(text, autoescape=True), Seller.inn.startswith(text, autoescape=True))


SELLER = register(
    ListSpec(name="seller", model=Seller, sorts={"id": Sort(Seller.id)}, default_sort="id", search=search)
)
