"""The look-up of a payer: his own book first, then the register; what the person is told (rules L2-L5)."""

from collections.abc import Iterator, Sequence

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib.errors import Invalid
from callcab.providers.company import CompanyInfo, CompanyStatus, NoDirectory, Unavailable
from callcab.scope import Scope
from callcab.services import company
from callcab.services.company import Buyer
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
INN = "7702070139"


class Register:
    """A register in memory; counts the questions."""

    def __init__(self, *found: CompanyInfo) -> None:
        self.found: Sequence[CompanyInfo] = found
        self.problem: Unavailable | None = None
        self.asked: list[str] = []

    def find(self, inn: str) -> Sequence[CompanyInfo]:
        self.asked.append(inn)
        if self.problem:
            raise self.problem
        return self.found


@pytest.fixture
def register() -> Iterator[Register]:
    made = Register(CompanyInfo(INN, "Банк ВТБ (ПАО)", "770943002"))
    company.use(made)
    yield made
    company.use(NoDirectory())


@pytest.fixture
def customer_id(connected: sa.Engine) -> int:
    with unit_of_work(SYSTEM) as session:
        return factories.customer(session).id


def look_up(customer_id: int, inn: str = INN) -> tuple[list[str], str]:
    with unit_of_work(Scope.tenant(customer_id)) as session:
        found, notice = company.look_up(session, customer_id, inn)
        return [item.name for item in found], notice


def remember(customer_id: int, **values: str) -> None:
    with unit_of_work(Scope.tenant(customer_id)) as session:
        company.remember(session, customer_id, Buyer(**{"inn": INN, "kpp": "770943002", "name": "ВТБ", **values}))


def test_a_company_of_the_register_fills_the_form_without_a_word(customer_id: int, register: Register) -> None:
    assert look_up(customer_id) == (["Банк ВТБ (ПАО)"], "")


def test_an_earlier_payer_is_found_without_asking_the_register(customer_id: int, register: Register) -> None:
    remember(customer_id)
    assert look_up(customer_id) == (["ВТБ"], "")
    assert register.asked == []


def test_two_branches_are_a_choice(customer_id: int, register: Register) -> None:
    remember(customer_id)
    remember(customer_id, kpp="784201001", name="ВТБ в Петербурге")
    assert look_up(customer_id) == (["ВТБ в Петербурге", "ВТБ"], "company.choose")


def test_the_payers_of_others_stay_theirs(customer_id: int, register: Register) -> None:
    with unit_of_work(SYSTEM) as session:
        other = factories.customer(session).id
    remember(other)
    assert look_up(customer_id) == (["Банк ВТБ (ПАО)"], "")


def test_a_wrong_inn_never_reaches_the_register(customer_id: int, register: Register) -> None:
    for text in ("", "7702070138", "' OR 1=1", "http://127.0.0.1/"):
        with pytest.raises(Invalid):
            look_up(customer_id, text)
    assert register.asked == []


def test_spaces_in_an_inn_are_forgiven(customer_id: int, register: Register) -> None:
    look_up(customer_id, " 7702\u00a0070 139 ")
    assert register.asked == [INN]


def test_nothing_found_and_a_register_away_are_told_apart(customer_id: int, register: Register) -> None:
    register.found = ()
    assert look_up(customer_id) == ([], "company.not_found")
    register.problem = Unavailable("HTTP 403")
    assert look_up(customer_id) == ([], "company.unavailable")
    company.use(NoDirectory())
    assert look_up(customer_id) == ([], "company.by_hand")


@pytest.mark.parametrize("status", [item for item in CompanyStatus if item is not CompanyStatus.ACTIVE])
def test_trouble_of_a_company_is_told(customer_id: int, register: Register, status: CompanyStatus) -> None:
    register.found = (CompanyInfo(INN, "ООО", "770943002", status=status),)
    assert look_up(customer_id) == (["ООО"], f"company.{status.value}")
