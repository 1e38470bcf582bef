"""Requisites, price plans and the ledger in the back office."""

from decimal import Decimal

import psycopg
import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import ledger as jobs
from callcab.lib import clock
from callcab.models import AuditEvent, LedgerCheck, Seller, Tariff
from callcab.scope import Scope
from callcab.services import ledger, ledger_check
from tests import factories
from tests.people import People

SYSTEM = Scope.system("test")


@pytest.fixture
def seller_id(people: People) -> int:
    with unit_of_work(SYSTEM) as session:
        return factories.seller(session).id


def stored(seller_id: int) -> Seller:
    with unit_of_work(SYSTEM) as session:
        return session.get_one(Seller, seller_id)


def test_an_administrator_changes_requisites_and_the_change_is_logged(people: People, seller_id: int) -> None:
    form = people.admin.get(f"/admin/sellers/edit/?id={seller_id}").form(has="bik")
    page = form.submit(head="Сидоров С. С.")
    assert "Сохранено." in page.text
    assert stored(seller_id).head == "Сидоров С. С."
    with unit_of_work(SYSTEM) as session:
        event = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "seller.edit")).one()
    assert (event.before, event.after) == ({"head": "Иванов И. И."}, {"head": "Сидоров С. С."})


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("account", "40702810138250123018", "Ключ счёта не сходится с БИК"),
        ("corr_account", "30101810400000000226", "это счёт другого банка"),
        ("bik", "944525225", "БИК начинается с 0, 1 или 2."),
        ("due_days", "abc", "Срок оплаты"),
    ],
)
def test_wrong_requisites_are_refused_at_their_field(
    people: People, seller_id: int, field: str, value: str, sentence: str
) -> None:
    form = people.admin.get(f"/admin/sellers/edit/?id={seller_id}").form(has="bik")
    page = form.submit(**{field: value}, status=422)
    assert sentence in page.text
    assert page.form(has="bik").values[field] == value


def test_a_second_saver_sees_both_values_and_may_decide(people: People, seller_id: int) -> None:
    browser = people.admin
    late = browser.get(f"/admin/sellers/edit/?id={seller_id}").form(has="bik")
    browser.get(f"/admin/sellers/edit/?id={seller_id}").form(has="bik").submit(head="Первая П. П.")
    page = late.submit(head="Второй В. В.", status=409)
    assert "Первая П. П." in page.text
    assert "Второй В. В." in page.text
    assert stored(seller_id).head == "Первая П. П."
    page.form(has="bik").submit()
    assert stored(seller_id).head == "Второй В. В."


def test_new_requisites_become_the_ones_that_invoice(people: People, seller_id: int) -> None:
    form = people.admin.get("/admin/sellers/new/").form(has="bik")
    form.submit(
        name="ООО «Новая»", inn="7702070139", kpp="770201001", address="Москва", bank_name="ПАО СБЕРБАНК",
        bik="044525225", corr_account="30101810400000000225", account="40702810138250123017", head="А", accountant="Б",
        service_name="Связь", vat_mode="inside", vat_rate="22", due_days="5", is_default="y",
    )  # fmt: skip
    assert not stored(seller_id).is_default
    with unit_of_work(SYSTEM) as session:
        assert session.scalars(sa.select(Seller.name).where(Seller.is_default)).one() == "ООО «Новая»"


def test_a_lead_may_read_requisites_only(people: People, seller_id: int) -> None:
    people.lida.get(f"/admin/sellers/details/?id={seller_id}")
    people.lida.get(f"/admin/sellers/edit/?id={seller_id}", status=403)
    people.sasha.get("/admin/sellers/", status=403)


def test_an_administrator_makes_and_changes_a_tariff(people: People) -> None:
    browser = people.admin
    form = browser.get("/admin/tariffs/new/").form(has="minute_price")
    form.submit(name="Оптовый", minute_price="1,2345", first_seconds="30", step_seconds="1", rental_day_price="10")
    with unit_of_work(SYSTEM) as session:
        made = session.scalars(sa.select(Tariff).where(Tariff.name == "Оптовый")).one()
    assert (made.minute_price, made.first_seconds) == (Decimal("1.2345"), 30)
    form = browser.get(f"/admin/tariffs/edit/?id={made.id}").form(has="minute_price")
    assert form.submit(minute_price="1,23456", status=422).status == 422
    form.submit(minute_price="1,5")
    assert "1,50 ₽" in browser.get("/admin/tariffs/").text


