"""Payments: credits, corrections, reversals, and what makes a doubled form one payment."""

import re
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier

import psycopg
import pytest
import sqlalchemy as sa

from callcab import db
from callcab.db import unit_of_work
from callcab.lib.errors import Conflict, DomainError, Invalid, LimitReached, NotFound
from callcab.models import AuditEvent, Customer, LedgerEntry, Payment, PaymentKind, PaymentMethod
from callcab.scope import Actor, Scope
from callcab.services import ledger, listing, payment
from callcab.services.listing import ListState
from callcab.services.specs.payment import PAYMENT
from callcab.web.listing.address import CursorSigner
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
STAFF = Actor("Лида", "lead")


@pytest.fixture
def customer_id(connected: sa.Engine) -> int:
    with unit_of_work(SYSTEM) as session:
        return factories.customer(session, balance="100.00").id


def record(customer_id: int, amount: str = "500.00", **values: object) -> int:
    options = {"method": PaymentMethod.CARD, "actor": STAFF, **values}
    with unit_of_work(SYSTEM) as session:
        return payment.record(session, customer_id=customer_id, amount=Decimal(amount), **options).id


def correct(customer_id: int, amount: str, reason: str = "Пересчёт") -> int:
    with unit_of_work(SYSTEM) as session:
        return payment.correct(session, customer_id=customer_id, amount=Decimal(amount), reason=reason, actor=STAFF).id


def reverse(payment_id: int, reason: str = "Ошибка") -> int:
    with unit_of_work(SYSTEM) as session:
        return payment.reverse(session, payment_id, reason=reason, actor=STAFF).id


def balance(customer_id: int) -> Decimal:
    with unit_of_work(SYSTEM) as session:
        assert ledger.discrepancies(session) == []
        return session.get_one(Customer, customer_id).balance


def load(payment_id: int) -> Payment:
    with unit_of_work(SYSTEM) as session:
        row = session.get_one(Payment, payment_id)
        session.expunge(row)
        return row


def test_a_payment_moves_the_balance_and_keeps_the_tariff_of_the_day(customer_id: int) -> None:
    row = load(record(customer_id))
    assert balance(customer_id) == Decimal("600.00")
    with unit_of_work(SYSTEM) as session:
        assert row.tariff_name == session.get_one(Customer, customer_id).tariff.name
        assert session.get_one(LedgerEntry, row.ledger_entry_id).amount == Decimal("500.00")
        assert session.scalar(sa.select(AuditEvent.action).where(AuditEvent.object_id == row.id)) == "payment.record"


def test_the_same_external_id_again_is_the_same_payment(customer_id: int) -> None:
    assert record(customer_id, external_id="form:1") == record(customer_id, external_id="form:1")
    assert balance(customer_id) == Decimal("600.00")


def test_an_external_id_with_another_sum_is_refused(customer_id: int) -> None:
    record(customer_id, external_id="bank-1")
    with pytest.raises(Conflict, match="payment.external_reused"):
        record(customer_id, "501.00", external_id="bank-1")
    assert balance(customer_id) == Decimal("600.00")


def test_ten_doubled_forms_at_once_are_one_payment(customer_id: int) -> None:
    barrier = Barrier(10)

    def send(_: int) -> int:
        barrier.wait(30)
        return record(customer_id, external_id="form:race")

    with ThreadPoolExecutor(10) as pool:
        assert len(set(pool.map(send, range(10)))) == 1
    assert balance(customer_id) == Decimal("600.00")


@pytest.mark.parametrize("amount", ["0", "-1", "0.001", "1.005", "NaN", "1e30"])
def test_an_odd_sum_is_refused_and_never_rounded(customer_id: int, amount: str) -> None:
    with pytest.raises(Invalid):
        record(customer_id, amount)
    assert balance(customer_id) == Decimal("100.00")


@pytest.mark.parametrize("link", ["javascript:alert(1)", "ftp://x.example/1", "https://u:p@x.example/", "просто текст"])
def test_an_unsafe_receipt_link_is_refused(customer_id: int, link: str) -> None:
    with pytest.raises(Invalid, match="payment.receipt_link"):
        record(customer_id, receipt_url=link)


