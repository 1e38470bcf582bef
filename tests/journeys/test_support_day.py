"""A day of support: whatever it writes about a customer, the customer reads in his log."""

import re
from decimal import Decimal

import pytest
import sqlalchemy as sa

from callcab.config import Settings
from callcab.db import unit_of_work
from callcab.jobs import worker
from callcab.models import BlacklistSource, Customer, Invoice, InvoiceState, NumberKind, NumberState, Payment
from callcab.scope import Actor, Scope
from callcab.services import blacklist, invoice, ip_rule, ledger
from callcab.services.company import Buyer
from tests import factories
from tests.client import Browser, Page
from tests.people import PASSWORD, People

SYSTEM = Scope.system("test")
CLIENTS = "/admin/clients/"
OFFICE, HOME = "203.0.113.7", "127.0.0.1"


@pytest.fixture
def customer(people: People) -> int:
    """A customer with a number, an unpaid invoice, a blacklisted number and an allow list of the office only."""
    with unit_of_work(SYSTEM) as session:
        factories.seller(session)
        row_id, owner = people.customer_id, Actor("Ольга", "owner")
        factories.number(
            session, phone=79253944577, kind=NumberKind.PERSONAL, state=NumberState.VERIFIED, customer_id=row_id
        )
        invoice.issue(
            session,
            customer_id=row_id,
            buyer=Buyer(inn="7702070139", kpp="770943002", name="Банк ВТБ (ПАО)"),
            amount=Decimal("120.00"),
            basis="",
            request_key="day",
            actor=owner,
        )
        blacklist.add_many(session, row_id, [79991112233], source=BlacklistSource.HAND, actor=Actor.system("test"))
        ip_rule.add(session, customer_id=row_id, text=OFFICE, current_address=None, actor=Actor.system())
        return row_id


def act(browser: Browser, page: str, one: str, **values: str) -> Page:
    """Choose an action in a row's menu of a list, and answer its question."""
    question = browser.get(page).form(has="expect").submit(one=one)
    return question.form(has="confirmed").submit(**values)


def find_by_number(browser: Browser, customer_id: int) -> Page:
    """From the search box to the number, from the number to its customer."""
    page = browser.get("/admin/search/", query={"q": "8 (925) 394-45-77"})
    assert "+7(925)394-45-77" in page.text
    found = browser.get(page.link("ООО «Ромашка»"))
    assert found.title == "ООО «Ромашка»"
    return found


def open_the_door(people: People, lida: Browser) -> None:
    home = Browser(people.app, address=HOME)
    home.sign_in(people.emails["olga"], PASSWORD, status=403)
    denial = re.search(r"open:(\d+)", lida.get("/admin/ip-denied/").body)
    assert denial
    page = act(lida, "/admin/ip-denied/", denial[0], reason="звонок клиента")
    assert "Дверь открыта" in page.text
    assert home.sign_in(people.emails["olga"], PASSWORD).url == "/cabinet/"


def block_and_unblock(people: People, lida: Browser, customer_id: int) -> None:
    act(lida, CLIENTS, f"block:{customer_id}", reason="выясняем долг")
    refused = Browser(people.app, address=OFFICE).sign_in(people.emails["olga"], PASSWORD, status=None)
    assert "выясняем долг" in refused.text
    lida.get(CLIENTS).form(has="expect").submit(one=f"unblock:{customer_id}")
    assert Browser(people.app, address=OFFICE).sign_in(people.emails["olga"], PASSWORD).url == "/cabinet/"


def pay_and_reverse(lida: Browser, customer_id: int) -> None:
    form = lida.get("/admin/payments/new/").form(has="amount")
    assert "700,00" in form.submit(customer=str(customer_id), amount="700", method="card").text
    with unit_of_work(SYSTEM) as session:
        row_id = session.scalar(sa.select(Payment.id).where(Payment.amount == Decimal("700.00")))
    page = act(lida, "/admin/payments/", f"reverse:{row_id}", reason="ошибка кассира")
    assert "Сторно" in page.text


def export_blacklist(lida: Browser, settings: Settings, customer_id: int) -> str:
    page = lida.get("/admin/blacklist/", query={"customer": str(customer_id)})
    page = page.form(to="/admin/blacklist/export/").submit()
    worker.run(settings, burst=True)
    page = lida.get(page.url + "?" + page.response.request.query_string.decode())
    return lida.get(page.link("Скачать")).response.get_data().decode("utf-8-sig")


def test_support_gets_through_a_day_and_the_customer_reads_of_it(
    people: People, settings: Settings, customer: int
) -> None:
    lida = people.lida
    find_by_number(lida, customer)
    open_the_door(people, lida)
    act(lida, CLIENTS, f"credit:{customer}", amount="1 200,50", reason="извинения")
    block_and_unblock(people, lida, customer)
    with unit_of_work(SYSTEM) as session:
        bill = session.scalars(sa.select(Invoice.id)).one()
    assert "Отменён" in act(lida, "/admin/invoices/", f"cancel:{bill}", reason="двойной счёт").text
    pay_and_reverse(lida, customer)
    assert "+7(999)111-22-33" in export_blacklist(lida, settings, customer)

    with unit_of_work(SYSTEM) as session:
        assert ledger.discrepancies(session) == []
        assert session.get_one(Customer, customer).balance == Decimal("2200.50")
        assert session.get_one(Invoice, bill).state is InvoiceState.CANCELLED
    olga = people.browser("olga", address=OFFICE)
    rows = [row for row in olga.get("/cabinet/audit/", query={"side": "staff"}).rows() if "Поддержка" in row]
    seen = "\n".join(" | ".join(row) for row in rows)
    for action, reason in (
        ("Временно открыт вход с любого адреса", "звонок клиента"),
        ("Корректировка баланса", "извинения"),
        ("Клиент заблокирован", "выясняем долг"),
        ("Клиент разблокирован", ""),
        ("Счёт аннулирован", "двойной счёт"),
        ("Записан платёж", ""),
        ("Платёж сторнирован", "ошибка кассира"),
    ):
        assert [row for row in rows if action in row and reason in " ".join(row)], f"{action}\n{seen}"
    assert "Лида" not in seen
