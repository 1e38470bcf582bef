"""How a number's answer rate is judged, and that it is counted from its calls."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import phone_number as jobs
from callcab.lib import clock
from callcab.models import Call, CallState, Contact, NumberDay, NumberHealth, PhoneNumber
from callcab.scope import Scope
from callcab.services.phone_number import health
from tests import factories

SYSTEM = Scope.system("test")
NOW = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
TODAY, WEEK_AGO = "2026-11-24", "2026-11-17"


def history(answered: int, calls: int = 40, days: int = 10) -> list[tuple[str, int, int]]:
    return [(f"2026-11-{7 + index:02}", calls, answered) for index in range(days)]


@pytest.mark.parametrize(
    ("usual", "last_day", "said"),
    [
        (20, (40, 5), NumberHealth.FALLING),
        (20, (40, 18), NumberHealth.GOOD),
        (20, (40, 40), NumberHealth.GOOD),
        # Too few calls to say so, or chance would do it.
        (20, (12, 0), NumberHealth.GOOD),
        (4, (20, 1), NumberHealth.GOOD),
        (0, (40, 0), NumberHealth.GOOD),
    ],
)
def test_a_sudden_fall_is_told_from_chance(usual: int, last_day: tuple[int, int], said: NumberHealth) -> None:
    found = health.judge(history(usual), last_day, today=TODAY, week_ago=WEEK_AGO)
    assert found.health is said


def test_a_week_that_is_clearly_worse_is_a_fall_too() -> None:
    week = [(f"2026-11-{18 + index}", 30, 9) for index in range(7)]
    found = health.judge([*history(20), *week], (10, 3), today=TODAY, week_ago=WEEK_AGO)
    assert (found.health, found.week, found.usual) == (NumberHealth.FALLING, (210, 63), 50)


def test_a_number_without_a_history_is_not_judged() -> None:
    found = health.judge(history(20, days=4), (40, 0), today=TODAY, week_ago=WEEK_AGO)
    assert (found.health, found.usual) == (NumberHealth.UNKNOWN, None)


def add_calls(session: Any, number: PhoneNumber, *, day: int, calls: int, answered: int, outcome: str = "") -> None:
    owner = factories.customer(session)
    campaign = factories.campaign(session, owner)
    at = NOW - timedelta(days=day, hours=1)
    for index in range(calls):
        contact = factories.add(
            session,
            Contact(campaign_id=campaign.id, customer_id=owner.id, phone=79161000000 + index, next_at=NOW),
        )
        picked = index < answered
        session.add(
            Call(
                campaign_id=campaign.id,
                contact_id=contact.id,
                customer_id=owner.id,
                attempt=1,
                phone=contact.phone,
                from_phone=number.phone,
                state=CallState.FINISHED,
                outcome=outcome or ("completed" if picked else "no_answer"),
                answered_at=at if picked else None,
                ended_at=at,
                deadline_at=at,
                created_at=at,
                decision=[],
            )
        )
    session.flush()


@pytest.mark.usefixtures("connected")
def test_the_timetable_counts_days_and_marks_the_falling_number() -> None:
    with unit_of_work(SYSTEM) as session:
        falling, steady, idle = (factories.number(session) for _ in range(3))
        for day in range(9, 15):
            for number in (falling, steady):
                add_calls(session, number, day=day, calls=8, answered=4)
        add_calls(session, falling, day=0, calls=24, answered=1)
        add_calls(session, falling, day=0, calls=5, answered=0, outcome="congestion")
        add_calls(session, steady, day=0, calls=24, answered=12)
    with clock.frozen(NOW):
        jobs.check_health()
        jobs.check_health()
    with unit_of_work(SYSTEM) as session:
        found = {row.id: row for row in session.scalars(sa.select(PhoneNumber))}
        assert found[falling.id].health is NumberHealth.FALLING
        assert found[falling.id].health_data is not None
        assert found[falling.id].health_data["day"] == [24, 1]
        assert found[steady.id].health is NumberHealth.GOOD
        assert found[idle.id].health is NumberHealth.UNKNOWN
        today = session.execute(
            sa.select(NumberDay.calls, NumberDay.answered)
            .where(NumberDay.day == NOW.date())
            .order_by(NumberDay.answered)
        ).all()
        assert [tuple(row) for row in today] == [(24, 1), (24, 12)]
