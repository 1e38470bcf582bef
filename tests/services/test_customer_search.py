"""Search for customers: by a part of name or e-mail, the start of the INN, a whole number that they hold."""

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.models import NumberKind, NumberState, PhoneNumber
from callcab.scope import Scope
from callcab.services import listing
from callcab.services.listing import ListState
from callcab.services.specs.customer import CUSTOMER
from callcab.web.listing.address import CursorSigner
from tests import factories

PEOPLE = {
    "ООО «Заря 50%»": ("7701234567", "zarya@mail.example"),
    "ООО «Заря_Юг»": ("7702345678", "yug_zarya@mail.example"),
    "ИП Смирнов/2": ("501234567890", "Smirnov@Mail.example"),
}


@pytest.fixture
def people(connected: sa.Engine) -> None:
    with unit_of_work(Scope.system("test")) as session:
        for name, (inn, email) in PEOPLE.items():
            row = factories.customer(session, name=name, inn=inn, email=email)
            if "Смирнов" in name:
                phone, kind, state = 79253944577, NumberKind.PERSONAL, NumberState.VERIFIED
                session.add(PhoneNumber(phone=phone, kind=kind, state=state, customer_id=row.id))


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("заря", {"ООО «Заря 50%»", "ООО «Заря_Юг»"}),
        ("ЮГ", {"ООО «Заря_Юг»"}),
        ("0%", {"ООО «Заря 50%»"}),
        ("%", {"ООО «Заря 50%»"}),
        ("я_ю", {"ООО «Заря_Юг»"}),
        ("_", {"ООО «Заря_Юг»"}),
        ("в/2", {"ИП Смирнов/2"}),
        ("mail.EXAMPLE", set(PEOPLE)),
        ("77", {"ООО «Заря 50%»", "ООО «Заря_Юг»"}),
        ("5678", set()),
        ("8 (925) 394-45-77", {"ИП Смирнов/2"}),
        ("79253944578", set()),
        ("\\", set()),
    ],
)
def test_a_customer_is_found_by_what_support_types(text: str, found: set[str]) -> None:
    state = ListState(search=text)
    with unit_of_work(Scope.staff()) as session:
        page = listing.fetch_page(session, CUSTOMER, state, signer=CursorSigner("x" * 32))
        whole = session.scalars(listing.matching(CUSTOMER, state)).all()
        counted = listing.count_matching(session, CUSTOMER, state, cap=100)
    assert {row.name for row in page.rows} == {row.name for row in whole} == found
    assert page.count(state) == counted == listing.Count(len(found))


@pytest.mark.usefixtures("people")
def test_what_is_found_is_walked_beside_other_filters() -> None:
    seen, after = [], ""
    with unit_of_work(Scope.staff()) as session:
        while True:
            state = ListState(search="mail", filters={"status": ["active"]}, page_size=1, after=after)
            page = listing.fetch_page(session, CUSTOMER, state, signer=CursorSigner("x" * 32))
            seen += [row.name for row in page.rows]
            assert page.count(state) == listing.Count(3)
            after = page.next
            if not after:
                break
    assert seen == list(reversed(PEOPLE))
