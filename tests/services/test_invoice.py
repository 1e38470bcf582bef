"""Invoices: what they say, what they refuse, how they are paid and cancelled."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pypdfium2
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from callcab.db import CabSession, unit_of_work
from callcab.lib import clock
from callcab.lib.errors import Conflict, DomainError, Invalid, NotFound
from callcab.models import (
    AuditEvent,
    Company,
    Customer,
    Invoice,
    InvoiceCounter,
    InvoiceState,
    Payment,
    PaymentMethod,
    Seller,
    VatMode,
)
from callcab.scope import Actor, Scope
from callcab.services import invoice, ledger, payment
from callcab.services.company import Buyer
from callcab.services.specs.invoice import search
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
ACTOR = Actor("Ольга", "owner")
BUYER = Buyer(inn="7702070139", kpp="770943002", name="Банк ВТБ (ПАО)", address="г. Санкт-Петербург")
NIGHT = datetime(2026, 12, 31, 22, 30, tzinfo=UTC)


@pytest.fixture
def customer_id(connected: sa.Engine) -> int:
    with unit_of_work(SYSTEM) as session:
        factories.seller(session)
        return factories.customer(session).id


def issue(session: CabSession, customer_id: int, amount: str = "120.00", key: str = "a", **values: object) -> Invoice:
    asked = {"buyer": BUYER, "basis": "", **values}
    return invoice.issue(
        session, customer_id=customer_id, amount=Decimal(amount), request_key=key, actor=ACTOR, **asked
    )


def issued(customer_id: int, amount: str = "120.00", key: str = "a", **values: object) -> Invoice:
    with unit_of_work(Scope.tenant(customer_id)) as session:
        return issue(session, customer_id, amount, key, **values)


def read(invoice_id: int) -> Invoice:
    with unit_of_work(SYSTEM) as session:
        return session.get_one(Invoice, invoice_id)


def text_of(row: Invoice) -> str:
    content, _, _ = invoice.pdf_file(row)
    document = pypdfium2.PdfDocument(content)
    return " ".join(" ".join(page.get_textpage().get_text_range() for page in document).split())


def test_a_customer_composes_an_invoice_under_his_own_scope(customer_id: int) -> None:
    made = issued(customer_id, "120.00")
    assert (made.number, made.total, made.vat_total) == (1, Decimal("120.00"), Decimal("21.64"))
    assert made.state is InvoiceState.ISSUED
    assert made.due_on == made.issued_on + timedelta(days=5)
    assert made.seller["bik"] == "044525225"
    assert made.buyer["name"] == "Банк ВТБ (ПАО)"


def test_vat_on_top_is_added_to_the_sum_that_was_typed(customer_id: int) -> None:
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(Seller).values(vat_mode=VatMode.ON_TOP))
    made = issued(customer_id, "100.00")
    assert (made.total, made.vat_total) == (Decimal("122.00"), Decimal("22.00"))


def test_the_day_and_the_year_are_those_of_moscow(customer_id: int) -> None:
    with clock.frozen(NIGHT):
        made = issued(customer_id)
    assert (made.issued_on.isoformat(), made.year) == ("2027-01-01", 2027)


def test_numbers_start_again_with_the_year(customer_id: int) -> None:
    with clock.frozen(NIGHT - timedelta(days=1)):
        assert [issued(customer_id, key=key).number for key in "ab"] == [1, 2]
    with clock.frozen(NIGHT):
        assert issued(customer_id, key="c").number == 1


def test_the_same_form_again_gives_the_first_invoice(customer_id: int) -> None:
    first = issued(customer_id, "120.00", "same")
    assert issued(customer_id, "120.00", "same").id == first.id
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(InvoiceCounter.last_number)) == 1


def test_a_refused_invoice_burns_no_number(customer_id: int) -> None:
    with pytest.raises(RuntimeError), unit_of_work(Scope.tenant(customer_id)) as session:
        issue(session, customer_id)
        raise RuntimeError("the request breaks after the number was given")
    assert issued(customer_id, key="b").number == 1


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"inn": ""}, "inn.empty", "inn"),
        ({"inn": "7702070138"}, "inn.checksum", "inn"),
        ({"inn": "770207013"}, "inn.leading_zero_lost", "inn"),
        ({"kpp": ""}, "kpp.required", "kpp"),
        ({"kpp": "77"}, "kpp.length", "kpp"),
        ({"ogrn": "123"}, "ogrn.length", "ogrn"),
        ({"name": " \u00a0 "}, "field.required", "name"),
        ({"name": "Ж" * 301}, "field.too_long", "name"),
        ({"address": "Ж" * 501}, "field.too_long", "address"),
    ],
)
def test_wrong_requisites_are_refused_with_their_field(
    customer_id: int, values: dict[str, str], code: str, field: str
) -> None:
    wrong = {"inn": BUYER.inn, "kpp": BUYER.kpp, "name": BUYER.name, **values}
    with pytest.raises(Invalid) as refusal:
        issued(customer_id, buyer=Buyer(**wrong))
    assert (refusal.value.code, refusal.value.field) == (code, field)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "amount.empty"),
        ("сто", "amount.not_a_number"),
        ("1e5", "amount.not_a_number"),
        ("0", "amount.zero"),
        ("-5", "amount.negative"),
        ("1,005", "amount.too_many_decimals"),
        ("1000000000,01", "amount.too_large"),
        ("9999999999999", "amount.too_large"),
    ],
)
def test_wrong_sums_are_refused_with_a_reason(text: str, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        invoice.read_amount(text)
    assert (refusal.value.code, refusal.value.field) == (code, "amount")


def test_sums_are_read_as_people_type_them() -> None:
    assert invoice.read_amount(" 1\u00a0200,50 ") == Decimal("1200.50")


def test_nobody_invoices_without_a_seller(customer_id: int) -> None:
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(Seller).values(is_default=False))
    with pytest.raises(Conflict, match=r"seller\.missing"):
        issued(customer_id)


def test_a_payer_is_remembered_once_with_his_last_requisites(customer_id: int) -> None:
    issued(customer_id, key="a")
    moved = Buyer(inn=BUYER.inn, kpp=BUYER.kpp, name=BUYER.name, address="г. Москва")
    issued(customer_id, key="b", buyer=moved)
    with unit_of_work(SYSTEM) as session:
        assert [row.address for row in session.scalars(sa.select(Company))] == ["г. Москва"]


def test_the_paper_stays_as_it_was_when_the_seller_moves(customer_id: int) -> None:
    made = issued(customer_id, basis="Договор № 7")
    before = text_of(made)
    with unit_of_work(SYSTEM) as session:
        session.execute(
            sa.update(Seller).values(
                name="ООО «Другие»", account="40702810900000000001", vat_rate=None, vat_mode="none"
            )
        )
    after = text_of(read(made.id))
    assert before == after
    for words in ("Счет на оплату № 1", "ООО «Колкаб»", "Банк ВТБ (ПАО)", "Договор № 7", "120,00", "21,64"):
        assert words in after
    assert "Сто двадцать рублей 00 копеек" in after


def test_markup_in_names_is_printed_as_text(customer_id: int) -> None:
    made = issued(customer_id, buyer=Buyer(inn=BUYER.inn, kpp=BUYER.kpp, name="<b>{{ 7 * 7 }}</b> & Co"))
    assert "<b>{{ 7 * 7 }}</b> & Co" in text_of(made)


def test_the_file_has_a_russian_name_and_a_plain_one(customer_id: int) -> None:
    with clock.frozen(datetime(2026, 11, 23, 9, tzinfo=UTC)):
        _, name, plain = invoice.pdf_file(issued(customer_id))
    assert (name, plain) == ("Счет № 1 от 23.11.2026.pdf", "invoice-1-2026-11-23.pdf")


def pay(invoice_id: int, amount: str, external_id: str | None = None) -> Invoice:
    with unit_of_work(Scope.staff()) as session:
        return invoice.mark_paid(session, invoice_id, amount=Decimal(amount), actor=ACTOR, external_id=external_id)


def balance(customer_id: int) -> Decimal:
    with unit_of_work(SYSTEM) as session:
        assert ledger.discrepancies(session) == []
        return session.get_one(Customer, customer_id).balance


@pytest.mark.parametrize("invoiced", [True, False])
def test_a_transfer_that_was_counted_already_pays_no_other_invoice(customer_id: int, invoiced: bool) -> None:
    """The money moves once, so it settles once: an invoice is never paid by money that did not come."""
    first, second = issued(customer_id, key="a"), issued(customer_id, key="b")
    if invoiced:
        pay(first.id, "120.00", "bank-7")
    else:
        with unit_of_work(SYSTEM) as session:
            payment.record(
                session,
                customer_id=customer_id,
                amount=Decimal("120.00"),
                method=PaymentMethod.INVOICE,
                actor=ACTOR,
                external_id="bank-7",
            )
    with pytest.raises(Conflict, match="payment.external_reused"):
        pay(second.id, "120.00", "bank-7")
    assert (read(second.id).state, read(second.id).paid_total) == (InvoiceState.ISSUED, 0)
    assert balance(customer_id) == Decimal("120.00")


def test_a_transfer_in_two_parts_pays_the_invoice(customer_id: int) -> None:
    made = issued(customer_id)
    first = pay(made.id, "20.00")
    assert (first.state, first.paid_total, first.paid_at) == (InvoiceState.PARTLY_PAID, Decimal("20.00"), None)
    second = pay(made.id, "100.00")
    assert (second.state, second.paid_total) == (InvoiceState.PAID, Decimal("120.00"))
    assert second.paid_at is not None
    assert balance(customer_id) == Decimal("120.00")


def test_the_same_transfer_again_moves_nothing(customer_id: int) -> None:
    made = issued(customer_id)
    for _ in range(2):
        pay(made.id, "120.00", "bank:17")
    assert balance(customer_id) == Decimal("120.00")
    with unit_of_work(SYSTEM) as session:
        assert [row.invoice_id for row in session.scalars(sa.select(Payment))] == [made.id]


def test_a_reversed_payment_opens_the_invoice_again(customer_id: int) -> None:
    made = issued(customer_id)
    pay(made.id, "20.00")
    pay(made.id, "100.00")
    for state, paid in ((InvoiceState.PARTLY_PAID, "20.00"), (InvoiceState.ISSUED, "0.00")):
        with unit_of_work(Scope.staff()) as session:
            reversed_ids = sa.select(Payment.reverses_id).where(Payment.reverses_id.is_not(None))
            last = session.scalars(
                sa.select(Payment.id)
                .where(Payment.reverses_id.is_(None), Payment.id.not_in(reversed_ids))
                .order_by(Payment.id.desc())
            ).first()
            payment.reverse(session, last, reason="не тот клиент", actor=ACTOR)
        again = read(made.id)
        assert (again.state, again.paid_total, again.paid_at) == (state, Decimal(paid), None)
    assert balance(customer_id) == 0


def test_more_than_is_left_is_refused(customer_id: int) -> None:
    made = issued(customer_id)
    with pytest.raises(Invalid) as refusal:
        pay(made.id, "120.01")
    assert (refusal.value.code, refusal.value.params["left"]) == ("invoice.too_much", Decimal("120.00"))
    assert balance(customer_id) == 0


def test_a_paid_invoice_is_not_paid_again_nor_cancelled(customer_id: int) -> None:
    made = issued(customer_id)
    pay(made.id, "120.00")
    with pytest.raises(Conflict, match=r"invoice\.paid"):
        pay(made.id, "1.00")
    with pytest.raises(Conflict, match=r"invoice\.has_money"), unit_of_work(Scope.staff()) as session:
        invoice.cancel(session, made.id, customer_id=None, reason="ошибка", actor=ACTOR)


def test_a_cancelled_invoice_keeps_its_number_and_takes_no_money(customer_id: int) -> None:
    made = issued(customer_id)
    with unit_of_work(Scope.tenant(customer_id)) as session:
        invoice.cancel(session, made.id, customer_id=customer_id, reason="ошибка в сумме", actor=ACTOR)
    with pytest.raises(Conflict, match=r"invoice\.cancelled"):
        pay(made.id, "120.00")
    assert issued(customer_id, key="b").number == 2
    with unit_of_work(SYSTEM) as session:
        events = session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id)).all()
        assert [(event.action, event.reason) for event in events][:2] == [
            ("invoice.issue", ""),
            ("invoice.cancel", "ошибка в сумме"),
        ]


def test_a_reason_is_needed_to_cancel(customer_id: int) -> None:
    made = issued(customer_id)
    with pytest.raises(Invalid, match=r"field\.required"), unit_of_work(Scope.staff()) as session:
        invoice.cancel(session, made.id, customer_id=None, reason=" ", actor=ACTOR)


def test_a_stranger_finds_no_invoice(customer_id: int) -> None:
    made = issued(customer_id)
    with unit_of_work(SYSTEM) as session:
        other = factories.customer(session).id
    for scope in (Scope.tenant(other), SYSTEM):
        with pytest.raises(NotFound), unit_of_work(scope) as session:
            invoice.find(session, made.id, customer_id=other)
    with pytest.raises(DomainError, match=r"invoice\.not_found"), unit_of_work(Scope.tenant(other)) as session:
        invoice.cancel(session, made.id, customer_id=other, reason="мой", actor=ACTOR)


def test_an_invoice_is_overdue_the_day_after_its_due_day(customer_id: int) -> None:
    noon = datetime(2026, 11, 23, 9, tzinfo=UTC)
    with clock.frozen(noon):
        made = issued(customer_id)
    for days, count, state in ((5, 0, InvoiceState.ISSUED), (6, 1, InvoiceState.OVERDUE), (7, 0, InvoiceState.OVERDUE)):
        with clock.frozen(noon + timedelta(days=days)), unit_of_work(SYSTEM) as session:
            assert invoice.sweep_overdue(session) == count
        assert read(made.id).state is state
    assert pay(made.id, "120.00").state is InvoiceState.PAID


@pytest.mark.parametrize("typed", ["Банк ВТБ", "7702070139", "17"])
def test_searches_read_an_index(customer_id: int, typed: str) -> None:
    statement = sa.select(Invoice.id).where(search(typed))
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.text("SET LOCAL enable_seqscan = off"))
        sql = statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
        plan = "\n".join(session.connection().exec_driver_sql(f"EXPLAIN {sql}").scalars())
    assert "ix_invoice_buyer_name_trgm" in plan
    assert "Seq Scan" not in plan
