"""The figures of the first pages."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from callcab.db import CabSession, unit_of_work
from callcab.lib import clock
from callcab.models import Account, Customer, EntryKind, LedgerEntry, Outcome, PaymentMethod
from callcab.scope import Actor, Scope
from callcab.services import dashboard, ledger, payment
from tests import factories

MOSCOW = ZoneInfo("Europe/Moscow")
VLADIVOSTOK = ZoneInfo("Asia/Vladivostok")
NOON = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)


@pytest.fixture
def session(connected: sa.Engine) -> CabSession:
    with unit_of_work(Scope.system("test")) as opened:
        yield opened


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """A Wednesday, 12:00 in Moscow and 19:00 in Vladivostok."""
    monkeypatch.setattr(clock, "now", lambda: NOON)
    return NOON


def spent(session: CabSession, customer: Customer, amount: str, at: datetime) -> None:
    """An entry of that time; what is posted can't be dated back."""
    session.add(
        LedgerEntry(
            customer_id=customer.id,
            kind=EntryKind.CALL,
            account=Account.REVENUE,
            amount=-Decimal(amount),
            balance_after=Decimal(0),
            idempotency_key=f"{at.isoformat()}",
            cause="call",
            created_at=at,
        )
    )
    session.flush()


@pytest.mark.parametrize(
    ("available", "spent", "days"),
    [("100", "0", None), ("100", "700", 1), ("99.99", "700", 0), ("0", "5", 0), ("-10", "5", 0)],
)
def test_days_left_follow_the_pace(available: str, spent: str, days: int | None) -> None:
    assert dashboard.days_left(Decimal(available), Decimal(spent)) == days


def test_only_the_last_seven_days_tell_for_how_long_money_lasts(session: CabSession, noon: datetime) -> None:
    customer = factories.customer(session, balance="700.00")
    spent(session, customer, "70.00", noon)
    spent(session, customer, "5000.00", noon - timedelta(days=7))
    days = dashboard.spending_by_day(session, customer_id=customer.id, zone=MOSCOW)
    found = dashboard.customer(session, customer_id=customer.id, days=days)
    assert (found.days_left, found.spent) == (70, dashboard.Sums(Decimal("70.00"), Decimal("5070.00")))


def test_a_day_begins_at_midnight_of_the_zone(session: CabSession, noon: datetime) -> None:
    customer = factories.customer(session)
    spent(session, customer, "1.00", datetime(2026, 11, 17, 15, 0, tzinfo=UTC))
    for zone, today in ((MOSCOW, Decimal(0)), (VLADIVOSTOK, Decimal("1.00"))):
        days = dashboard.spending_by_day(session, customer_id=customer.id, zone=zone)
        assert days[-1][1] == today


def test_days_without_income_are_shown_as_empty(session: CabSession) -> None:
    data = dashboard.income_by_day(session, zone=VLADIVOSTOK)
    assert len(data) == dashboard.DAYS
    assert {value for _day, value in data} == {Decimal(0)}
    assert data[-1][0] - data[0][0] == timedelta(days=dashboard.DAYS - 1)


def test_gifts_are_no_income(session: CabSession) -> None:
    customer = factories.customer(session)
    staff = factories.user(session, None, "lead")
    actor = Actor(staff.name, "lead", staff.id)
    payment.record(session, customer_id=customer.id, amount=Decimal(100), method=PaymentMethod.CARD, actor=actor)
    payment.correct(session, customer_id=customer.id, amount=Decimal(7), reason="подарок", actor=actor)
    assert dashboard.support(session, zone=MOSCOW).income == dashboard.Sums(Decimal(100), Decimal(100))


@pytest.mark.parametrize("outcome", [None, *Outcome])
def test_each_outcome_belongs_to_one_group_of_the_chart(outcome: Outcome | None) -> None:
    assert dashboard.group_of(outcome) in dashboard.GROUPS


def test_nothing_wants_attention_but_numbers_on_an_empty_platform(session: CabSession) -> None:
    assert [item.code for item in dashboard.concerns(session)] == ["no_free_numbers"]


def test_a_balance_changed_past_the_ledger_is_noticed(session: CabSession) -> None:
    sound = factories.customer(session, balance="10.00")
    broken = factories.customer(session, balance="10.00", name="ООО «Сбой»")
    assert not [item for item in dashboard.concerns(session) if item.code == "ledger_off"]
    broken.balance += 1
    session.flush()
    found = {item.code: item for item in dashboard.concerns(session)}["ledger_off"]
    assert (found.count, list(found.customers)) == (1, [(broken.id, "ООО «Сбой»")])
    assert sound.id != broken.id


def test_money_in_reserve_is_no_discrepancy(session: CabSession) -> None:
    customer = factories.customer(session, balance="10.00")
    ledger.reserve(session, customer_id=customer.id, amount=Decimal(4), key="k", cause="call")
    session.flush()
    assert not [item for item in dashboard.concerns(session) if item.code == "ledger_off"]


def test_counts_of_the_first_page_are_answered_by_an_index(session: CabSession) -> None:
    statements: list[tuple[str, object]] = []
    connection = session.connection()

    @sa.event.listens_for(connection, "before_cursor_execute")
    def keep(_connection: object, _cursor: object, text: str, values: object, *_rest: object) -> None:
        statements.append((text, values))

    dashboard.support(session, zone=MOSCOW)
    sa.event.remove(connection, "before_cursor_execute", keep)
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    for text, values in [item for item in statements if " FROM " in item[0]]:
        plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {text}", values).scalars())
        assert "Index Cond" in plan or "ix_operation_due" in plan, plan
