"""A hundred invoices at once are numbered 1 to 100; ten presses of one button make one invoice (AC-51, F-20)."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib.errors import Invalid
from callcab.models import Customer, Invoice, InvoiceCounter, InvoiceState, Seller
from callcab.scope import Actor, Scope
from callcab.services import invoice, ledger
from callcab.services.company import Buyer
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
THREADS = 25
BUYER = Buyer(inn="7702070139", kpp="770943002", name="Банк ВТБ (ПАО)")


def settle() -> list[int]:
    with unit_of_work(SYSTEM) as session:
        factories.seller(session)
        return [factories.customer(session).id for _ in range(2)]


def compose(customer_id: int, key: str, barrier: threading.Barrier) -> tuple[int, int]:
    with unit_of_work(Scope.tenant(customer_id)) as session:
        # Everybody has read before anybody writes.
        session.scalar(sa.select(sa.func.count()).select_from(Invoice))
        session.scalar(sa.select(Seller.id))
        barrier.wait(30)
        made = invoice.issue(
            session,
            customer_id=customer_id,
            buyer=BUYER,
            amount=Decimal("120.00"),
            basis="",
            request_key=key,
            actor=Actor("Ольга", "owner"),
        )
        return made.id, made.number


def test_a_hundred_invoices_of_two_customers_have_no_gap_and_no_repeat(connected: sa.Engine) -> None:
    customers = settle()
    barrier = threading.Barrier(THREADS)
    with ThreadPoolExecutor(THREADS) as pool:
        made = list(pool.map(lambda turn: compose(customers[turn % 2], f"key {turn}", barrier), range(100)))
    assert sorted(number for _, number in made) == list(range(1, 101))
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(InvoiceCounter.last_number)) == 100


def test_ten_presses_of_one_button_make_one_invoice(connected: sa.Engine) -> None:
    customer_id = settle()[0]
    barrier = threading.Barrier(10)
    with ThreadPoolExecutor(10) as pool:
        made = list(pool.map(lambda _: compose(customer_id, "one form", barrier), range(10)))
    assert len(set(made)) == 1
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Invoice)) == 1
        assert session.scalar(sa.select(InvoiceCounter.last_number)) == 1


def test_an_invoice_is_paid_once_by_ten_people_at_once(connected: sa.Engine) -> None:
    customer_id = settle()[0]
    invoice_id, _ = compose(customer_id, "one form", threading.Barrier(1))
    barrier = threading.Barrier(10)

    def pay(turn: int) -> bool:
        with unit_of_work(Scope.staff()) as session:
            session.get(Invoice, invoice_id)
            barrier.wait(30)
            try:
                invoice.mark_paid(
                    session,
                    invoice_id,
                    amount=Decimal("70.00"),
                    actor=Actor("Саша", "agent"),
                    external_id=f"form:{turn}",
                )
            except Invalid as refusal:
                assert refusal.code == "invoice.too_much"
                return False
            return True

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(pay, range(10))) == [False] * 9 + [True]
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(Customer, customer_id).balance == Decimal("70.00")
        assert session.get_one(Invoice, invoice_id).state is InvoiceState.PARTLY_PAID
        assert ledger.discrepancies(session) == []
