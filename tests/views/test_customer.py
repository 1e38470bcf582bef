"""Support looks after customers."""

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.models import AuditEvent, Customer, MailMessage, NumberKind, NumberState, User
from callcab.scope import Scope
from tests import factories, world
from tests.client import Browser
from tests.people import PASSWORD, People

LIST = "/admin/clients/"


def load(people: People) -> Customer:
    with unit_of_work(Scope.system("test")) as session:
        return session.get_one(Customer, people.customer_id)


def act(browser: Browser, people: People, name: str, **values: str) -> object:
    page = browser.get(LIST)
    question = page.form(has="expect").submit(one=f"{name}:{people.customer_id}")
    return question.form(has="confirmed").submit(**values)


@pytest.mark.parametrize("typed", ["Ромашка", "7707083893", "romashka"])
def test_a_customer_is_found_by_name_inn_or_mail(people: People, typed: str) -> None:
    with unit_of_work(Scope.system("test")) as session:
        session.get_one(Customer, people.customer_id).email = "office@romashka.example"
    page = people.sasha.get(LIST, query={"search": typed})
    assert "Всего найдено: 1" in page.text
    assert page.rows()[0][1].startswith("ООО «Ромашка»")


def test_a_blocked_customer_is_out_at_the_next_request_and_can_be_let_in_again(people: People) -> None:
    olga, sasha = people.olga, people.sasha
    act(sasha, people, "block", reason="долг")
    assert olga.get("/cabinet/", status=None).url == "/login"
    assert "долг" in olga.sign_in(people.emails["olga"], PASSWORD, status=None).text
    page = sasha.get(f"{LIST}details/?id={people.customer_id}")
    page.form(has=None, to=f"{LIST}action/")
    sasha.post(f"{LIST}action/", one=f"unblock:{people.customer_id}")
    assert load(people).block_reason is None
    assert olga.sign_in(people.emails["olga"], PASSWORD).url == "/cabinet/"


def test_blocking_needs_a_reason(people: People) -> None:
    page = act(people.sasha, people, "block", reason=" ")
    assert "Укажите причину" in page.text
    assert load(people).block_reason is None


def test_a_credit_moves_the_balance_and_is_seen_by_the_customer(people: People) -> None:
    act(people.lida, people, "credit", amount="1 200,50", reason="извинения")
    assert str(load(people).balance) == "2200.50"
    assert "извинения" in people.olga.get("/cabinet/audit/").text


def test_an_agent_may_not_credit(people: People) -> None:
    people.sasha.post(f"{LIST}action/", one=f"credit:{people.customer_id}", status=403)


def test_a_letter_goes_to_the_outbox(people: People) -> None:
    act(people.sasha, people, "letter", subject="Здравствуйте", text="Ваш номер готов.")
    with unit_of_work(Scope.system("test")) as session:
        assert session.scalars(sa.select(MailMessage.subject)).all() == ["Здравствуйте"]


def test_a_new_customer_comes_with_an_invited_owner(people: People) -> None:
    page = people.lida.get(LIST + "new/").form(has="owner_name")
    page = page.submit(name="ООО «Новая»", inn="7702070139", email="boss@new.example", owner_name="Борис")
    assert page.title == "ООО «Новая»"
    with unit_of_work(Scope.system("test")) as session:
        boss = session.scalars(sa.select(User).where(User.email == "boss@new.example")).one()
        assert boss.role == "owner"
        assert session.scalars(sa.select(MailMessage.kind)).all() == ["invite"]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [("inn", "7707083890", "ИНН"), ("email", "не адрес", "адрес почты"), ("name", "  ", "Заполните")],
)
def test_a_wrong_field_is_told_and_keeps_what_was_typed(people: People, field: str, value: str, sentence: str) -> None:
    page = people.lida.get(f"{LIST}edit/?id={people.customer_id}").form(has="inn")
    page = page.submit(**{"name": "Другое имя", field: value}, status=422)
    assert sentence in page.text
    assert page.form(has="inn").values[field] == value
    assert load(people).name == "ООО «Ромашка»"


def test_the_second_saver_sees_both_values_and_loses_nothing(people: People) -> None:
    first = people.sasha.get(f"{LIST}edit/?id={people.customer_id}").form(has="inn")
    second = people.lida.get(f"{LIST}edit/?id={people.customer_id}").form(has="inn")
    first.submit(name="Имя Саши")
    page = second.submit(name="Имя Лиды", status=409)
    assert "Сейчас сохранено: Имя Саши" in page.text
    assert page.form(has="inn").values["name"] == "Имя Лиды"
    page.form(has="inn").submit()
    assert load(people).name == "Имя Лиды"


@pytest.mark.parametrize(
    "tab", ["", "numbers", "invoices", "payments", "promo", "blacklist", "ip", "campaigns", "audit", "notes"]
)
def test_each_tab_of_a_customer_opens(people: People, tab: str) -> None:
    world.fill(people)
    page = people.sasha.get(f"{LIST}details/?id={people.other_id}&tab={tab}")
    assert page.title == "ООО «Чужие»"
    assert tab in ("", "notes") or "Ничего не найдено" not in page.text


def test_a_note_is_for_colleagues_only(people: People) -> None:
    people.sasha.post(f"{LIST}note/", id=str(people.customer_id), text="звонить после обеда")
    assert "звонить после обеда" in people.lida.get(f"{LIST}details/?id={people.customer_id}&tab=notes").text


def test_every_change_is_in_the_log(people: People) -> None:
    act(people.sasha, people, "block", reason="долг")
    with unit_of_work(Scope.system("test")) as session:
        event = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "customer.block")).one()
    assert (event.actor_name, event.customer_id, event.reason) == ("Саша Агент", people.customer_id, "долг")


def test_customers_have_no_way_to_the_back_office(people: People) -> None:
    people.olga.get(LIST, status=404)


def test_the_list_counts_numbers_and_narrows_by_tariff_and_manager(people: People) -> None:
    with unit_of_work(Scope.system("test")) as session:
        row = session.get_one(Customer, people.customer_id)
        row.manager_id = factories.user(session, None, "agent", name="Марина").id
        for _each in range(2):
            factories.number(session, kind=NumberKind.PERSONAL, state=NumberState.VERIFIED, customer_id=row.id)
        tariff_id, manager_id = row.tariff_id, row.manager_id
    sasha = people.sasha
    page = sasha.get("/admin/clients/", query={"manager": str(manager_id), "tariff": str(tariff_id)})
    assert "Всего найдено: 1" in page.text
    assert page.rows()[0][5] == "2"
    assert sasha.get("/admin/clients/lookup/?field=manager&q=мар").response.json == [f"{manager_id} · Марина"]


def test_the_tabs_of_a_customer_speak_in_words_and_lead_on(people: People) -> None:
    act(people.lida, people, "credit", amount="100", reason="извинения")
    sasha = people.sasha
    details = f"{LIST}details/?id={people.customer_id}"
    log = sasha.get(f"{details}&tab=audit")
    assert log.rows()[0][2:] == ["Корректировка баланса", "Сумма: 100,00 ₽", "извинения"]
    paid = sasha.get(f"{details}&tab=payments")
    assert paid.rows()[0][1:4] == ["100,00 ₽", "Корректировка", "Вручную"]
    assert f"/admin/payments/new/?customer={people.customer_id}" in paid.body
    assert "/admin/payments/correct/" not in paid.body  # an agent may not
    assert f"/admin/invoices/compose/?customer={people.customer_id}" in sasha.get(details).body
    assert "Отказов не было" in sasha.get(f"{details}&tab=ip").text
