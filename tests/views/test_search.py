"""The search box of support."""

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.models import BlacklistSource, PaymentMethod
from callcab.scope import Actor, Scope
from callcab.services import blacklist, payment
from tests import factories
from tests.people import People


def number_of(people: People, phone: int = 79253944577) -> int:
    with unit_of_work(Scope.system("test")) as session:
        return factories.number(session, phone=phone).id


def listed(people: People, phone: int = 79253944577) -> None:
    with unit_of_work(Scope.system("test")) as session:
        for customer_id in (None, people.customer_id):
            blacklist.add_many(session, customer_id, [phone], source=BlacklistSource.HAND, actor=Actor.system("test"))


@pytest.mark.parametrize("typed", ["79253944577", "8 (925) 394-45-77", "+7(925)394-45-77", "9253944577"])
def test_a_single_hit_opens_at_once_in_any_spelling(people: People, typed: str) -> None:
    row_id = number_of(people)
    page = people.sasha.get("/admin/search/", query={"q": typed}, status=302, follow=False)
    assert page.response.location == f"/admin/numbers/details/?id={row_id}"


def test_hits_of_several_kinds_are_grouped(people: People) -> None:
    number_of(people)
    listed(people)
    text = people.sasha.get("/admin/search/", query={"q": "8 925 394 45 77"}).text
    assert "Исходящие номера" in text
    assert "Чёрный список" in text
    assert "Платформа" in text
    assert "ООО «Ромашка»" in text


@pytest.mark.parametrize("typed", ["7707083893", "ромашка", "olga@romashka.example"])
def test_a_customer_is_found_by_inn_name_and_the_email_of_his_people(people: People, typed: str) -> None:
    page = people.sasha.get("/admin/search/", query={"q": typed}, status=302, follow=False)
    assert page.response.location == f"/admin/clients/details/?id={people.customer_id}"


def test_a_promo_code_is_found_with_or_without_dashes(people: People) -> None:
    with unit_of_work(Scope.system("test")) as session:
        row_id = factories.promo_code(session, code="ABCDEFGHJKMN").id
    page = people.sasha.get("/admin/search/", query={"q": "abcd-efgh-jkmn"}, status=302, follow=False)
    assert page.response.location == f"/admin/promo-codes/details/?id={row_id}"


@pytest.mark.parametrize("typed", ["", "%", "_", "\x00", "'; drop table", "9" * 400, "0", "1e999", "№", "№ 12345"])
def test_odd_texts_find_nothing_and_break_nothing(people: People, typed: str) -> None:
    page = people.sasha.get("/admin/search/", query={"q": typed})
    assert page.title == "Поиск"
    assert "ООО" not in page.tree.xpath("string(//main)")


def test_a_sum_finds_payments_and_leads_to_the_list_asked_for_it(people: People) -> None:
    with unit_of_work(Scope.staff()) as session:
        person = factories.user(session, None, "lead")
        payment.record(
            session,
            customer_id=people.customer_id,
            amount=Decimal("1234.50"),
            method=PaymentMethod.CARD,
            actor=Actor(person.name, "lead", person.id),
        )
    page = people.sasha.get("/admin/search/", query={"q": "1 234,50"}, status=302, follow=False)
    assert page.response.location == "/admin/payments/?search=1234.50"
    assert "1 234,50" in people.sasha.get(page.response.location).text


def test_a_day_leads_to_the_lists_of_that_day(people: People) -> None:
    with unit_of_work(Scope.staff()) as session:
        actor = Actor("Лида", "lead")
        for _ in range(11):
            payment.correct(session, customer_id=people.customer_id, amount=Decimal(7), reason="Сверка", actor=actor)
    today = f"{clock.now().astimezone(ZoneInfo('Europe/Moscow')):%d.%m.%Y}"
    page = people.lida.get("/admin/search/", query={"q": today})
    more = f"/admin/payments/?created_from={today}&created_to={today}"
    assert more in [node.get("href") for node in page.tree.xpath("//a[@href]")]
    assert len(people.lida.get(more).rows()) == 11


def test_a_number_that_a_customer_calls_is_answered_instead_of_opened(people: People) -> None:
    with unit_of_work(Scope.system("test")) as session:
        blacklist.add_many(
            session, people.customer_id, [79253944577], source=BlacklistSource.HAND, actor=Actor.system("test")
        )
    page = people.sasha.get("/admin/search/", query={"q": "8 925 394-45-77"})
    assert "ООО «Ромашка». Сейчас: нельзя" in page.text
    assert "Чёрный список клиента" in page.text
    assert page.link("Почему (не) позвонили")


def test_a_customer_has_no_search_over_everything(people: People) -> None:
    people.olga.get("/admin/search/?q=1", status=403)
