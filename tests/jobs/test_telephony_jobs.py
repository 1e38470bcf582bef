"""Jobs and the dialer together with the simulator: whole campaigns, killed workers, a provider that is away."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
import sqlalchemy as sa

from callcab import queue
from callcab.config import Settings
from callcab.db import unit_of_work
from callcab.jobs import call as call_jobs
from callcab.jobs import campaign as campaign_jobs
from callcab.jobs import dialer, registry
from callcab.jobs import verification as verification_jobs
from callcab.lib import clock
from callcab.models import (
    BlacklistEntry,
    Call,
    Campaign,
    CampaignState,
    Contact,
    MailMessage,
    Purpose,
    Verification,
)
from callcab.models import IvrAction as Act
from callcab.providers import telephony
from callcab.providers.telephony.heartbeat import KEY as LISTENER
from callcab.providers.telephony.simulator import Simulator
from callcab.scope import Actor, Scope
from callcab.services import campaign as campaigns
from callcab.services import ledger, verification
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
OLGA = Actor("Ольга", "owner")
NOON = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def simulator(settings: Settings, connected: sa.Engine) -> Iterator[Simulator]:
    """The simulator with a dialer that listens, and a queue that works at once."""
    store = redis.Redis.from_url(str(settings.redis_url))
    store.flushall()
    store.set(LISTENER, "test")
    found = telephony.use(Simulator(str(settings.redis_url)))
    assert isinstance(found, Simulator)
    todo: list[tuple[str, dict[str, Any]]] = []
    queue.set_sender(lambda name, ids: todo.append((name, ids)))
    found.todo = todo  # type: ignore[attr-defined]
    yield found
    store.flushall()


def work(simulator: Simulator) -> None:
    """Do the jobs that were asked for, and those that they ask for."""
    todo = simulator.todo  # type: ignore[attr-defined]
    while todo:
        name, ids = todo.pop(0)
        if registry.entry(name).queue == "calls":
            registry.run(name, ids)


def let_pass(simulator: Simulator, seconds: int, start: datetime = NOON) -> None:
    for step in range(0, seconds * 2, 2):
        with clock.frozen(start + timedelta(seconds=step / 2)):
            work(simulator)
            while simulator.step(dialer.Rules()):
                pass


def settled(phones: list[int]) -> int:
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        owner = factories.customer(session, balance="1000.00")
        factories.number(session)
        rules = (campaigns.Rule("9", Act.BLACKLIST),)
        text = "\n".join(map(str, phones))
        draft = campaigns.Draft("Обзвон", Purpose.SERVICE, "Да", text, rules=rules, max_attempts=1)
        campaign = campaigns.create(session, draft, customer_id=owner.id, actor=OLGA)
        campaigns.start(session, campaign.id, actor=OLGA)
        return campaign.id


def test_a_campaign_runs_to_its_end_by_itself(simulator: Simulator) -> None:
    campaign_id = settled([79253944500 + ending for ending in range(1, 17)])
    let_pass(simulator, 180)
    with unit_of_work(SYSTEM) as session:
        campaign = session.get_one(Campaign, campaign_id)
        assert (campaign.state, campaign.contacts_done) == (CampaignState.FINISHED, 16)
        outcomes = {row.phone: row.outcome for row in session.execute(sa.select(Call.phone, Call.outcome))}
        assert {phone % 100: str(outcome) for phone, outcome in outcomes.items()} == {
            1: "completed",
            2: "completed",
            3: "no_answer",
            4: "busy",
            5: "hangup_before_digit",
            6: "completed",
            7: "unallocated",
            8: "rejected",
            9: "completed",
            10: "completed",
            11: "machine",
            12: "congestion",
            13: "completed",
            14: "completed",
            15: "completed",
            16: "unreachable",
        }
        assert session.scalars(sa.select(BlacklistEntry.phone)).all() == [79253944509]
        assert ledger.discrepancies(session) == []


def test_a_worker_killed_between_record_and_placing_calls_nobody_twice(simulator: Simulator) -> None:
    campaign_id = settled([79253944501])
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        campaigns.dial(session, campaign_id)
    # The worker dies here; the sweep finds the call and places it under its own reference, twice for good measure.
    with clock.frozen(NOON + timedelta(seconds=20)):
        call_jobs.sweep()
        call_jobs.sweep()
    let_pass(simulator, 60, NOON + timedelta(seconds=20))
    with unit_of_work(SYSTEM) as session:
        assert session.scalars(sa.select(Call.outcome)).all() == ["completed"]
        assert session.scalar(sa.select(Contact.attempts)) == 1
        assert ledger.discrepancies(session) == []


def test_without_a_dialer_nothing_is_recorded_and_the_campaign_says_why(
    simulator: Simulator, settings: Settings
) -> None:
    campaign_id = settled([79253944501])
    redis.Redis.from_url(str(settings.redis_url)).delete(LISTENER)
    with clock.frozen(NOON):
        campaign_jobs.dial(campaign_id)
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(Campaign, campaign_id).wait_reason == "telephony.dialer_away"
        assert session.scalar(sa.select(Call.id)) is None


def test_a_provider_that_dies_while_placing_gives_the_money_back(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = settled([79253944501, 79253944502])
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        placed = campaigns.dial(session, campaign_id).calls
    telephony.use(Simulator("redis://127.0.0.1:1/0"))
    with clock.frozen(NOON):
        assert call_jobs.place_all(placed) is False
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(Campaign, campaign_id).wait_reason == "telephony.down"
        assert session.scalars(sa.select(Contact.attempts)).all() == [0, 0]
        assert ledger.discrepancies(session) == []


def ask(customer_id: int, phone: str) -> int:
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        return verification.request(session, customer_id=customer_id, text=phone, actor=OLGA).id


def test_a_verification_runs_from_the_request_to_the_pressed_digit(simulator: Simulator) -> None:
    with unit_of_work(SYSTEM) as session:
        customer_id = factories.customer(session).id
    attempt_id = ask(customer_id, "+79253944501")
    let_pass(simulator, 20)
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(Verification, attempt_id).outcome == "verified"


def test_a_verification_without_a_provider_fails_at_once_and_uncounted(simulator: Simulator) -> None:
    with unit_of_work(SYSTEM) as session:
        customer_id = factories.customer(session).id
    attempt_id = ask(customer_id, "+79253944501")
    telephony.use(Simulator("redis://127.0.0.1:1/0"))
    with clock.frozen(NOON):
        verification_jobs.place(attempt_id)
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(Verification, attempt_id).outcome == "unavailable"


def test_who_loses_his_number_gets_a_letter(simulator: Simulator) -> None:
    with unit_of_work(SYSTEM) as session:
        first, second = (factories.customer(session) for _ in range(2))
    for customer in (first, second):
        ask(customer.id, "+79253944501")
        let_pass(simulator, 20)
    verification_jobs.lost_letter(number_id=1)
    with unit_of_work(SYSTEM) as session:
        letter = session.scalars(sa.select(MailMessage)).one()
        assert letter.recipient == first.email
        assert "+7(925)394-45-01" in letter.text