def test_an_unknown_customer_is_not_found(customer_id: int) -> None:
    with pytest.raises(NotFound, match="customer.not_found"):
        record(customer_id + 1000)


def test_a_correction_goes_up_and_down(customer_id: int) -> None:
    assert load(correct(customer_id, "10.00")).kind is PaymentKind.ADJUSTMENT
    correct(customer_id, "-60.00")
    assert balance(customer_id) == Decimal("50.00")


def test_a_correction_needs_a_reason(customer_id: int) -> None:
    with pytest.raises(DomainError, match="payment.reason"):
        correct(customer_id, "10.00", "  ")


def test_a_correction_does_not_take_what_is_not_there(customer_id: int) -> None:
    with pytest.raises(LimitReached, match="balance.low"):
        correct(customer_id, "-100.01")
    assert balance(customer_id) == Decimal("100.00")


def test_a_reversal_takes_the_money_back_and_leaves_the_payment(customer_id: int) -> None:
    first = record(customer_id)
    undone = load(reverse(first))
    assert (undone.amount, undone.reverses_id) == (Decimal("-500.00"), first)
    assert load(first).amount == Decimal("500.00")
    assert balance(customer_id) == Decimal("100.00")


def test_a_negative_correction_can_be_reversed(customer_id: int) -> None:
    reverse(correct(customer_id, "-40.00"))
    assert balance(customer_id) == Decimal("100.00")


def test_a_payment_is_reversed_once(customer_id: int) -> None:
    first = record(customer_id)
    undone = reverse(first)
    with pytest.raises(Conflict, match="payment.already_reversed"):
        reverse(first)
    with pytest.raises(Conflict, match="payment.is_reversal"):
        reverse(undone)
    assert balance(customer_id) == Decimal("100.00")


def test_spent_money_cannot_be_reversed_below_the_limit(customer_id: int) -> None:
    first = record(customer_id)
    correct(customer_id, "-550.00")
    with pytest.raises(LimitReached, match="balance.low"):
        reverse(first)
    assert balance(customer_id) == Decimal("50.00")


# One transfer is one payment


def test_one_external_id_from_two_customers_at_once_is_one_payment_and_one_refusal(customer_id: int) -> None:
    with unit_of_work(SYSTEM) as session:
        others = [factories.customer(session, balance="100.00").id for _ in range(7)]
    everybody = [customer_id, *others]
    barrier = Barrier(len(everybody))

    def send(customer: int) -> str:
        barrier.wait(30)
        try:
            record(customer, external_id="bank:race")
        except Conflict as refusal:
            return refusal.code
        return "taken"

    with ThreadPoolExecutor(len(everybody)) as pool:
        answers = sorted(pool.map(send, everybody))
    assert answers == ["payment.external_reused"] * 7 + ["taken"]
    assert sum(balance(each) for each in everybody) == Decimal("1300.00")


def test_an_external_id_of_another_kind_of_payment_is_refused(customer_id: int) -> None:
    record(customer_id, "10.00", external_id="form:1")
    with pytest.raises(Conflict, match="payment.external_reused"), unit_of_work(SYSTEM) as session:
        payment.correct(
            session, customer_id=customer_id, amount=Decimal("10.00"), reason="Да", actor=STAFF, external_id="form:1"
        )
    assert balance(customer_id) == Decimal("110.00")


def test_an_external_id_with_another_method_is_refused(customer_id: int) -> None:
    record(customer_id, external_id="bank-1")
    with pytest.raises(Conflict, match="payment.external_reused"):
        record(customer_id, external_id="bank-1", method=PaymentMethod.SBP)


def test_a_promo_code_is_no_money_that_came_in(customer_id: int) -> None:
    """Rule P3."""
    with pytest.raises(Invalid, match="field.choice"):
        record(customer_id, method=PaymentMethod.PROMO)
    assert balance(customer_id) == Decimal("100.00")


def test_the_log_tells_the_reason_of_a_recorded_payment(customer_id: int) -> None:
    row_id = record(customer_id, reason="Доплата")
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(AuditEvent.reason).where(AuditEvent.object_id == row_id)) == "Доплата"


