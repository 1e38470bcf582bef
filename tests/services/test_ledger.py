"""The ledger: entries, reservations, and what it refuses."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import psycopg
import pytest
import sqlalchemy as sa

from callcab.db import CabSession, unit_of_work
from callcab.lib.errors import Conflict, Invalid, LimitReached, NotFound
from callcab.models import Account, Customer, EntryKind, LedgerEntry, Reservation
from callcab.scope import Scope
from callcab.services import ledger
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")


@pytest.fixture
def customer_id(connected: sa.Engine) -> int:
    with unit_of_work(SYSTEM) as session:
        return factories.customer(session, balance="100.00").id


def charge(session: CabSession, customer_id: int, amount: str, key: str) -> LedgerEntry:
    return ledger.post(
        session,
        customer_id=customer_id,
        kind=EntryKind.CALL,
        account=Account.REVENUE,
        amount=-Decimal(amount),
        key=key,
        cause="call",
    )


def balance(customer_id: int) -> tuple[Decimal, Decimal]:
    with unit_of_work(SYSTEM) as session:
        row = session.get_one(Customer, customer_id)
        assert ledger.discrepancies(session) == []
        return row.balance, row.reserved


def test_a_posting_moves_the_balance_and_keeps_the_running_balance(customer_id: int) -> None:
    with unit_of_work(SYSTEM) as session:
        entry = charge(session, customer_id, "30.50", "a")
        assert entry.balance_after == Decimal("69.50")
    assert balance(customer_id) == (Decimal("69.50"), Decimal("0"))


def test_the_same_key_again_changes_nothing(customer_id: int) -> None:
    for _ in range(2):
        with unit_of_work(SYSTEM) as session:
            charge(session, customer_id, "30.00", "a")
    assert balance(customer_id)[0] == Decimal("70.00")


def test_a_key_with_another_amount_is_refused(customer_id: int) -> None:
    with unit_of_work(SYSTEM) as session:
        charge(session, customer_id, "30.00", "a")
    with pytest.raises(Conflict, match="ledger.key_reused"), unit_of_work(SYSTEM) as session:
        charge(session, customer_id, "31.00", "a")


def test_a_charge_beyond_the_credit_limit_is_refused(customer_id: int) -> None:
    with pytest.raises(LimitReached, match="balance.low"), unit_of_work(SYSTEM) as session:
        charge(session, customer_id, "100.01", "a")
    assert balance(customer_id)[0] == Decimal("100.00")


def test_reserved_money_cannot_be_spent_twice(customer_id: int) -> None:
    with unit_of_work(SYSTEM) as session:
        ledger.reserve(session, customer_id=customer_id, amount=Decimal("80"), key="r", cause="call")
    with pytest.raises(LimitReached), unit_of_work(SYSTEM) as session:
        charge(session, customer_id, "20.01", "a")
    assert balance(customer_id) == (Decimal("100.00"), Decimal("80.00"))


def test_settling_takes_the_price_and_frees_the_rest(customer_id: int) -> None:
    with unit_of_work(SYSTEM) as session:
        held = ledger.reserve(session, customer_id=customer_id, amount=Decimal("80"), key="r", cause="call").id
    for _ in range(2):
        with unit_of_work(SYSTEM) as session:
            ledger.settle(session, held, amount=Decimal("12.30"), kind=EntryKind.CALL, cause="call", cause_id=1)
    assert balance(customer_id) == (Decimal("87.70"), Decimal("0.00"))


def test_a_released_reservation_cannot_be_settled(customer_id: int) -> None:
    with unit_of_work(SYSTEM) as session:
        held = ledger.reserve(session, customer_id=customer_id, amount=Decimal("80"), key="r", cause="call").id
        assert ledger.release(session, held)
        assert not ledger.release(session, held)
    with pytest.raises(Conflict, match="reservation.released"), unit_of_work(SYSTEM) as session:
        ledger.settle(session, held, amount=Decimal("1"), kind=EntryKind.CALL, cause="call", cause_id=1)
    assert balance(customer_id) == (Decimal("100.00"), Decimal("0.00"))


def test_settling_more_than_was_reserved_is_refused(customer_id: int) -> None:
    with unit_of_work(SYSTEM) as session:
        held = ledger.reserve(session, customer_id=customer_id, amount=Decimal("5"), key="r", cause="call").id
    with pytest.raises(Invalid), unit_of_work(SYSTEM) as session:
        ledger.settle(session, held, amount=Decimal("5.01"), kind=EntryKind.CALL, cause="call", cause_id=1)


def test_an_entry_is_reversed_once(customer_id: int) -> None:
    with unit_of_work(SYSTEM) as session:
        entry_id = charge(session, customer_id, "40.00", "a").id
    for _ in range(2):
        with unit_of_work(SYSTEM) as session:
            ledger.reverse(session, session.get_one(LedgerEntry, entry_id), cause="payment")
    assert balance(customer_id)[0] == Decimal("100.00")


@pytest.mark.parametrize("amount", ["0", "1000000000.01"])
def test_an_impossible_amount_is_refused(customer_id: int, amount: str) -> None:
    with pytest.raises(Invalid), unit_of_work(SYSTEM) as session:
        charge(session, customer_id, amount, "a")


def test_a_float_never_reaches_a_money_column(customer_id: int) -> None:
    with pytest.raises(sa.exc.StatementError, match="money must be Decimal"), unit_of_work(SYSTEM) as session:
        session.get_one(Customer, customer_id).credit_limit = 0.1  # type: ignore[assignment]
        session.flush()


def test_an_unknown_customer_has_no_ledger() -> None:
    with pytest.raises(NotFound), unit_of_work(SYSTEM) as session:
        charge(session, 999, "1", "a")


@pytest.mark.parametrize("statement", ["UPDATE ledger_entry SET amount = 1", "DELETE FROM ledger_entry"])
@pytest.mark.parametrize("role", ["tenant", "staff"])
def test_the_database_refuses_to_edit_an_entry(customer_id: int, statement: str, role: str) -> None:
    scope = Scope.tenant(customer_id) if role == "tenant" else Scope.staff()
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), unit_of_work(scope) as session:
        session.execute(sa.text(statement))


def test_expired_reservations_are_given_back(customer_id: int, owner_connection: psycopg.Connection) -> None:
    with unit_of_work(SYSTEM) as session:
        ledger.reserve(session, customer_id=customer_id, amount=Decimal("80"), key="r", cause="call")
    with unit_of_work(SYSTEM) as session:
        expires = session.scalars(sa.select(Reservation.expires_at)).one()
        assert ledger.release_expired(session, now=expires) == 0
    with unit_of_work(SYSTEM) as session:
        assert ledger.release_expired(session, now=expires + ledger.RESERVATION_LIFE) == 1
    assert balance(customer_id)[1] == Decimal("0")


def test_forty_charges_at_once_never_pass_the_limit(customer_id: int) -> None:
    """100.00 roubles pay for exactly twenty charges of 5.00, however the forty meet (AC-52)."""
    barrier = threading.Barrier(10)

    def attempt(index: int) -> bool:
        try:
            with unit_of_work(SYSTEM) as session:
                session.get_one(Customer, customer_id)
                if index < 10:
                    barrier.wait(10)
                charge(session, customer_id, "5.00", f"race:{index}")
        except LimitReached:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        results = list(pool.map(attempt, range(40)))
    assert sum(results) == 20
    assert balance(customer_id)[0] == Decimal("0")


def test_a_reversal_is_not_reversed(customer_id: int) -> None:
    with unit_of_work(SYSTEM) as session:
        undone = ledger.reverse(session, charge(session, customer_id, "10.00", "a"), cause="test")
        with pytest.raises(Invalid, match="ledger.reversal_of_reversal"):
            ledger.reverse(session, undone, cause="test")
    assert balance(customer_id)[0] == Decimal("100.00")


def test_an_entry_is_not_reversed_under_a_second_key(customer_id: int) -> None:
    with unit_of_work(SYSTEM) as session:
        entry = charge(session, customer_id, "10.00", "a")
        ledger.reverse(session, entry, cause="test")
        with pytest.raises(Conflict, match="ledger.already_reversed"):
            ledger.post(
                session,
                customer_id=customer_id,
                kind=EntryKind.REVERSAL,
                account=Account.REVENUE,
                amount=Decimal("10.00"),
                key="another",
                cause="test",
                reverses_id=entry.id,
            )
    assert balance(customer_id)[0] == Decimal("100.00")


def hold(session: CabSession, customer_id: int, amount: str, key: str = "call:1") -> Reservation:
    return ledger.reserve(session, customer_id=customer_id, amount=Decimal(amount), key=key, cause="call")


def test_a_call_reserves_once_however_often_it_asks(customer_id: int) -> None:
    with unit_of_work(SYSTEM) as session:
        assert hold(session, customer_id, "5.40").id == hold(session, customer_id, "5.40").id
    assert balance(customer_id) == (Decimal("100.00"), Decimal("5.40"))


@pytest.mark.parametrize(("amount", "code"), [("-0.01", "amount.negative"), ("100.01", "balance.low")])
def test_an_impossible_reservation_is_refused(customer_id: int, amount: str, code: str) -> None:
    with pytest.raises((Invalid, LimitReached), match=code), unit_of_work(SYSTEM) as session:
        hold(session, customer_id, amount)
    assert balance(customer_id) == (Decimal("100.00"), Decimal("0"))


def test_a_closed_reservation_is_given_back_once(customer_id: int) -> None:
    with unit_of_work(SYSTEM) as session:
        held = hold(session, customer_id, "5.40")
        assert ledger.release(session, held.id)
        assert not ledger.release(session, held.id)
    assert balance(customer_id) == (Decimal("100.00"), Decimal("0"))


def test_an_unknown_reservation_is_not_found() -> None:
    with pytest.raises(NotFound, match="reservation.not_found"), unit_of_work(SYSTEM) as session:
        ledger.release(session, 999_999)


def test_a_call_that_cost_nothing_leaves_no_entry(customer_id: int) -> None:
    with unit_of_work(SYSTEM) as session:
        held = hold(session, customer_id, "5.40")
        for _ in range(2):
            found = ledger.settle(
                session, held.id, amount=Decimal("0"), kind=EntryKind.CALL, cause="call", cause_id=None
            )
            assert found is None
    assert balance(customer_id) == (Decimal("100.00"), Decimal("0"))
