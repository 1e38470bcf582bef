"""Promo codes: issued in batches, taken once, guarded against guessing."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import clock, tokens
from callcab.lib.errors import Conflict, DomainError, Invalid, LimitReached, NotFound
from callcab.models import (
    Account,
    AuditEvent,
    Customer,
    LedgerEntry,
    Payment,
    PaymentMethod,
    PromoActivation,
    PromoBatch,
    PromoCode,
)
from callcab.scope import Actor, Scope
from callcab.services import ledger, payment, promo
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
OLGA = Actor("Ольга", "owner", customer_id=1)
LIDA = Actor("Лида", "lead")


@pytest.fixture
def customer_id(connected: sa.Engine) -> int:
    with unit_of_work(SYSTEM) as session:
        return factories.customer(session).id


def issue(code: str = "", **values: object) -> int:
    with unit_of_work(SYSTEM) as session:
        return factories.promo_code(session, code=code or None, **values).id


def take(customer_id: int, code: str) -> promo.Attempt:
    with unit_of_work(SYSTEM) as session:
        return promo.attempt(session, customer_id=customer_id, code=code, actor=OLGA)


def refusal(customer_id: int, code: str) -> DomainError:
    found = take(customer_id, code).refusal
    assert found is not None
    return found


def batch(**values: object) -> int:
    defaults = {
        "name": "Весна",
        "amount": Decimal("500"),
        "count": 3,
        "uses_per_code": 1,
        "expires_at": None,
        "request_key": "k1",
    }
    with unit_of_work(Scope.staff()) as session:
        return promo.create_batch(session, **{**defaults, **values}, actor=LIDA).id  # type: ignore[arg-type]


def test_a_code_credits_its_amount_with_an_entry_a_payment_and_a_line_in_the_log(customer_id: int) -> None:
    issue("SPRING23", amount="500")
    made = take(customer_id, "spring23").activation
    assert made is not None
    assert made.amount == Decimal("500.00")
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(Customer, customer_id).balance == Decimal("500.00")
        entry = session.scalars(sa.select(LedgerEntry)).one()
        assert (entry.account, entry.id) == (Account.PROMO, made.ledger_entry_id)
        assert session.scalars(sa.select(Payment.method)).one() is PaymentMethod.PROMO
        assert session.scalars(sa.select(AuditEvent.action)).one() == "promo.activate"
        assert ledger.discrepancies(session) == []


@pytest.mark.parametrize("text", ["7kqm-x2pb-9fhd", " 7KQM X2PB 9FHD ", "7КQМ–Х2РВ–9FНD", "7\u200bKQMX2PB9FHD"])
def test_every_writing_of_a_code_is_the_code(customer_id: int, text: str) -> None:
    issue("7KQMX2PB9FHD")
    assert take(customer_id, text).activation


def test_a_code_that_was_taken_is_refused_without_counting_as_a_guess(customer_id: int) -> None:
    issue("SPRING23", uses=5)
    take(customer_id, "SPRING23")
    for _ in range(promo.TRIES + 1):
        assert refusal(customer_id, "SPRING-23").code == "promo.already_used"


@pytest.mark.parametrize("text", ["NOSUCHCODE", "'; --", "\x00\x00", "—", "Ж" * 50, "A" * 5000])
def test_an_unknown_code_is_not_found(customer_id: int, text: str) -> None:
    found = refusal(customer_id, text)
    assert isinstance(found, NotFound)
    assert found.code == "promo.not_found"


def test_an_expired_code_is_refused(customer_id: int) -> None:
    issue("SPRING23", expires_at=clock.now() - timedelta(seconds=1))
    assert refusal(customer_id, "SPRING23").code == "promo.expired"


def test_an_exhausted_code_is_refused(customer_id: int) -> None:
    issue("SPRING23")
    with unit_of_work(SYSTEM) as session:
        other = factories.customer(session).id
    take(other, "SPRING23")
    assert refusal(customer_id, "SPRING23").code == "promo.exhausted"


def test_a_paused_batch_is_refused_until_it_goes_on(customer_id: int) -> None:
    code_id = issue("SPRING23")
    with unit_of_work(Scope.staff()) as session:
        batch_id = session.get_one(PromoCode, code_id).batch_id
        promo.pause(session, batch_id, actor=LIDA)
    assert refusal(customer_id, "SPRING23").code == "promo.paused"
    with unit_of_work(Scope.staff()) as session:
        promo.resume(session, batch_id, actor=LIDA)
    assert take(customer_id, "SPRING23").activation


def test_pausing_twice_is_refused() -> None:
    batch_id = batch()
    with unit_of_work(Scope.staff()) as session:
        promo.pause(session, batch_id, actor=LIDA)
    with pytest.raises(Conflict, match="promo.state"), unit_of_work(Scope.staff()) as session:
        promo.pause(session, batch_id, actor=LIDA)


def test_after_ten_wrong_codes_a_right_one_is_not_taken_for_an_hour(
    customer_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue("SPRING23")
    for index in range(promo.TRIES):
        assert refusal(customer_id, f"WRONG{index}").code == "promo.not_found"
    stopped = refusal(customer_id, "SPRING23")
    assert isinstance(stopped, LimitReached)
    assert stopped.code == "promo.too_many"
    later = stopped.params["retry_at"] + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert take(customer_id, "SPRING23").activation


def test_the_tries_of_one_customer_do_not_stop_another(customer_id: int) -> None:
    issue("SPRING23")
    with unit_of_work(SYSTEM) as session:
        other = factories.customer(session).id
    for index in range(promo.TRIES):
        take(other, f"WRONG{index}")
    assert take(customer_id, "SPRING23").activation


def test_an_empty_code_is_no_guess(customer_id: int) -> None:
    for _ in range(promo.TRIES + 1):
        assert refusal(customer_id, "  ").code == "promo.empty"


def test_a_batch_has_as_many_different_codes_as_ordered() -> None:
    batch_id = batch(count=2_500)
    with unit_of_work(Scope.staff()) as session:
        codes = session.scalars(sa.select(PromoCode.code).where(PromoCode.batch_id == batch_id)).all()
        assert len(set(codes)) == session.get_one(PromoBatch, batch_id).codes_count == 2_500
        assert all(len(code) == 12 and tokens.normalise_code(code) == code for code in codes)


def test_a_form_sent_twice_issues_one_batch() -> None:
    assert batch() == batch()


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"name": " "}, "field.required"),
        ({"amount": Decimal("0")}, "promo.amount"),
        ({"amount": Decimal("1000000.01")}, "promo.amount"),
        ({"amount": Decimal("0.001")}, "promo.amount"),
        ({"amount": Decimal("NaN")}, "promo.amount"),
        ({"count": -1}, "promo.count"),
        ({"count": 10_001}, "promo.count"),
        ({"uses_per_code": 0}, "promo.uses"),
        ({"expires_at": clock.now()}, "promo.past"),
    ],
)
def test_an_impossible_batch_is_refused(values: dict[str, object], code: str) -> None:
    with pytest.raises(Invalid, match=code):
        batch(**values)


def test_a_customer_cannot_read_codes(customer_id: int) -> None:
    issue("SPRING23")
    with (
        pytest.raises(sa.exc.ProgrammingError, match="permission denied"),
        unit_of_work(Scope.tenant(customer_id)) as session,
    ):
        session.scalars(sa.select(PromoCode)).all()


def test_activations_of_others_are_not_seen(customer_id: int) -> None:
    issue("SPRING23")
    take(customer_id, "SPRING23")
    with unit_of_work(SYSTEM) as session:
        other = factories.customer(session).id
    with unit_of_work(Scope.tenant(other)) as session:
        assert session.scalars(sa.select(PromoActivation)).all() == []


# A reversed activation


def reverse_payment(reason: str = "Выдан по ошибке") -> None:
    with unit_of_work(SYSTEM) as session:
        row_id = session.scalars(sa.select(Payment.id).where(Payment.reverses_id.is_(None))).one()
        payment.reverse(session, row_id, reason=reason, actor=LIDA)


def taken(customer_id: int) -> PromoActivation:
    with unit_of_work(Scope.tenant(customer_id)) as session:
        return session.scalars(sa.select(PromoActivation)).one()


def test_an_activation_whose_payment_is_reversed_tells_when(customer_id: int) -> None:
    issue("SPRING23", amount="500")
    take(customer_id, "SPRING23")
    assert taken(customer_id).reversed_at is None
    reverse_payment()
    undone = taken(customer_id)
    with unit_of_work(SYSTEM) as session:
        entry = session.scalars(sa.select(LedgerEntry).where(LedgerEntry.reverses_id.is_not(None))).one()
        assert (entry.account, entry.amount) == (Account.PROMO, Decimal("-500.00"))
        assert undone.reversed_at == entry.created_at
        assert session.get_one(Customer, customer_id).balance == 0
        assert ledger.discrepancies(session) == []


def test_a_code_whose_activation_was_reversed_stays_taken(customer_id: int) -> None:
    """Once per customer is for good; nor does the use go to somebody else."""
    code_id = issue("SPRING23", uses=1)
    take(customer_id, "SPRING23")
    reverse_payment()
    assert refusal(customer_id, "SPRING23").code == "promo.already_used"
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(PromoCode, code_id).used_count == 1
        other = factories.customer(session).id
    assert refusal(other, "SPRING23").code == "promo.exhausted"


def test_a_batch_counts_what_was_taken_back_beside_its_activations(customer_id: int) -> None:
    code_id = issue("SPRING23", uses=5)
    issue("AUTUMN45")
    take(customer_id, "SPRING23")
    reverse_payment()
    take(customer_id, "AUTUMN45")
    with unit_of_work(SYSTEM) as session:
        take_id = factories.customer(session).id
    take(take_id, "SPRING23")
    with unit_of_work(SYSTEM) as session:
        found = session.get_one(PromoCode, code_id).batch
        assert (found.activations_count, promo.reversed_count(session, found.id)) == (2, 1)
        spent = -session.scalars(
            sa.select(sa.func.sum(-LedgerEntry.amount))
            .join(
                PromoActivation,
                sa.or_(
                    PromoActivation.ledger_entry_id == LedgerEntry.id,
                    PromoActivation.ledger_entry_id == LedgerEntry.reverses_id,
                ),
            )
            .where(PromoActivation.code_id == code_id)
        ).one()
        assert spent == found.amount * (found.activations_count - promo.reversed_count(session, found.id))


def test_a_promo_payment_is_reversed_once(customer_id: int) -> None:
    issue("SPRING23")
    take(customer_id, "SPRING23")
    reverse_payment()
    with pytest.raises(Conflict, match="payment.already_reversed"):
        reverse_payment()