@pytest.mark.parametrize(
    ("values", "field"), [({"reason": "о" * 201}, "reason"), ({"external_id": "9" * 101}, "external_id")]
)
def test_a_text_longer_than_its_column_is_refused(customer_id: int, values: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid, match="field.too_long") as refused:
        record(customer_id, **values)
    assert refused.value.field == field


def test_a_doubled_correction_is_one(customer_id: int) -> None:
    found = []
    for _ in range(2):
        with unit_of_work(SYSTEM) as session:
            row = payment.correct(
                session, customer_id=customer_id, amount=Decimal("-5"), reason="Да", actor=STAFF, external_id="form:2"
            )
            found.append(row.id)
    assert found[0] == found[1]
    assert balance(customer_id) == Decimal("95.00")


def test_a_correction_of_nothing_is_refused(customer_id: int) -> None:
    with pytest.raises(Invalid, match="amount.zero"):
        correct(customer_id, "0.00")


def test_an_unknown_payment_is_not_found(customer_id: int) -> None:
    with pytest.raises(NotFound, match="payment.not_found"):
        reverse(999_999)


def test_a_sum_in_kopecks_is_written_by_the_database_and_never_by_hand(customer_id: int, owner_dsn: str) -> None:
    ids = record(customer_id, "1234.56"), correct(customer_id, "-0.01"), record(customer_id, "999999999.99")
    assert [load(each).kopecks for each in ids] == [123456, -1, 99999999999]
    with psycopg.connect(owner_dsn) as connection:
        connection.execute("UPDATE payment SET kopecks = 5 WHERE id = %s", (ids[0],))
        connection.execute("UPDATE payment SET amount = 0.07 WHERE id = %s", (ids[2],))
        found = connection.execute("SELECT kopecks FROM payment ORDER BY id").fetchall()
    assert found == [(123456,), (-1,), (7,)]


@pytest.mark.parametrize(
    ("text", "sums"), [("1 234,56 ₽", ["1234.56"] * 2), ("-0,01", ["-0.01"]), ("0.01", []), ("много", [])]
)
def test_a_sum_is_found_in_any_spelling_by_whom_it_belongs_to(customer_id: int, text: str, sums: list[str]) -> None:
    for amount in ("1234.56", "1234.56", "1234.57"):
        record(customer_id, amount)
    correct(customer_id, "-0.01")
    with unit_of_work(SYSTEM) as session:
        other = factories.customer(session).id
    record(other, "1234.56")
    state = ListState(search=text)
    with unit_of_work(Scope.tenant(customer_id)) as session:
        page = listing.fetch_page(session, PAYMENT, state, signer=CursorSigner("x" * 32), customer_id=customer_id)
    assert [str(row.amount) for row in page.rows] == sums
    assert page.count(state) == listing.Count(len(sums))


def test_a_customer_s_sum_is_looked_up_in_an_index_in_spite_of_row_level_security(customer_id: int) -> None:
    statement = listing.matching(PAYMENT, ListState(search="1234,56"), customer_id=customer_id)
    with unit_of_work(Scope.tenant(customer_id)) as session:
        session.execute(sa.text("SET LOCAL enable_seqscan = off"))
        text = str(statement.compile(db.engine(), compile_kwargs={"literal_binds": True}))
        plan = "\n".join(session.connection().exec_driver_sql(f"EXPLAIN {text}").scalars())
    assert re.search(r"Index Cond: .*kopecks = '?123456", plan), plan


@pytest.mark.parametrize("sort", ["amount", "-amount"])
def test_payments_are_walked_in_the_order_of_their_sums(customer_id: int, sort: str) -> None:
    for amount in ("0.99", "10.00", "9.00", "10.00", "100.00", "9.01") * 5:
        record(customer_id, amount)
    correct(customer_id, "-3.00")
    seen, after = [], ""
    with unit_of_work(Scope.tenant(customer_id)) as session:
        while True:
            state = ListState(sort=sort, page_size=4, after=after)
            page = listing.fetch_page(session, PAYMENT, state, signer=CursorSigner("x" * 32), customer_id=customer_id)
            seen += [(row.amount, row.id) for row in page.rows]
            after = page.next
            if not after:
                break
    assert seen == sorted(seen, reverse=sort == "-amount")
    assert len(set(seen)) == 31
