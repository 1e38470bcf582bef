"""Copies of campaigns, test calls to oneself, and the results of a campaign."""

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.lib.errors import Invalid, LimitReached, NotFound
from callcab.models import Call, Campaign, CampaignState, Contact, NumberKind, NumberState, PhoneNumber, Purpose
from callcab.services import campaign as campaigns
from callcab.services.campaign import results
from callcab.services.campaign.cloning import _OWN
from tests import factories
from tests.services.dialling import FIRST, NOON, OLGA, SYSTEM, dial, end, get, settled, unanswered

pytestmark = pytest.mark.usefixtures("connected")
NIGHT = NOON + timedelta(hours=12)
MINE = 79161112233


def copied(campaign_id: int, at: Any = NOON) -> Campaign:
    with clock.frozen(at), unit_of_work(SYSTEM) as session:
        original = session.get_one(Campaign, campaign_id)
        return campaigns.clone(session, campaign_id, name="Копия", customer_id=original.customer_id, actor=OLGA)


def test_a_copy_is_a_draft_with_the_same_words_menu_and_people() -> None:
    _, campaign_id = settled([FIRST, FIRST + 1], days="12", max_attempts=3)
    (first, _) = dial(campaign_id)
    end(first)
    copy = copied(campaign_id)
    original = get(Campaign, campaign_id)
    assert (copy.state, copy.name, copy.contacts_total, copy.contacts_done) == (CampaignState.DRAFT, "Копия", 2, 0)
    kept = {column.key for column in sa.inspect(Campaign).column_attrs} - _OWN - {"name"}
    assert {name: getattr(copy, name) for name in kept} == {name: getattr(original, name) for name in kept}
    assert [(rule.digit, rule.action) for rule in copy.rules] == [(rule.digit, rule.action) for rule in original.rules]
    with unit_of_work(SYSTEM) as session:
        found = session.execute(
            sa.select(Contact.phone, Contact.attempts, Contact.outcome).where(Contact.campaign_id == copy.id)
        ).all()
    assert sorted(map(tuple, found)) == [(FIRST, 0, None), (FIRST + 1, 0, None)]


def test_moments_that_have_passed_are_not_copied() -> None:
    _, campaign_id = settled(starts_at=NOON + timedelta(hours=1), last_day=date(2026, 11, 25))
    soon = copied(campaign_id)
    assert (soon.starts_at, soon.last_day) == (NOON + timedelta(hours=1), date(2026, 11, 25))
    late = copied(campaign_id, NOON + timedelta(days=3))
    assert (late.starts_at, late.last_day) == (None, None)


def test_a_stranger_copies_nothing() -> None:
    _, campaign_id = settled()
    with unit_of_work(SYSTEM) as session:
        other = factories.customer(session).id
        with pytest.raises(NotFound, match="campaign.not_found"):
            campaigns.clone(session, campaign_id, name="Моя", customer_id=other, actor=OLGA)


# Test calls


def my_number(customer_id: int | None, state: NumberState = NumberState.VERIFIED) -> int:
    with unit_of_work(SYSTEM) as session:
        return factories.number(session, phone=MINE, kind=NumberKind.PERSONAL, state=state, customer_id=customer_id).id


def called_me(campaign_id: int, number_id: int, at: Any = NIGHT) -> Campaign:
    with clock.frozen(at), unit_of_work(SYSTEM) as session:
        owner = session.get_one(Campaign, campaign_id).customer_id
        return campaigns.call_me(session, campaign_id, number_id, name="Проба", customer_id=owner, actor=OLGA)


def test_a_test_call_rings_at_night_costs_money_and_counts_nowhere() -> None:
    customer_id, campaign_id = settled(purpose=Purpose.DEBT, numbers=2)
    test = called_me(campaign_id, my_number(customer_id))
    (call_id,) = dial(test.id, NIGHT)
    end(call_id, NIGHT, digits="9")
    call = get(Call, call_id)
    assert (call.phone, call.cost > 0) == (MINE, True)
    assert get(Campaign, test.id).state is CampaignState.FINISHED
    assert get(Campaign, campaign_id).contacts_done == 0
    with unit_of_work(SYSTEM) as session:
        assert [item.id for item in campaigns.test_calls(session, campaign_id)] == [call_id]


def test_a_second_test_call_waits_ten_minutes() -> None:
    customer_id, campaign_id = settled(numbers=2)
    number_id = my_number(customer_id)
    test = called_me(campaign_id, number_id)
    dial(test.id, NIGHT)
    with pytest.raises(LimitReached, match="campaign.test_too_soon"):
        called_me(campaign_id, number_id, NIGHT + timedelta(minutes=9))
    called_me(campaign_id, number_id, NIGHT + timedelta(minutes=11))


def test_only_an_own_proved_number_is_rung() -> None:
    customer_id, campaign_id = settled(numbers=1)
    with unit_of_work(SYSTEM) as session:
        shared = session.scalars(sa.select(PhoneNumber.id)).one()
    with pytest.raises(NotFound, match="number.not_found"):
        called_me(campaign_id, shared)
    with pytest.raises(Invalid, match="number.not_verified"):
        called_me(campaign_id, my_number(customer_id, NumberState.FAILED))


def test_a_telephone_does_not_ring_itself() -> None:
    customer_id, campaign_id = settled(numbers=1)
    number_id = my_number(customer_id)
    with unit_of_work(SYSTEM) as session:
        session.get_one(Campaign, campaign_id).own_number_id = number_id
    assert called_me(campaign_id, number_id).own_number_id is None


# Results


def test_calls_are_counted_by_the_customers_weekday_and_hour() -> None:
    _, campaign_id = settled([FIRST, FIRST + 1])
    for call_id in dial(campaign_id):
        end(call_id)
    with unit_of_work(SYSTEM) as session:
        grid = campaigns.hours(session, campaign_id, "Europe/Moscow")
    assert grid[1][12] == 2
    assert sum(map(sum, grid)) == 2


def test_the_stamp_changes_with_each_call_and_ends_with_the_campaign() -> None:
    _, campaign_id = settled([FIRST])
    stamps = []
    for act in (lambda: None, lambda: dial(campaign_id)):
        act()
        with unit_of_work(SYSTEM) as session:
            stamps.append(campaigns.stamp(session, campaign_id))
    with unit_of_work(SYSTEM) as session:
        call_id = session.scalars(sa.select(Call.id)).one()
    end(call_id)
    with unit_of_work(SYSTEM) as session:
        stamps.append(campaigns.stamp(session, campaign_id))
    assert stamps[0] != stamps[1]
    assert stamps[2] is None


def test_a_line_of_the_download_says_what_came_of_a_contact() -> None:
    _, campaign_id = settled([FIRST, FIRST + 1], max_attempts=1)
    first, second = dial(campaign_id)
    end(first, digits="1")
    unanswered(second, "busy")
    with unit_of_work(SYSTEM) as session:
        rows = session.scalars(sa.select(Contact).order_by(Contact.id)).all()
        found = [(results._outcome(row), results._last(row, "digits"), results._why(row)) for row in rows]
    assert found == [("completed", "1", ""), ("busy", "", "")]
