"""Promo codes under pressure: a barrier holds everybody between reading and writing (AC-20, AC-49)."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.models import Customer, PromoActivation, PromoBatch, PromoCode
from callcab.scope import Actor, Scope
from callcab.services import ledger, promo
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
OLGA = Actor("Ольга", "owner", customer_id=1)
AT_ONCE = 40


def test_two_hundred_customers_get_exactly_the_hundred_uses_of_a_code(connected: sa.Engine) -> None:
    with unit_of_work(SYSTEM) as session:
        code = factories.promo_code(session, amount="500", uses=100, code="SPRING23")
        customers = [factories.customer(session).id for _ in range(200)]
        code_id, batch_id = code.id, code.batch_id
    barrier = threading.Barrier(AT_ONCE)

    def attempt(place: int) -> str:
        with unit_of_work(SYSTEM) as session:
            assert session.get_one(PromoCode, code_id).used_count <= 100
            barrier.wait(60)
            found = promo.attempt(session, customer_id=customers[place], code="spring-23", actor=OLGA)
        return "" if found.refusal is None else found.refusal.code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(attempt, range(200)))
    assert results.count("") == 100
    assert results.count("promo.exhausted") == 100
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(PromoCode, code_id).used_count == 100
        assert session.get_one(PromoBatch, batch_id).activations_count == 100
        assert session.scalar(sa.select(sa.func.count()).select_from(PromoActivation)) == 100
        assert session.scalar(sa.select(sa.func.sum(Customer.balance))) == Decimal("50000.00")
        assert ledger.discrepancies(session) == []


def test_twenty_writings_of_a_code_at_once_are_one_activation(connected: sa.Engine) -> None:
    with unit_of_work(SYSTEM) as session:
        factories.promo_code(session, amount="500", uses=1000, code="7KQMX2PB9FHD")
        customer_id = factories.customer(session).id
    joints = ("", "-", " ", "--", ".")
    writings = [joint.join(("7KQM", "X2PB", "9FHD")) for joint in joints]
    writings += [text.lower() for text in writings] + [text.replace("X", "Х").replace("B", "В") for text in writings]
    writings += [f" {text}\u200b" for text in writings[:5]]
    barrier = threading.Barrier(20)

    def attempt(text: str) -> str:
        with unit_of_work(SYSTEM) as session:
            assert session.get_one(Customer, customer_id).balance == 0
            barrier.wait(60)
            found = promo.attempt(session, customer_id=customer_id, code=text, actor=OLGA)
        return "" if found.refusal is None else found.refusal.code

    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(attempt, writings))
    assert len(results) == 20
    assert results.count("") == 1
    assert results.count("promo.already_used") == 19
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(Customer, customer_id).balance == Decimal("500.00")
        assert ledger.discrepancies(session) == []


def test_guesses_sent_at_once_are_counted_one_by_one(connected: sa.Engine) -> None:
    with unit_of_work(SYSTEM) as session:
        customer_id = factories.customer(session).id

    def attempt(place: int) -> str:
        with unit_of_work(SYSTEM) as session:
            found = promo.attempt(session, customer_id=customer_id, code=f"WRONG{place}", actor=OLGA)
        return "" if found.refusal is None else found.refusal.code

    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(attempt, range(40)))
    assert results.count("promo.not_found") == promo.TRIES
    assert results.count("promo.too_many") == 40 - promo.TRIES