def test_the_ledger_lists_entries_and_says_that_all_is_well(people: People) -> None:
    page = people.sasha.get("/admin/ledger/?search=1000")
    assert len(page.rows()) == 2
    assert people.sasha.get("/admin/ledger/?search=1000,01").rows()[0][0].startswith("Ничего не найдено")


def check_now(people: People) -> str:
    people.sasha.get("/admin/ledger/").form(action="/admin/ledger/check/").submit()
    with unit_of_work(SYSTEM) as session:
        check_id = session.scalars(sa.select(sa.func.max(LedgerCheck.id))).one()
    jobs.check(check_id)
    return people.sasha.get("/admin/ledger/").text


def test_the_ledger_page_shows_the_last_check_and_when_it_was(people: People) -> None:
    assert "Балансы с проводками ещё не сверяли." in people.sasha.get("/admin/ledger/").text
    assert "Всё сходится: баланс каждого клиента равен сумме его проводок. Сверено" in check_now(people)


def test_the_ledger_page_reads_no_entries_to_tell_that_all_is_well(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(session: object) -> list[dict[str, object]]:
        raise AssertionError("a page must not add everything up")

    check_now(people)
    monkeypatch.setattr(ledger, "discrepancies", forbidden)
    assert "Всё сходится" in people.sasha.get("/admin/ledger/").text


def test_the_ledger_page_names_who_is_off_until_a_check_finds_him_well(people: People, owner_dsn: str) -> None:
    def shift(by: int) -> None:
        with psycopg.connect(owner_dsn) as connection:
            connection.execute("UPDATE customer SET balance = balance + %s WHERE id = %s", (by, people.customer_id))

    shift(7)
    text = check_now(people)
    assert "Балансы не сходятся с проводками у клиентов: 1." in text
    assert "баланс 1 007,00 ₽, проводки 1 000,00 ₽" in text.replace("\xa0", " ")
    shift(-7)
    assert "не сходятся" in people.sasha.get("/admin/ledger/").text
    assert "Всё сходится" in check_now(people)


def test_an_old_check_is_not_sold_as_news(people: People) -> None:
    check_now(people)
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(LedgerCheck).values(finished_at=clock.now() - ledger_check.STALE * 1.01))
    assert "прошло больше двух часов" in people.sasha.get("/admin/ledger/").text


def test_every_price_of_a_tariff_is_edited_and_read_by_its_customer(people: People) -> None:
    form = people.admin.get("/admin/tariffs/edit/?id=1").form(has="minute_price")
    form.submit(
        duty_minute_price="0,95", personal_minute_price="0", rented_minute_price="", attempt_price="0,1",
        machine_price="0,5", match_region="y",
    )  # fmt: skip
    page = people.olga.get("/cabinet/tariff/")
    for said in ("с дежурного номера0,95 ₽", "с личного номера0,00 ₽", "с арендного номера1,80 ₽", "отклонили0,10 ₽",
                 "Автоответчик0,50 ₽", "подбираем, если свободен", "1:352,88 ₽"):  # fmt: skip
        assert said in page.text
    assert "с дежурного номера0,95 ₽" in people.admin.get("/admin/tariffs/details/?id=1").text
    assert people.admin.get("/admin/tariffs/edit/?id=1").form(has="minute_price").values["duty_minute_price"] == "0,95"


@pytest.mark.parametrize(
    ("field", "typed"), [("attempt_price", ""), ("machine_price", "-1"), ("duty_minute_price", "дёшево")]
)
def test_a_wrong_price_is_refused_at_its_field(people: People, field: str, typed: str) -> None:
    form = people.admin.get("/admin/tariffs/edit/?id=1").form(has="minute_price")
    page = form.submit(**{field: typed}, status=422)
    assert page.tree.xpath(f"string(//*[@id='{field}-error'])").strip().startswith("Введите цену от 0")
    assert page.form(has="minute_price").values[field] == typed


@pytest.mark.parametrize("name", ["olga", "kolya", "vera"])
def test_everybody_of_a_customer_reads_his_tariff_and_nobody_the_list(people: People, name: str) -> None:
    browser = people.browser(name)
    browser.get("/cabinet/tariff/")
    browser.get("/admin/tariffs/", status=404)


def test_tariffs_are_for_administrators(people: People) -> None:
    people.lida.get("/admin/tariffs/", status=403)
