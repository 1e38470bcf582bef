"""Calls whose end was lost or told too late: they cost nothing and say why."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.models import (
    Call,
    Outcome,
)
from callcab.providers.telephony.base import Event, EventKind
from callcab.services import call as calls
from callcab.services import ledger
from tests.services.dialling import FIRST, NOON, SYSTEM, contact, dial, end, get, money, settled, unanswered

pytestmark = pytest.mark.usefixtures("connected")


def test_a_lost_call_ends_by_its_deadline_and_gives_the_money_back() -> None:
    customer_id, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    later = NOON + timedelta(minutes=5)
    with clock.frozen(later), unit_of_work(SYSTEM) as session:
        assert calls.overdue(session, now=later) == [call_id]
        assert calls.reap(session, [call_id], now=later) == 1
    assert get(Call, call_id).outcome is Outcome.LOST
    assert money(customer_id) == (Decimal("100.00"), Decimal("0.00"))
    assert contact().next_at >= later + timedelta(minutes=10)


def answer(call_id: int, at: datetime = NOON) -> None:
    with clock.frozen(at), unit_of_work(SYSTEM) as session:
        call = session.get_one(Call, call_id)
        assert calls.on_events(session, [Event(str(call.provider_ref), "up", EventKind.ANSWERED, at, {})])


def free(call_id: int) -> str | None:
    with unit_of_work(SYSTEM) as session:
        return calls.why_free(session, session.get_one(Call, call_id))


def test_an_answered_call_that_is_lost_costs_nothing_and_keeps_its_answer() -> None:
    customer_id, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    answer(call_id)
    later = NOON + timedelta(minutes=5)
    with clock.frozen(later), unit_of_work(SYSTEM) as session:
        assert calls.reap(session, [call_id], now=later) == 1
    lost = get(Call, call_id)
    assert (lost.outcome, lost.seconds, lost.cost, lost.answered_at) == (Outcome.LOST, 0, 0, NOON)
    assert free(call_id) == "call.free_lost"
    assert money(customer_id) == (Decimal("100.00"), Decimal("0.00"))


def test_the_end_of_a_lost_call_that_is_told_later_charges_nothing() -> None:
    customer_id, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    later = NOON + timedelta(minutes=5)
    with clock.frozen(later), unit_of_work(SYSTEM) as session:
        calls.reap(session, [call_id], now=later)
    end(call_id, later + timedelta(minutes=1))
    assert get(Call, call_id).outcome is Outcome.LOST
    assert money(customer_id) == (Decimal("100.00"), Decimal("0.00"))


def test_a_call_whose_reservation_ran_out_costs_nothing_and_says_so() -> None:
    customer_id, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    with unit_of_work(SYSTEM) as session:
        ledger.release(session, session.get_one(Call, call_id).reservation_id)
    end(call_id)
    assert (get(Call, call_id).seconds, free(call_id)) == (10, "call.free_late")
    assert money(customer_id) == (Decimal("100.00"), Decimal("0.00"))


def test_a_paid_call_and_an_unanswered_one_need_no_excuse() -> None:
    _, campaign_id = settled((FIRST, FIRST + 1))
    paid, silent = dial(campaign_id)
    end(paid)
    unanswered(silent, "busy")
    assert (get(Call, paid).cost, free(paid), free(silent)) == (Decimal("1.80"), None, None)
