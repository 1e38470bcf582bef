"""Pages of payments: the customer's history, support's list and its forms."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import psycopg
import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.models import Customer, Payment, PaymentMethod
from callcab.scope import Actor, Scope
from callcab.services import ledger, payment
from tests.people import People

SYSTEM = Scope.system("test")
STAFF = Actor("Лида", "lead")
RECEIPT = "https://check.example/rec?t=1&s=2"


def pay(customer_id: int, amount: str, **values: object) -> int:
    options = {"method": PaymentMethod.CARD, "actor": STAFF, **values}
    with unit_of_work(SYSTEM) as session:
        return payment.record(session, customer_id=customer_id, amount=Decimal(amount), **options).id


def balance(customer_id: int) -> Decimal:
    with unit_of_work(SYSTEM) as session:
        assert ledger.discrepancies(session) == []
        return session.get_one(Customer, customer_id).balance


def count() -> int:
    with unit_of_work(SYSTEM) as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Payment)) or 0


def test_the_history_shows_own_payments_with_the_columns_of_the_product(people: People) -> None:
    pay(people.customer_id, "1200.50", receipt_url=RECEIPT)
    pay(people.other_id, "777.00")
    page = people.olga.get("/cabinet/payments/")
    assert page.title == "История платежей"
    headings = " ".join(" ".join(node.itertext()) for node in page.tree.xpath("//table//th"))
    for name in ("Дата создания", "Сумма", "Тариф", "Тип", "Метод оплаты", "Ссылка на чек"):
        assert name in headings
    assert "1 200,50 ₽" in page.text and "777,00" not in page.text


def test_a_receipt_link_opens_apart_and_tells_nothing(people: People) -> None:
    pay(people.customer_id, "100.00", receipt_url=RECEIPT)
    found = people.olga.get("/cabinet/payments/").tree.xpath(f"//a[@href='{RECEIPT}']")
    assert found[0].get("rel") == "noopener noreferrer" and found[0].get("target") == "_blank"


def test_no_receipt_is_a_dash(people: People) -> None:
    pay(people.customer_id, "100.00")
    assert people.olga.get("/cabinet/payments/").rows()[0][-1].endswith("—")


def test_an_unsafe_link_in_the_database_is_never_clickable(
    people: People, owner_connection: psycopg.Connection
) -> None:
    row_id = pay(people.customer_id, "100.00")
    owner_connection.execute("UPDATE payment SET receipt_url = 'javascript:alert(1)' WHERE id = %s", [row_id])
    assert "javascript:" not in people.olga.get("/cabinet/payments/").body


@pytest.mark.parametrize("typed", ["1200,50", "1200.50", "1 200,50", "1\u00a0200,50", "1 200,50 ₽"])
def test_a_sum_is_found_in_any_spelling(people: People, typed: str) -> None:
    pay(people.customer_id, "1200.50")
    pay(people.customer_id, "1200.00")
    assert len(people.olga.get("/cabinet/payments/", query={"search": typed}).rows()) == 1


@pytest.mark.parametrize("typed", ["чек", "%", "1200,501", "1' OR '1'='1", "99999999999999999999"])
def test_other_text_finds_nothing_and_breaks_nothing(people: People, typed: str) -> None:
    pay(people.customer_id, "1200.50")
    assert "Ничего не найдено" in people.olga.get("/cabinet/payments/", query={"search": typed}).text


def test_dates_are_of_the_customers_zone_and_both_ends_are_included(
    people: People, owner_connection: psycopg.Connection
) -> None:
    row_id = pay(people.customer_id, "321.00")
    at = datetime(2026, 3, 5, 0, 30, 59, tzinfo=ZoneInfo("Europe/Moscow"))
    owner_connection.execute("UPDATE payment SET created_at = %s WHERE id = %s", [at, row_id])
    browser = people.olga
    whole = {"created_from": "05.03.2026", "created_from_time": "00:30", "created_to": "05.03.2026"}
    assert "321,00 ₽" in browser.get("/cabinet/payments/", query={**whole, "created_to_time": "00:30"}).rows()[0]
    before = {"created_from": "04.03.2026", "created_to": "04.03.2026"}
    assert "Ничего не найдено" in browser.get("/cabinet/payments/", query=before).text


def test_the_filter_is_named_as_in_the_product(people: People) -> None:
    text = people.olga.get("/cabinet/payments/").text
    assert "Минимальная дата" in text and "Максимальная дата" in text


def test_support_records_a_payment_and_a_doubled_form_is_one(people: People) -> None:
    form = people.sasha.get("/admin/payments/new/").form(has="amount")
    typed = {"customer": f"{people.customer_id} · ООО «Ромашка»", "amount": "1 200,50", "method": "card"}
    form.submit(**typed)
    assert "1 200,50" in form.submit(**typed).text
    assert count() == 1 and balance(people.customer_id) == Decimal("2200.50")


def test_a_customer_is_taken_by_name(people: People) -> None:
    people.sasha.get("/admin/payments/new/").form(has="amount").submit(
        customer="ооо «ромашка»", amount="5", method="manual"
    )
    assert balance(people.customer_id) == Decimal("1005.00")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"amount": "0,001"}, "копейки не округляются"),
        ({"amount": "-5"}, "больше нуля"),
        ({"amount": "много"}, "Введите сумму числом"),
        ({"customer": "никто"}, "Выберите клиента"),
        ({"customer": "999999"}, "Такого клиента нет"),
        ({"receipt_url": "javascript:alert(1)"}, "Ссылка на чек должна"),
        ({"method": "promo"}, "Выберите значение"),
    ],
)
def test_a_refused_form_says_why_and_keeps_what_was_typed(people: People, typed: dict[str, str], words: str) -> None:
    sent = {"customer": str(people.customer_id), "amount": "500", "method": "card", **typed}
    form = people.sasha.get("/admin/payments/new/").form(has="amount")
    page = form.submit(status=None, **sent)
    assert page.status in (404, 422) and words in page.text
    if "receipt_url" not in typed and "method" not in typed:
        assert page.form(has="amount").values["amount"] == sent["amount"]
    assert count() == 0


def test_a_lead_corrects_down_and_an_agent_may_not(people: People) -> None:
    people.lida.get("/admin/payments/correct/").form(has="reason").submit(
        customer=str(people.customer_id), amount="-100", reason="Двойное зачисление"
    )
    assert balance(people.customer_id) == Decimal("900.00")
    people.sasha.get("/admin/payments/correct/", status=403)


def test_a_payment_is_reversed_with_a_reason_and_stays(people: People) -> None:
    row_id = pay(people.customer_id, "500.00")
    browser = people.lida
    token = browser.get("/admin/payments/").tree.xpath("//input[@name='csrf_token']/@value")[0]
    asked = browser.send("/admin/payments/action/", {"csrf_token": token, "one": f"reverse:{row_id}"}, status=None)
    assert "Это действие нельзя отменить." in asked.text
    done = asked.form(has="reason").submit(reason="Ошибка кассира")
    assert "Сторно" in done.text
    assert count() == 2 and balance(people.customer_id) == Decimal("1000.00")


def test_a_customer_sees_no_forms_of_support(people: People) -> None:
    for path in ("/admin/payments/", "/admin/payments/new/", "/admin/payments/correct/"):
        assert people.olga.get(path, status=None).status in (403, 404)
