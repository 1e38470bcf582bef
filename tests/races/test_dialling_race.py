"""Rounds, events and requests that meet: nobody is called twice, nothing is paid twice."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.lib.errors import DomainError
from callcab.models import BlacklistEntry, Call, Campaign, Contact, Customer, IvrAction, Purpose, Verification
from callcab.providers.telephony.base import Event, EventKind, Heard
from callcab.scope import Actor, Scope
from callcab.services import call as calls
from callcab.services import campaign as campaigns
from callcab.services import ledger, verification
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
OLGA = Actor("Ольга", "owner")
NOON = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def campaign_id(connected: sa.Engine) -> int:
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        owner = factories.customer(session, balance="1000.00")
        factories.number(session)
        phones = "\n".join(str(79253944600 + step) for step in range(30))
        rules = (campaigns.Rule("9", IvrAction.BLACKLIST),)
        draft = campaigns.Draft("Обзвон", Purpose.SERVICE, "Да", phones, rules=rules, lines=10)
        campaign = campaigns.create(session, draft, customer_id=owner.id, actor=OLGA)
        campaigns.start(session, campaign.id, actor=OLGA)
        return campaign.id


def together(count: int, act: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(act, range(count)))


def test_eight_rounds_at_once_fill_the_lines_once(campaign_id: int) -> None:
    barrier = threading.Barrier(8)

    def dial(index: int) -> list[int]:
        with unit_of_work(SYSTEM) as session:
            session.get(Campaign, campaign_id)
            barrier.wait(30)
            return campaigns.dial(session, campaign_id).calls

    with clock.frozen(NOON):
        placed = [call_id for batch in together(8, dial) for call_id in batch]
    assert len(placed) == len(set(placed)) == 10
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(sa.func.count(sa.distinct(Call.contact_id)))) == 10
        assert session.scalar(sa.select(Customer.reserved)) == Decimal("54.00")
        assert ledger.discrepancies(session) == []


def test_the_same_end_told_ten_times_at_once_is_paid_once(campaign_id: int) -> None:
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        call_id = campaigns.dial(session, campaign_id).calls[0]
        reference = str(session.get_one(Call, call_id).provider_ref)
    data = {"cause": "completed", "by": "us", "digits": "9", "answered_at": NOON.isoformat(), "seconds": 61}
    event = Event(reference, "end", EventKind.HANGUP, NOON + timedelta(seconds=61), data)
    barrier = threading.Barrier(10)

    def tell(index: int) -> Heard:
        with unit_of_work(SYSTEM) as session:
            session.get(Call, call_id)
            barrier.wait(30)
            return calls.on_events(session, [event])[0]

    assert sorted(together(10, tell)) == [Heard.AGAIN] * 9 + [Heard.NEWS]
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(Customer.balance)) == Decimal("1000.00") - Decimal("1.98")
        assert session.scalar(sa.select(sa.func.count()).select_from(BlacklistEntry)) == 1
        assert session.scalar(sa.select(Campaign.contacts_done)) == 1
        assert ledger.discrepancies(session) == []


def test_rounds_and_ends_that_meet_never_wait_for_each_other_in_a_circle(campaign_id: int) -> None:
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        placed = campaigns.dial(session, campaign_id).calls
        references = [str(session.get_one(Call, call_id).provider_ref) for call_id in placed]
    barrier = threading.Barrier(20)

    def act(index: int) -> None:
        barrier.wait(30)
        with unit_of_work(SYSTEM) as session:
            if index < 10:
                data = {"cause": "completed", "digits": "", "answered_at": NOON.isoformat(), "seconds": 5}
                calls.on_events(session, [Event(references[index], "end", EventKind.HANGUP, NOON, data)])
            else:
                campaigns.dial(session, campaign_id)

    with clock.frozen(NOON):
        together(20, act)
        with unit_of_work(SYSTEM) as session:
            campaigns.dial(session, campaign_id)
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Call).where(Call.ended_at.is_(None))) == 10
        assert session.scalar(sa.select(Campaign.contacts_done)) == 10
        assert session.scalar(sa.select(sa.func.count()).select_from(Contact).where(Contact.attempts > 1)) == 0
        assert ledger.discrepancies(session) == []


def test_twenty_requests_for_one_number_ring_it_once(connected: sa.Engine) -> None:
    with unit_of_work(SYSTEM) as session:
        customers = [factories.customer(session).id for _ in range(20)]
    barrier = threading.Barrier(20)

    def ask(index: int) -> str:
        try:
            with unit_of_work(SYSTEM) as session:
                session.scalar(sa.select(sa.func.count()).select_from(Verification))
                barrier.wait(30)
                verification.request(session, customer_id=customers[index], text="+79253944577", actor=OLGA)
                return "asked"
        except DomainError as problem:
            return problem.code

    answers = together(20, ask)
    assert (answers.count("asked"), answers.count("verification.running")) == (1, 19)


def test_the_limit_of_a_number_holds_against_simultaneous_requests(connected: sa.Engine) -> None:
    with unit_of_work(SYSTEM) as session:
        customers = [factories.customer(session).id for _ in range(3)]
        for customer_id in customers[:2]:
            attempt = verification.request(session, customer_id=customer_id, text="+79253944577", actor=OLGA)
            verification.placement(session, attempt.id)
            verification.on_event(
                session,
                Event(str(attempt.provider_ref), "e", EventKind.HANGUP, clock.now(), {"cause": "busy"}),
            )
    barrier = threading.Barrier(6)

    def ask(index: int) -> str:
        try:
            with unit_of_work(SYSTEM) as session:
                session.scalar(sa.select(sa.func.count()).select_from(Verification))
                barrier.wait(30)
                verification.request(session, customer_id=customers[index % 3], text="+79253944577", actor=OLGA)
                return "asked"
        except DomainError as problem:
            return problem.code

    together(6, ask)
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Verification)) == 3
