"""May this number be called now? Each rule alone (design «Decision»)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.models import BlacklistEntry, BlacklistSource, CustomerStatus
from callcab.scope import Scope
from callcab.services import decision
from callcab.services.decision import facts
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
# A Tuesday, noon in Moscow.
NOON = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
FIRST = 79253944501


def decide(phone: int | str = FIRST, now: datetime = NOON, **values: Any) -> decision.Decision:
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session, balance="100.00", **values)
        return decision.decide(session, customer_id=owner.id, phone=phone, campaign=None, now=now)


def test_an_ordinary_number_may_be_called_and_every_rule_says_so() -> None:
    found = decide()
    assert found.allowed
    assert [finding.rule for finding in found.trace] == [
        "number",
        "platform_list",
        "own_list",
        "hours",
        "purpose",
        "customer",
        "balance",
        "caller",
        "retries",
    ]


def test_free_numbers_are_told_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "MOST_FREE", 2)
    with unit_of_work(SYSTEM) as session:
        for _ in range(3):
            factories.number(session)
    assert next(one.evidence for one in decide().trace if one.rule == "caller") == {"free": 2}


@pytest.mark.parametrize("phone", ["8-800-555-35-35", "8 809 123-45-67", "8 701 123-45-67", "чепуха"])
def test_numbers_that_the_robot_must_not_dial_are_refused(phone: str) -> None:
    assert decide(phone).trace[0].verdict == "never"


@pytest.mark.parametrize(
    ("phone", "hour", "allowed"),
    [
        (79253944501, 6, True),
        (79253944501, 5, False),
        (79253944501, 17, False),
        (74232123456, 9, True),
        (74232123456, 10, False),
        (74232123456, 23, True),
    ],
)
def test_hours_are_those_of_the_callee(phone: int, hour: int, allowed: bool) -> None:
    # Moscow is UTC+3, Vladivostok UTC+10; calls are allowed from 9 to 20.
    found = decide(phone, NOON.replace(hour=hour))
    assert found.allowed is allowed
    if not allowed:
        assert found.code == "hours.closed"
        assert found.retry_at is not None and found.retry_at > NOON.replace(hour=hour)


def test_an_expired_entry_forbids_nothing_any_more() -> None:
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session, balance="100.00")
        for phone, days in ((FIRST, -1), (FIRST + 1, 1)):
            expires = NOON + timedelta(days=days)
            session.add(
                BlacklistEntry(customer_id=owner.id, phone=phone, source=BlacklistSource.HAND, expires_at=expires)
            )
        session.flush()
        both = [FIRST, FIRST + 1]
        verdicts = [
            decision.decide(session, customer_id=owner.id, phone=phone, campaign=None, now=NOON).code for phone in both
        ]
    assert verdicts == ["allowed", "blacklist.own"]


def test_one_customers_list_does_not_touch_another() -> None:
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session)
        session.add(BlacklistEntry(customer_id=owner.id, phone=FIRST, source=BlacklistSource.HAND))
    assert decide().allowed


def test_a_blocked_customer_calls_nobody() -> None:
    found = decide(status=CustomerStatus.BLOCKED, block_reason="долг")
    assert (found.code, found.verdict) == ("customer.blocked", "campaign")


def test_a_batch_gets_the_answers_that_each_number_would_get_alone() -> None:
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session, balance="100.00")
        session.add(BlacklistEntry(customer_id=owner.id, phone=FIRST + 1, source=BlacklistSource.HAND))
        session.add(BlacklistEntry(customer_id=None, phone=FIRST + 2, source=BlacklistSource.FILE))
        session.flush()
        callees = [decision.Callee(phone) for phone in (FIRST, FIRST + 1, FIRST + 2, "чепуха", 74232123456)]
        together = decision.decide_many(session, customer_id=owner.id, campaign=None, callees=callees, now=NOON)
        alone = [
            decision.decide(session, customer_id=owner.id, phone=callee.phone, campaign=None, now=NOON)
            for callee in callees
        ]
    assert together == alone
    assert [found.code for found in together] == [
        "allowed",
        "blacklist.own",
        "blacklist.platform",
        "phone.no_digits",
        "allowed",
    ]


def test_a_thousand_numbers_cost_as_many_queries_as_one(connected: sa.Engine) -> None:
    counts = []
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session, balance="100.00")
        for size in (1, 1000):
            seen: list[str] = []

            def note(conn: Any, cursor: Any, statement: str, *rest: Any, seen: list[str] = seen) -> None:
                seen.append(statement)

            sa.event.listen(connected, "before_cursor_execute", note)
            callees = [decision.Callee(FIRST + step) for step in range(size)]
            decision.decide_many(session, customer_id=owner.id, campaign=None, callees=callees, now=NOON)
            sa.event.remove(connected, "before_cursor_execute", note)
            counts.append(len(seen))
    assert counts[0] == counts[1] <= 4
