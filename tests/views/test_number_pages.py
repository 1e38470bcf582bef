"""Pages of numbers: renting with the price in sight, who held a number and why, health, what bulk actions would do."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.models import (
    Customer,
    NumberEvent,
    NumberHealth,
    NumberKind,
    NumberRental,
    NumberState,
    PhoneNumber,
    Tariff,
)
from callcab.scope import Actor, Scope
from callcab.services import phone_number
from tests import factories
from tests.client import Page
from tests.people import People

SYSTEM = Scope.system("test")
SUPPORT = Actor("Поддержка", "lead")
MONTH = timedelta(days=30)


def make(**values: Any) -> int:
    with unit_of_work(SYSTEM) as session:
        return factories.number(session, **values).id


def pay_in(people: People, amount: str) -> None:
    with unit_of_work(SYSTEM) as session:
        factories.credit(session, session.get_one(Customer, people.customer_id), amount)


def facts(page: Page) -> dict[str, str]:
    """Names and values of the lists on the page."""
    return {
        " ".join(name.text_content().split()): " ".join(name.getnext().text_content().replace("\u00a0", " ").split())
        for name in page.tree.xpath("//dl/dt")
    }


def of(number_id: int) -> PhoneNumber:
    with unit_of_work(SYSTEM) as session:
        return session.get_one(PhoneNumber, number_id)


def rentals() -> list[Decimal]:
    with unit_of_work(SYSTEM) as session:
        return list(session.scalars(sa.select(NumberRental.price).order_by(NumberRental.id)))


def rent_out(number_id: int, customer_id: int, days: int = 7) -> None:
    with unit_of_work(SYSTEM) as session:
        until = clock.now() + timedelta(days=days)
        phone_number.rent(session, number_id=number_id, customer_id=customer_id, until=until, actor=SUPPORT)


def busy(customer_id: int, name: str = "Осенний обзвон") -> int:
    number_id = make()
    with unit_of_work(SYSTEM) as session:
        campaign = factories.campaign(session, session.get_one(Customer, customer_id), name=name)
        taken = phone_number.lease(session, campaign)
        assert taken is not None and taken.number_id == number_id
    return number_id


# A customer rents


def test_a_customer_rents_a_free_number_at_the_price_he_saw(people: People) -> None:
    number_id = make(phone=79250005001)
    olga = people.olga
    page = olga.get(f"/cabinet/numbers/rent/?id={number_id}")
    assert "30 дней — 450,00 ₽" in page.text
    answer = page.form(has="days").submit(days="30", prolong="y")
    assert "Списано 450,00 ₽" in answer.text
    number = of(number_id)
    assert (number.customer_id, number.prolong_days) == (people.customer_id, 30)
    assert number.rented_until is not None
    assert abs(number.rented_until - clock.now() - MONTH) < timedelta(minutes=1)
    assert rentals() == [Decimal("450.00")]


def test_a_second_click_rents_nothing_more(people: People) -> None:
    number_id = make()
    form = people.olga.get(f"/cabinet/numbers/rent/?id={number_id}").form(has="days")
    form.submit(days="7")
    again = form.submit(days="7")
    assert again.status == 422
    assert "срок или цена аренды изменились" in again.text
    assert rentals() == [Decimal("105.00")]


def test_a_price_that_changed_meanwhile_is_shown_before_it_is_charged(people: People) -> None:
    number_id = make()
    form = people.olga.get(f"/cabinet/numbers/rent/?id={number_id}").form(has="days")
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(Tariff).values(rental_day_price=Decimal("20")))
    answer = form.submit(days="7")
    assert "7 дней — 140,00 ₽" in answer.text
    assert rentals() == []
    assert "Списано 140,00 ₽" in answer.form(has="days").submit(days="7").text


@pytest.mark.parametrize("seen", ["", "вчера 15", "- NaN", "- 1e999999", "- 0"])
def test_a_forged_price_is_refused(people: People, seen: str) -> None:
    number_id = make()
    page = people.olga.post("/cabinet/numbers/rent/", id=str(number_id), days="7", seen=seen)
    assert page.status == 422
    assert rentals() == []


def test_renting_without_money_says_so_and_keeps_the_choice(people: People) -> None:
    number_id = make()
    page = people.olga.get(f"/cabinet/numbers/rent/?id={number_id}").form(has="days").submit(days="365")
    assert page.status == 422
    assert "Недостаточно средств: доступно 1 000,00" in page.text
    assert page.tree.xpath("//input[@name='days'][@checked]/@value") == ["365"]


def test_a_number_of_somebody_elses_campaign_is_not_to_be_had(people: People) -> None:
    number_id = busy(people.other_id, "ЧужойОбзвон")
    olga = people.olga
    assert "взять его нельзя" in olga.get(f"/cabinet/numbers/rent/?id={number_id}").text
    details = olga.get(f"/cabinet/numbers/details/?id={number_id}")
    assert "ЧужойОбзвон" not in details.text
    assert "Взять в аренду" not in details.text


@pytest.mark.parametrize("kind", [NumberKind.DUTY, NumberKind.PERSONAL])
def test_only_shared_numbers_have_a_page_of_rent(people: People, kind: NumberKind) -> None:
    state = NumberState.FREE if kind is NumberKind.DUTY else NumberState.VERIFIED
    number_id = make(kind=kind, state=state, customer_id=None if kind is NumberKind.DUTY else people.customer_id)
    people.olga.get(f"/cabinet/numbers/rent/?id={number_id}", status=404)


def test_an_operator_may_not_rent(people: People) -> None:
    number_id = make()
    people.kolya.get(f"/cabinet/numbers/rent/?id={number_id}", status=403)


def test_going_on_by_itself_is_switched_on_and_off(people: People) -> None:
    number_id = make()
    rent_out(number_id, people.customer_id)
    olga = people.olga
    page = olga.get(f"/cabinet/numbers/details/?id={number_id}&tab=rentals")
    assert "продлевать на 7 дней за 105,00 ₽" in page.text
    page = page.form(has="days").submit(days="7")
    assert of(number_id).prolong_days == 7
    page.form(has="days").submit(days="")
    assert of(number_id).prolong_days is None


@pytest.mark.parametrize("door", ["rent", "details"])
def test_a_strangers_rented_number_is_not_there_at_all(people: People, door: str) -> None:
    number_id = make()
    rent_out(number_id, people.customer_id)
    people.stranger.get(f"/cabinet/numbers/{door}/?id={number_id}", status=404)


def test_nobody_prolongs_a_strangers_rental(people: People) -> None:
    number_id = make()
    rent_out(number_id, people.customer_id)
    stranger = people.stranger
    assert stranger.post("/cabinet/numbers/prolong/", id=str(number_id), days="7").status == 404
    free = make()
    assert "Такого номера нет" in stranger.post("/cabinet/numbers/prolong/", id=str(free), days="7").text
    assert of(number_id).prolong_days is None


def test_support_switches_it_for_a_customer(people: People) -> None:
    number_id = make()
    rent_out(number_id, people.customer_id)
    page = people.sasha.get(f"/admin/numbers/details/?id={number_id}&tab=rentals")
    page.form(has="days").submit(days="90")
    assert of(number_id).prolong_days == 90


# Who had it


def test_support_reads_who_held_a_number_when_and_what_for(people: People) -> None:
    number_id = busy(people.customer_id)
    rent_out(number_id, people.customer_id)
    sasha = people.sasha
    page = sasha.get(f"/admin/numbers/details/?id={number_id}")
    assert "Осенний обзвон, ООО «Ромашка»" in page.text
    assert "номер вернётся в общие" in page.text
    log = sasha.get(f"/admin/numbers/details/?id={number_id}&tab=log").text
    assert "Осенний обзвон" in log
    assert "105,00 ₽" in log
    assert "ООО «Ромашка»" in sasha.get(f"/admin/numbers/details/?id={number_id}&tab=rentals").text
    assert "Осенний обзвон" in sasha.get(f"/admin/numbers/details/?id={number_id}&tab=leases").text


@pytest.mark.parametrize("tab", ["", "rentals", "leases", "log"])
def test_a_customer_reads_of_his_own_time_only(people: People, tab: str) -> None:
    number_id = busy(people.other_id, "ЧужойОбзвон")
    rent_out(number_id, people.other_id)
    with unit_of_work(SYSTEM) as session:
        number = session.get_one(PhoneNumber, number_id)
        number.customer_id = number.rented_until = None
    assert "ЧужойОбзвон" not in people.olga.get(f"/cabinet/numbers/details/?id={number_id}&tab={tab}").body
    assert "ООО" not in people.olga.get(f"/cabinet/numbers/details/?id={number_id}&tab={tab}").tree.xpath(
        "string(//main)"
    )


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("kind", {"before": "shared", "after": "duty"}, "Общий → Дежурный"),
        ("prolonging", {"days": 7}, "продлится сам: 7 дней"),
        ("rental_ended", {"why": "no_money"}, "на продление не хватило денег"),
        ("rest", {"until": "2026-12-01T09:00:00+00:00", "reason": "жалобы"}, "до 01.12.2026 (12:00:00), жалобы"),
        ("not_verified", {"outcome": "busy"}, "Занято"),
    ],
)
def test_the_history_says_what_happened(people: People, kind: str, data: dict[str, Any], said: str) -> None:
    number_id = make()
    with unit_of_work(SYSTEM) as session:
        session.add(NumberEvent(number_id=number_id, kind=kind, actor="Проверка", data=data))
    assert said in people.sasha.get(f"/admin/numbers/details/?id={number_id}&tab=log").text


def test_a_duty_number_is_marked_as_one_that_nobody_can_call_back(people: People) -> None:
    make(kind=NumberKind.DUTY)
    for browser, face in ((people.olga, "cabinet"), (people.sasha, "admin")):
        assert "нельзя перезвонить" in browser.get(f"/{face}/numbers/").text


def falling() -> int:
    data = {"day": [40, 6], "week": [300, 90], "usual": 52, "points": [["2026-11-01", 50, 26], ["2026-11-02", 0, 0]]}
    return make(health=NumberHealth.FALLING, health_data=data, health_at=clock.now())


def test_the_page_of_a_falling_number_shows_its_shares_and_what_to_do(people: People) -> None:
    number_id = falling()
    page = people.sasha.get(f"/admin/numbers/details/?id={number_id}&tab=health")
    assert "15 % (ответили 6 из 40)" in page.text
    assert "52 %" in page.text
    assert "Дайте номеру отдохнуть" in page.text
    assert "01.11.2026" in page.text
    assert "02.11.2026" not in page.text


@pytest.mark.parametrize("trouble", ["stuck", "falling", "resting"])
def test_the_list_shows_what_wants_attention(people: People, trouble: str) -> None:
    wanted = {
        "stuck": lambda: make(state=NumberState.BUSY),
        "falling": falling,
        "resting": lambda: make(rests_until=clock.now() + MONTH),
    }[trouble]()
    make()
    page = people.sasha.get(f"/admin/numbers/?trouble={trouble}")
    assert "Всего найдено: 1" in page.text
    assert f"id={wanted}" in page.body


def test_a_stuck_number_says_why_and_is_given_back(people: People) -> None:
    number_id = make(state=NumberState.BUSY)
    sasha = people.sasha
    assert "занят, но рассылки нет" in sasha.get(f"/admin/numbers/details/?id={number_id}").text
    agree(sasha.post("/admin/numbers/action/", action="release_stuck", id=str(number_id)))
    assert of(number_id).state is NumberState.FREE


# What an action would do


def agree(page: Page, **fields: str) -> Page:
    """Confirm the question on the page."""
    return page.form(has="confirmed").submit(**fields)


def test_support_rents_out_many_after_seeing_the_price_of_each(people: People) -> None:
    first, second = make(phone=79250005001), make(phone=79250005002)
    duty = make(phone=79250005003, kind=NumberKind.DUTY)
    sasha = people.sasha
    ids = [str(item) for item in (first, second, duty)]
    asked = sasha.send("/admin/numbers/action/", {"action": "rent", "id": ids, "csrf_token": sasha.token()})
    assert "Посчитать" in asked.text
    day = factories.day_in(2)
    shown = agree(asked, customer_id="Ромашка", until=day)
    said = facts(shown)
    assert said["+7(925)000-50-01"] == said["+7(925)000-50-02"] == "45,00 ₽"
    assert said["+7(925)000-50-03"] == "не общий"
    assert said["Всего спишется"] == "90,00 ₽"
    assert rentals() == []
    agree(shown)
    assert rentals() == [Decimal("45.00"), Decimal("45.00")]


def test_a_quote_that_changed_is_shown_again(people: People) -> None:
    number_id = make()
    sasha = people.sasha
    day = factories.day_in(2)
    asked = sasha.post("/admin/numbers/action/", one=f"rent:{number_id}")
    shown = agree(asked, customer_id=str(people.customer_id), until=day)
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(Tariff).values(rental_day_price=Decimal("20")))
    again = agree(shown)
    assert "Расчёт изменился" in again.text
    assert "60,00 ₽" in again.text
    assert rentals() == []


def test_many_numbers_are_listed_in_part_and_added_up(people: People) -> None:
    pay_in(people, "10000")
    ids = [str(make()) for _ in range(22)]
    sasha = people.sasha
    asked = sasha.send("/admin/numbers/action/", {"action": "rent", "id": ids, "csrf_token": sasha.token()})
    day = factories.day_in(2)
    shown = agree(asked, customer_id="Ромашка", until=day)
    said = facts(shown)
    assert (said["И ещё номеров: 2"], said["Всего спишется"]) == ("90,00 ₽", "990,00 ₽")


def test_a_warning_is_given_when_the_money_will_not_do(people: People) -> None:
    ids = [str(make()) for _ in range(20)]
    sasha = people.sasha
    asked = sasha.send("/admin/numbers/action/", {"action": "rent", "id": ids, "csrf_token": sasha.token()})
    day = factories.day_in(20)
    assert "Денег у клиента не хватит" in agree(asked, customer_id="Ромашка", until=day).text


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [("ООО", "Подходят несколько клиентов"), ("нет таких", "Такого клиента нет."), ("", "Заполните это поле.")],
)
def test_a_customer_is_found_by_his_name_or_asked_for_again(people: People, typed: str, sentence: str) -> None:
    asked = people.sasha.post("/admin/numbers/action/", one=f"rent:{make()}")
    page = agree(asked, customer_id=typed, until="2027-01-01")
    assert sentence in page.text
    assert page.tree.xpath("string(//input[@name='customer_id']/@value)") == typed


@pytest.mark.parametrize("action", ["release", "block"])
def test_taking_a_number_away_names_the_campaigns_that_will_stop(people: People, action: str) -> None:
    number_id = busy(people.customer_id)
    asked = people.sasha.post("/admin/numbers/action/", one=f"{action}:{number_id}")
    assert "Осенний обзвон" in asked.text
    assert "Рассылки остановятся и будут ждать другой номер" in asked.text
    agree(asked, reason="жалобы")
    assert of(number_id).state is (NumberState.FREE if action == "release" else NumberState.BLOCKED)


def test_a_campaign_that_took_a_number_meanwhile_is_shown_before_it_is_stopped(people: People) -> None:
    number_id = make()
    asked = people.sasha.post("/admin/numbers/action/", one=f"block:{number_id}")
    with unit_of_work(SYSTEM) as session:
        campaign = factories.campaign(session, session.get_one(Customer, people.customer_id), name="Внезапный")
        phone_number.lease(session, campaign)
    again = agree(asked, reason="жалобы")
    assert "Внезапный" in again.text
    assert of(number_id).state is NumberState.BUSY
    agree(again)
    assert of(number_id).state is NumberState.BLOCKED


def test_support_gives_a_number_a_rest_and_wakes_it(people: People) -> None:
    number_id = make()
    sasha = people.sasha
    agree(sasha.post("/admin/numbers/action/", one=f"rest:{number_id}"), days="5", reason="жалобы")
    assert "Отдыхает до" in sasha.get(f"/admin/numbers/details/?id={number_id}").text
    agree(sasha.post("/admin/numbers/action/", one=f"wake:{number_id}"))
    assert of(number_id).rests_until is None


def test_what_will_be_refused_is_said_before(people: People) -> None:
    number_id = make()
    rent_out(number_id, people.customer_id)
    lida = people.lida
    assert "есть оплаченная аренда" in lida.post("/admin/numbers/action/", one=f"delete:{number_id}").text
    asked = lida.post("/admin/numbers/action/", one=f"kind:{number_id}")
    assert "Номера в аренде." in agree(asked, kind="duty").text
