"""Pages of invoices: from the INN to the PDF, refusals in Russian, and what support does with an invoice."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

import pypdfium2
import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.models import Customer, Invoice, InvoiceState, Seller
from callcab.providers.company import CompanyInfo, CompanyStatus, NoDirectory, Unavailable
from callcab.scope import Actor, Scope
from callcab.services import company, invoice, ledger
from callcab.services.company import Buyer
from tests import factories
from tests.client import FormOnPage, Page
from tests.people import People

SYSTEM = Scope.system("test")
INN = "7702070139"
VTB = CompanyInfo(INN, "Банк ВТБ (ПАО)", "770943002", "1027739609391", "г. Санкт-Петербург", "Костин А. Л.")
LIST = "/cabinet/invoices/"
COMPOSE = "/cabinet/invoices/compose/"


class Register:
    def __init__(self) -> None:
        self.found: Sequence[CompanyInfo] = (VTB,)
        self.away = False

    def find(self, inn: str) -> Sequence[CompanyInfo]:
        if self.away:
            raise Unavailable("HTTP 403")
        return self.found


@pytest.fixture
def register(people: People) -> Iterator[Register]:
    made = Register()
    company.use(made)
    with unit_of_work(SYSTEM) as session:
        factories.seller(session, name="ООО «Колкаб»", inn="7736207543", kpp="773601001")
    yield made
    company.use(NoDirectory())


def filled(page: Page) -> FormOnPage:
    return page.form(has="amount")


def issued(customer_id: int, amount: str = "120.00", key: str = "a") -> Invoice:
    with unit_of_work(SYSTEM) as session:
        return invoice.issue(
            session,
            customer_id=customer_id,
            buyer=Buyer(inn=INN, kpp="770943002", name="Банк ВТБ (ПАО)"),
            amount=Decimal(amount),
            basis="",
            request_key=key,
            actor=Actor("Ольга", "owner"),
        )


def read(invoice_id: int) -> Invoice:
    with unit_of_work(SYSTEM) as session:
        return session.get_one(Invoice, invoice_id)


def text_of(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    return " ".join(" ".join(page.get_textpage().get_text_range() for page in document).split())


def test_a_customer_goes_from_the_inn_to_the_pdf(people: People, register: Register) -> None:
    olga = people.olga
    page = olga.get(LIST)
    assert (page.title, page.rows()) == ("Счета", [])
    assert "Оплата по счету в банке" in page.text
    form = filled(page.form(has="inn").submit(inn=" 7702 070139 "))
    assert form.values["name"] == "Банк ВТБ (ПАО)"
    assert form.values["address"] == "г. Санкт-Петербург"
    done = form.submit(amount="1 200,50", basis="Договор № 7")
    assert "Счёт № 1 выписан" in done.text
    assert done.rows()[0][0] == "1"
    assert "1 200,50 ₽" in done.rows()[0]
    assert "Выставлен" in done.rows()[0]
    link = done.tree.xpath("string(//a[@data-start-download]/@href)")
    answer = olga.get(link).response
    assert answer.mimetype == "application/pdf"
    text = text_of(answer.data)
    for words in ("Счет на оплату № 1", "Банк ВТБ (ПАО)", "ООО «Колкаб»", "1 200,50", "Договор № 7"):
        assert words in text.replace("\u00a0", " ")


def test_the_file_name_is_russian_with_a_plain_fallback(people: People, register: Register) -> None:
    row = issued(people.customer_id)
    head = people.olga.get(f"{LIST}pdf/?id={row.id}").response.headers["Content-Disposition"]
    assert head.startswith('attachment; filename="invoice-1-')
    assert "filename*=UTF-8''%D0%A1%D1%87%D0%B5%D1%82%20%E2%84%96%201" in head


def test_the_list_of_a_reload_starts_no_download(people: People, register: Register) -> None:
    row = issued(people.customer_id)
    olga = people.olga
    assert "invoice.js" in olga.get(f"{LIST}?issued={row.id}").body
    assert "invoice.js" not in olga.get(LIST).body


@pytest.mark.parametrize("query", ["?id=0", "?id=x", "?id=", "", "?id=999999999999999999999"])
def test_a_pdf_of_nothing_is_not_found(people: People, register: Register, query: str) -> None:
    people.olga.get(f"{LIST}pdf/{query}", status=404)


def test_a_stranger_finds_nothing_of_it(people: People, register: Register) -> None:
    row = issued(people.customer_id)
    stranger = people.stranger
    stranger.get(f"{LIST}pdf/?id={row.id}", status=404)
    page = stranger.get(f"{LIST}?issued={row.id}")
    assert page.rows() == []
    assert not page.tree.xpath("//a[@data-start-download]")
    assert "Банк ВТБ" not in page.text


def test_a_viewer_sees_invoices_and_composes_none(people: People, register: Register) -> None:
    issued(people.customer_id)
    vera = people.browser("vera")
    page = vera.get(LIST)
    assert len(page.rows()) == 1
    assert "Введите ИНН" not in page.text
    vera.get(f"{COMPOSE}?inn={INN}", status=403)
    vera.post(COMPOSE, status=403, inn=INN)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Введите ИНН."),
        ("7702070138", "Контрольные цифры ИНН не сходятся"),
        ("770207013", "потерялся ноль"),
        ("<b>77", "только цифры"),
        ("0000000000", "из одних нулей"),
    ],
)
def test_a_wrong_inn_stays_typed_and_is_explained(
    people: People, register: Register, typed: str, sentence: str
) -> None:
    page = people.olga.get(COMPOSE, query={"inn": typed}, status=422)
    assert sentence in page.text
    assert page.form(has="inn").values["inn"] == typed


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("inn", "7702070138", "Контрольные цифры ИНН не сходятся"),
        ("kpp", "", "у организации он обязателен"),
        ("ogrn", "12", "В ОГРН 13 цифр"),
        ("name", "", "Заполните это поле."),
        ("amount", "", "Введите сумму."),
        ("amount", "сто", "Введите сумму числом"),
        ("amount", "-5", "не может быть отрицательной"),
        ("amount", "0", "отличную от нуля"),
        ("amount", "1,005", "двух знаков"),
        ("amount", "99999999999", "слишком велика"),
        ("basis", "ж" * 301, "не больше 300 знаков"),
    ],
)
def test_wrong_fields_keep_what_was_typed(
    people: People, register: Register, field: str, typed: str, sentence: str
) -> None:
    form = filled(people.olga.get(f"{COMPOSE}?inn={INN}"))
    values = {"amount": "100", "basis": "Договор", field: typed}
    page = form.submit(status=422, **values)
    assert sentence in page.text
    again = filled(page).values
    assert {name: again[name] or "" for name in values} == values
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Invoice)) == 0


def test_the_same_form_sent_twice_is_one_invoice(people: People, register: Register) -> None:
    form = filled(people.olga.get(f"{COMPOSE}?inn={INN}"))
    for _ in range(2):
        assert len(form.submit(amount="100").rows()) == 1


def test_an_earlier_payer_is_one_click(people: People, register: Register) -> None:
    issued(people.customer_id)
    register.away = True
    olga = people.olga
    page = olga.get(olga.get(LIST).link("Банк ВТБ (ПАО)"))
    assert filled(page).values["kpp"] == "770943002"


def test_a_register_away_leaves_an_empty_form_with_a_notice(people: People, register: Register) -> None:
    register.away = True
    page = people.olga.get(f"{COMPOSE}?inn={INN}")
    assert "Справочник компаний сейчас не отвечает" in page.text
    assert (filled(page).values["inn"], filled(page).values["name"]) == (INN, "")


def test_several_branches_are_offered_by_kpp(people: People, register: Register) -> None:
    register.found = (VTB, CompanyInfo(INN, "ВТБ, филиал", "784201001"))
    olga = people.olga
    page = olga.get(f"{COMPOSE}?inn={INN}")
    assert filled(page).values["kpp"] == "770943002"
    assert filled(olga.get(page.link("ВТБ, филиал"))).values["kpp"] == "784201001"


def test_a_liquidated_payer_needs_a_confirmation(people: People, register: Register) -> None:
    register.found = (CompanyInfo(INN, "ООО «Бывшее»", "770943002", status=CompanyStatus.LIQUIDATED),)
    page = people.olga.get(f"{COMPOSE}?inn={INN}")
    assert "Компания ликвидирована" in page.text
    refused = filled(page).submit(amount="100", status=422)
    assert "Подтвердите" in refused.text
    assert "выписан" in filled(refused).submit(confirmed="y").text


def test_markup_from_the_register_stays_text(people: People, register: Register) -> None:
    register.found = (CompanyInfo(INN, "<script>alert(1)</script>", "770943002"),)
    olga = people.olga
    page = olga.get(f"{COMPOSE}?inn={INN}")
    assert "<script>alert" not in page.body
    assert "<script>alert" not in filled(page).submit(amount="100").body


def test_look_ups_are_limited_and_the_form_still_opens(people: People, register: Register) -> None:
    olga = people.olga
    for _ in range(20):
        olga.get(f"{COMPOSE}?inn={INN}")
    page = olga.get(f"{COMPOSE}?inn={INN}")
    assert "Слишком много запросов подряд" in page.text
    assert filled(page).values["inn"] == INN


def test_without_a_seller_the_reason_is_told_and_nothing_is_lost(people: People, register: Register) -> None:
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(Seller).values(is_default=False))
    page = filled(people.olga.get(f"{COMPOSE}?inn={INN}")).submit(amount="100", status=409)
    assert "не заполнены реквизиты получателя" in page.text
    assert filled(page).values["amount"] == "100"


def test_a_customer_cancels_his_unpaid_invoice_with_a_reason(people: People, register: Register) -> None:
    row = issued(people.customer_id)
    olga = people.olga
    asked = olga.post(f"{LIST}action/", one=f"cancel:{row.id}")
    done = asked.form(has="reason").submit(reason="ошибка в сумме")
    assert "Отменён" in done.rows()[0]
    assert read(row.id).cancel_reason == "ошибка в сумме"


def test_support_finds_an_invoice_by_number_inn_and_payer(people: People, register: Register) -> None:
    issued(people.customer_id, "120.00", "a")
    issued(people.other_id, "500.00", "b")
    sasha = people.sasha
    for query, numbers in (
        ({"search": "2"}, ["2"]),
        ({"search": "№ 2"}, ["2"]),
        ({"search": "77020701"}, ["2", "1"]),
        ({"search": "втб"}, ["2", "1"]),
        ({"search": "100% '"}, []),
        ({"state": "paid"}, []),
        ({"amount_min": "200"}, ["2"]),
        ({"customer": str(people.customer_id)}, ["1"]),
    ):
        rows = sasha.get("/admin/invoices/", query=query).rows()
        numbers_shown = [next(cell for cell in row if cell) for row in rows if len(row) > 1]
        assert numbers_shown == numbers, query


def test_support_reads_the_lines_and_takes_the_pdf(people: People, register: Register) -> None:
    row = issued(people.customer_id)
    sasha = people.sasha
    page = sasha.get(f"/admin/invoices/details/?id={row.id}")
    assert "Счёт № 1" in page.title
    assert "Услуги связи: пополнение лицевого счёта" in page.text
    assert "22 %, 21,64 ₽" in page.text
    assert sasha.get(f"/admin/invoices/pdf/?id={row.id}").response.mimetype == "application/pdf"
    sasha.get("/admin/invoices/pdf/?id=77", status=404)


def test_support_credits_a_transfer_in_two_parts(people: People, register: Register) -> None:
    row = issued(people.customer_id)
    sasha = people.sasha
    form = sasha.get(f"/admin/invoices/paid/?id={row.id}").form(has="amount")
    assert form.values["amount"] == "120,00"
    page = form.submit(amount="20")
    assert "Частично оплачен" in page.text
    form.submit(amount="20")
    assert read(row.id).paid_total == Decimal("20.00")
    too_much = sasha.get(f"/admin/invoices/paid/?id={row.id}").form(has="amount").submit(amount="100,01", status=422)
    assert "осталось оплатить 100,00 ₽" in too_much.text
    assert "Оплачен" in too_much.form(has="amount").submit(amount="100").text
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(Customer, people.customer_id).balance == Decimal("1120.00")
        assert ledger.discrepancies(session) == []


def test_support_marks_ticked_invoices_paid_in_full(people: People, register: Register) -> None:
    rows = [issued(people.customer_id, key=key) for key in "ab"]
    asked = people.sasha.post("/admin/invoices/action/", action="paid_in_full", id=[str(row.id) for row in rows])
    assert "Оплачено 2 счёта" in asked.form(has="confirmed").submit().text
    assert [read(row.id).state for row in rows] == [InvoiceState.PAID] * 2


def test_support_composes_for_a_customer(people: People, register: Register) -> None:
    sasha = people.sasha
    page = sasha.get(f"/admin/invoices/compose/?customer={people.other_id}")
    assert "ООО «Чужие»" in page.text
    done = filled(page.form(has="inn").submit(inn=INN)).submit(amount="300")
    assert "Счёт № 1 выписан" in done.text
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(Invoice.customer_id)) == people.other_id
    sasha.get("/admin/invoices/compose/", status=404)
    sasha.get("/admin/invoices/compose/?customer=99999", status=404)
