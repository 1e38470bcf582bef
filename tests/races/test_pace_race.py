"""Speed and lines of several campaigns whose rounds meet: no limit is ever passed."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.models import Call, Campaign, Customer, DialRate, Purpose
from callcab.providers.telephony.base import Event, EventKind
from callcab.services import call as calls
from callcab.services import campaign as campaigns
from callcab.services import ledger
from callcab.services.campaign import pace
from tests import factories
from tests.services.dialling import FIRST, NOON, OLGA, SYSTEM

pytestmark = pytest.mark.usefixtures("connected")
CAMPAIGNS = 6
SILENT = {"cause": "no_answer", "by": "us", "digits": "", "answered_at": None, "seconds": 0}


@pytest.fixture
def in_all() -> Iterator[Any]:
    yield pace.allow_in_all
    pace.allow_in_all(per_second=0, lines=0)


def settle(*, owners: int = 1, **limits: Any) -> list[int]:
    """Started campaigns of so many customers, each with twenty contacts and as many lines as its owner allows."""
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        customers = [factories.customer(session, balance="1000.00") for _ in range(owners)]
        for customer in customers:
            customer.lines, customer.calls_per_second = limits.get("lines"), limits.get("per_second")
        made = []
        for place in range(CAMPAIGNS):
            factories.number(session)
            phones = "\n".join(str(FIRST + 100 * place + step) for step in range(20))
            draft = campaigns.Draft("Обзвон", Purpose.SERVICE, "Да", phones, lines=limits.get("lines") or 20)
            campaign = campaigns.create(session, draft, customer_id=customers[place % owners].id, actor=OLGA)
            campaign.calls_per_second = limits.get("of_campaign")
            campaigns.start(session, campaign.id, actor=OLGA)
            made.append(campaign.id)
        return made


def dial_at_once(ids: list[int], at: datetime = NOON) -> int:
    """A round of each, all at the same moment; returns how many calls were recorded."""
    barrier = threading.Barrier(len(ids))

    def dial(campaign_id: int) -> int:
        with unit_of_work(SYSTEM) as session:
            session.get(Campaign, campaign_id)
            barrier.wait(30)
            return len(campaigns.dial(session, campaign_id).calls)

    with clock.frozen(at), ThreadPoolExecutor(len(ids)) as pool:
        return sum(pool.map(dial, ids))


def test_rounds_of_all_customers_share_the_speed_of_the_service(in_all: Any) -> None:
    ids = settle(owners=CAMPAIGNS)
    in_all(per_second=7, lines=0)
    assert dial_at_once(ids) == 7
    assert dial_at_once(ids) == 0
    assert dial_at_once(ids, NOON + timedelta(milliseconds=500)) == 3
    assert dial_at_once(ids, NOON + timedelta(seconds=60)) == 7


def test_rounds_of_all_customers_share_the_lines_of_the_service(in_all: Any) -> None:
    ids = settle(owners=CAMPAIGNS)
    in_all(per_second=0, lines=9)
    assert dial_at_once(ids) == 9
    assert dial_at_once(ids, NOON + timedelta(seconds=60)) == 0
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        name = str(session.scalars(sa.select(Call.provider_ref).limit(1)).one())
        calls.on_events(session, [Event(name, "end", EventKind.HANGUP, NOON, SILENT)])
    assert dial_at_once(ids, NOON + timedelta(seconds=61)) == 1


def test_campaigns_of_one_customer_share_his_lines() -> None:
    assert dial_at_once(settle(lines=5)) == 5


def test_campaigns_of_one_customer_share_his_speed() -> None:
    ids = settle(per_second=4)
    assert [dial_at_once(ids), dial_at_once(ids, NOON + timedelta(seconds=1))] == [4, 4]


def test_a_campaign_has_a_speed_of_its_own() -> None:
    ids = settle(of_campaign=2)
    assert [dial_at_once(ids), dial_at_once(ids, NOON + timedelta(milliseconds=600))] == [2 * CAMPAIGNS, CAMPAIGNS]


def test_ten_rounds_of_one_campaign_keep_its_speed() -> None:
    (campaign_id, *_) = settle(of_campaign=3)
    assert dial_at_once([campaign_id] * 10) == 3


def test_a_clock_that_is_behind_gives_nothing_away() -> None:
    (campaign_id, *_) = settle(of_campaign=3)
    assert dial_at_once([campaign_id]) == 3
    assert dial_at_once([campaign_id], NOON - timedelta(seconds=5)) == 0
    assert dial_at_once([campaign_id], NOON + timedelta(milliseconds=340)) == 1


def test_what_the_pace_holds_back_is_neither_paid_nor_waited_for() -> None:
    (campaign_id, *_) = settle(of_campaign=1)
    assert dial_at_once([campaign_id]) == 1
    with unit_of_work(SYSTEM) as session:
        campaign = session.get_one(Campaign, campaign_id)
        assert (campaign.state, campaign.wait_reason) == ("running", None)
        assert session.get_one(Customer, campaign.customer_id).reserved == Decimal("5.40")
        assert ledger.discrepancies(session) == []


def test_buckets_that_nobody_uses_are_forgotten() -> None:
    dial_at_once(settle(of_campaign=2))
    with unit_of_work(SYSTEM) as session:
        pace.forget_idle(session, now=NOON + timedelta(hours=1))
        assert len(session.scalars(sa.select(DialRate.key)).all()) == CAMPAIGNS
        pace.forget_idle(session, now=NOON + timedelta(days=2))
        assert session.scalars(sa.select(DialRate.key)).all() == []
