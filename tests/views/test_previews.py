"""Before the deed: how many rows, what changes, what money moves, what is left out and why."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.models import CampaignState, Customer, CustomerStatus, NumberState, PhoneNumber, PromoBatch
from callcab.scope import Scope
from callcab.web.listing import acting
from tests import factories
from tests.client import Browser, Page
from tests.people import People

SYSTEM = Scope.system("test")


def ask(browser: Browser, section: str, action: str, ids: Sequence[int]) -> Page:
    values = {"action": action, "id": [str(item) for item in ids], "csrf_token": browser.token()}
    return browser.send(f"{section}action/", values)


def facts(page: Page) -> dict[str, str]:
    names = [" ".join(node.text_content().split()) for node in page.tree.xpath("//dl/dt")]
    values = [" ".join(node.text_content().split()) for node in page.tree.xpath("//dl/dd")]
    return dict(zip(names, values, strict=True))


def numbers(*states: NumberState) -> list[int]:
    with unit_of_work(SYSTEM) as session:
        return [factories.number(session, state=state).id for state in states]


def test_blocking_numbers_says_from_what_to_what_and_which_are_blocked_already(people: People) -> None:
    ids = numbers(NumberState.FREE, NumberState.FREE, NumberState.BLOCKED)
    page = ask(people.sasha, "/admin/numbers/", "block", ids)
    assert facts(page)["Статус: Свободен → Заблокирован"] == "2"
    assert facts(page)["Номера заблокированы."] == "1"
    assert page.text.count("+7(925)") == 3
    assert page.form(has="confirmed").submit(reason="Жалоба").status == 200
    with unit_of_work(SYSTEM) as session:
        blocked = sa.select(sa.func.count()).where(PhoneNumber.state == NumberState.BLOCKED)
        assert session.scalar(blocked) == 3


def test_a_row_that_changed_since_asks_again(people: People) -> None:
    ids = numbers(NumberState.FREE, NumberState.FREE)
    page = ask(people.sasha, "/admin/numbers/", "block", ids)
    with unit_of_work(SYSTEM) as session:
        session.get_one(PhoneNumber, ids[0]).state = NumberState.BLOCKED
    again = page.form(has="confirmed").submit(reason="Жалоба")
    assert "Расчёт изменился" in again.text
    assert facts(again)["Статус: Свободен → Заблокирован"] == "1"


def test_blocking_a_customer_names_the_campaigns_that_stop(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        owner = session.get_one(Customer, people.customer_id)
        for state in (CampaignState.RUNNING, CampaignState.DRAFT):
            factories.campaign(session, owner, name=f"Опрос {state}", state=state)
    page = ask(people.sasha, "/admin/clients/", "block", [people.customer_id, people.other_id])
    assert facts(page)["Рассылки"] == "Опрос running"
    assert facts(page)["Из них звонят сейчас"] == "1"
    assert "Их рассылки остановятся вместе с кабинетом." in page.text


def test_what_one_row_hinders_is_said_and_has_no_button(people: People) -> None:
    page = ask(people.sasha, "/admin/clients/", "unblock", [people.customer_id, people.other_id])
    assert facts(page)["Клиент не заблокирован."] == "2"
    assert "не будет сделано ничего" in page.text
    assert "Разблокировать" not in [node.text_content().strip() for node in page.tree.xpath("//form//button")]


def test_a_credit_to_many_is_added_up_before_it_is_given(people: People) -> None:
    asked = ask(people.lida, "/admin/clients/", "credit", [people.customer_id, people.other_id])
    shown = asked.form(has="confirmed").submit(amount="150", reason="акция")
    assert facts(shown)["Всего начислится"] == "300,00 ₽"
    assert balances() == [Decimal("1000.00")] * 2
    shown.form(has="confirmed").submit()
    assert balances() == [Decimal("1150.00")] * 2


def balances() -> list[Decimal]:
    with unit_of_work(SYSTEM) as session:
        return list(session.scalars(sa.select(Customer.balance).order_by(Customer.id)))


def test_a_rows_own_menu_does_at_once_what_needs_no_question(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        owner = session.get_one(Customer, people.other_id)
        owner.status, owner.block_reason = CustomerStatus.BLOCKED, "долг"
    people.sasha.post("/admin/clients/action/", one=f"unblock:{people.other_id}")
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(Customer, people.other_id).status is CustomerStatus.ACTIVE


@pytest.mark.parametrize("action", ["pause", "resume"])
def test_batches_that_are_so_already_are_named_before(people: People, action: str) -> None:
    with unit_of_work(SYSTEM) as session:
        factories.promo_code(session)
        ids = list(session.scalars(sa.select(PromoBatch.id)))
    said = facts(ask(people.lida, "/admin/promos/", action, ids))
    expected = "Статус: Действует → Пауза" if action == "pause" else "Выпуск уже в этом состоянии. Обновите страницу."
    assert said[expected] == "1"


def test_a_customer_reads_which_of_his_chosen_numbers_stay(people: People) -> None:
    (shared,) = numbers(NumberState.FREE)
    page = ask(people.olga, "/cabinet/numbers/", "delete", [shared])
    assert facts(page)["Удалить можно только личный номер. Снимите отметки с остальных."] == "1"


def test_more_rows_than_a_page_has_time_for_are_asked_about_without_a_forecast(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acting, "FORESEEN", 1)
    ids = numbers(NumberState.FREE, NumberState.BLOCKED)
    page = ask(people.sasha, "/admin/numbers/", "unblock", ids)
    assert "Строк слишком много для расчёта." in page.text
    page.form(has="confirmed").submit()
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(PhoneNumber, ids[1]).state is NumberState.FREE
