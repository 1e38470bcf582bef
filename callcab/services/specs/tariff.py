"""The list of price plans."""

from callcab.models import Tariff
from callcab.services.listing import ListSpec, Sort, register

TARIFF = register(
    ListSpec(
        name="tariff",
        model=Tariff,
        sorts={"id": Sort(Tariff.id)},
        default_sort="id",
        search=lambda text: Tariff.name.icontains(text, autoescape=True),
    )
)
