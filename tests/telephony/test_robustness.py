"""What dies in the middle of calls: dialer, Asterisk, Valkey. Nobody is rung twice, every call ends, all goes on."""

import os
import subprocess
import sys
import time as clocks
from collections.abc import Callable, Iterator
from datetime import time
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa

from callcab.config import Settings
from callcab.db import unit_of_work
from callcab.embedded.valkey import EmbeddedValkey
from callcab.jobs import call as call_jobs
from callcab.jobs import campaign as campaign_jobs
from callcab.models import Call, Campaign, CampaignState, IvrAction, Outcome, Purpose, Reservation
from callcab.providers import telephony
from callcab.providers.telephony.base import Cause, Gather, Play
from callcab.scope import Actor, Scope
from callcab.services import campaign as campaigns
from callcab.services import ledger
from tests import factories
from tests.telephony.calls import request
from tests.telephony.conftest import started, suite_or_skip
from tests.telephony.lines import ROOT, Callee, Ears, Jobs, Line, Way, provider, through_asterisk
from tests.telephony.server import AsteriskServer
from tests.waiting import wait_for

SYSTEM = Scope.system("test")
OLGA = Actor("Ольга", "owner")
# Beside everything else, a process of the whole application is started, on a machine that may be busy.
pytestmark = pytest.mark.timeout(300)
# Busy at once, silent until we hang up, pressing, ringing for a while: at any moment some are in each state.
ENDINGS = ("01", "04", "10", "13", "05", "10", "13", "09")
# The first number, how many are called, and how many were answered when the dialer is killed.
KILLED = {"asterisk": (79253600000, 24, 5), "sip": (79253800000, 6, 2)}


class DialerProcess:
    """``callcab dialer`` as operators run it."""

    def __init__(self, settings: Settings, way: Way) -> None:
        env = {name: value for name, value in os.environ.items() if not name.startswith("CALLCAB_")}
        env |= {
            "CALLCAB_DATABASE_URL": str(settings.database_url),
            "CALLCAB_REDIS_URL": str(settings.redis_url),
            "CALLCAB_DATA_DIR": str(settings.data_dir),
            "CALLCAB_TELEPHONY": way.name,
            **way.environ,
        }
        self.process = subprocess.Popen([sys.executable, "-m", "callcab", "dialer"], cwd=ROOT, env=env)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def own_pbx(callee: Callee, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsteriskServer]:
    """An Asterisk that may be killed."""
    yield from started(suite_or_skip(), callee, tmp_path_factory)


@pytest.fixture
def jobs(connected: sa.Engine) -> Iterator[Jobs]:
    found = Jobs()
    yield found
    found.stop()


def begin_campaign(base: int, count: int) -> tuple[int, list[str]]:
    phones = [base + 100 * number + int(ENDINGS[number % len(ENDINGS)]) for number in range(count)]
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session, balance="10000.00")
        factories.number(session)
        draft = campaigns.Draft(
            "Обзвон",
            Purpose.SERVICE,
            "Здравствуйте. Нажмите девять, чтобы мы больше не звонили.",
            "\n".join(map(str, phones)),
            rules=(campaigns.Rule("5", IvrAction.HANGUP),),
            max_attempts=1,
            calls_from=time(0),
            calls_until=time(23, 59),
        )
        campaign = campaigns.create(session, draft, customer_id=owner.id, actor=OLGA)
        campaigns.start(session, campaign.id, actor=OLGA)
        return campaign.id, [f"+{phone}" for phone in phones]


def run_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Keep the timetable of campaigns and calls until the condition holds."""
    until = clocks.monotonic() + seconds
    while not condition() and clocks.monotonic() < until:
        campaign_jobs.sweep()
        call_jobs.sweep()
        clocks.sleep(0.5)
    return condition()


def finished(campaign_id: int) -> bool:
    with unit_of_work(SYSTEM) as session:
        return session.get_one(Campaign, campaign_id).state is CampaignState.FINISHED


def rung(callee: Callee, phones: list[str]) -> dict[str, int]:
    return {phone: len(callee.seen("invite", phone)) for phone in phones}


def check_books(campaign_id: int, count: int) -> list[str]:
    """Every contact has one call with one end, and the money agrees; returns the outcomes.

    What was given up because no dialer was there never rang, and does not count as an attempt.
    """
    with unit_of_work(SYSTEM) as session:
        calls = session.scalars(sa.select(Call).where(Call.campaign_id == campaign_id)).all()
        assert all(call.ended_at is not None and call.outcome is not None for call in calls)
        calls = [call for call in calls if call.outcome is not Outcome.REQUEST_REFUSED]
        assert len({call.phone for call in calls}) == len(calls) == count
        assert session.scalar(sa.select(sa.func.count(Reservation.id)).where(Reservation.state == "open")) == 0
        assert ledger.discrepancies(session) == []
        return [str(call.outcome) for call in calls]


def test_a_dialer_killed_during_calls_rings_nobody_twice_and_all_goes_on(
    settings: Settings, jobs: Jobs, store: redis.Redis, way: Way, callee: Callee
) -> None:
    """What is up goes on with Asterisk and is lost with an account, which has nothing that would keep it."""
    telephony.use(way.provider(settings))
    dialer = DialerProcess(settings, way)
    try:
        assert wait_for(lambda: telephony.provider().health().ok, 90)
        base, count, talking = KILLED[way.name]
        campaign_id, phones = begin_campaign(base, count)
        assert run_until(lambda: sum(bool(callee.seen("answered", phone)) for phone in phones) >= talking, 30)
        dialer.kill()
        dialer = DialerProcess(settings, way)
        assert run_until(lambda: finished(campaign_id), 170)
    finally:
        dialer.kill()
    outcomes = check_books(campaign_id, len(phones))
    assert max(rung(callee, phones).values()) == 1
    # Which calls were up in the moment of the kill, nobody can say beforehand.
    assert ({"completed", "busy"} if way.name == "asterisk" else {"lost"}) <= set(outcomes)
    assert set(outcomes) > {"lost"} or way.name == "asterisk", "nothing went on"


def test_an_asterisk_killed_during_calls_loses_them_and_all_goes_on(
    settings: Settings, jobs: Jobs, store: redis.Redis, own_pbx: AsteriskServer, callee: Callee
) -> None:
    found = provider(settings, own_pbx)
    telephony.use(found)
    dialer = DialerProcess(settings, through_asterisk(own_pbx))
    try:
        assert wait_for(lambda: found.health().ok, 90)
        campaign_id, phones = begin_campaign(79253700000, 24)
        assert run_until(lambda: sum(bool(callee.seen("answered", phone)) for phone in phones) >= 5, 30)
        own_pbx.kill()
        assert wait_for(lambda: found.health().code == "telephony.line_away", 10)
        own_pbx.start()
        assert wait_for(lambda: found.health().ok, 15)
        assert run_until(lambda: finished(campaign_id), 150)
    finally:
        dialer.kill()
    outcomes = check_books(campaign_id, len(phones))
    assert max(rung(callee, phones).values()) == 1
    assert "lost" in outcomes


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(data_dir=tmp_path, profile="test")
    server.start()
    yield server
    server.stop()


def test_calls_that_are_up_go_on_while_the_store_is_away(
    own_valkey: EmbeddedValkey, pbx: AsteriskServer, callee: Callee
) -> None:
    found = provider(Settings(redis_url=own_valkey.url), pbx)
    line = Line(found, Ears()).healthy()
    try:
        call = request("15")
        found.place([call])
        assert wait_for(lambda: bool(callee.seen("answered", call.to)))
        own_valkey.stop()
        assert line.ears.wait_for_end(call.reference, 20).data["digits"] == "51"
        own_valkey.start()
        assert wait_for(lambda: found.health().ok, 15)
        other = request("04")
        found.place([other])
        assert line.ears.wait_for_end(other.reference).data["cause"] == Cause.BUSY
    finally:
        line.stop()


def test_a_dialer_that_stops_leaves_its_calls_to_the_next(
    settings: Settings, store: redis.Redis, pbx: AsteriskServer, callee: Callee
) -> None:
    """The person who talks meanwhile hears the menu begin again, and his digit counts."""
    found, ears = provider(settings, pbx), Ears()
    first = Line(found, ears).healthy()
    menu = Gather(prompt=[Play("Слушайте. " * 10)], branches={}, tries=1, seconds=1)
    call, ringing = request("10", scenario=(menu,)), request("13", ring_seconds=20)
    found.place([call, ringing])
    assert wait_for(lambda: bool(callee.seen("answered", call.to)) and bool(callee.seen("ringing", ringing.to)))
    first.stop()
    second = Line(provider(settings, pbx), ears)
    try:
        last = ears.wait_for_end(call.reference, 60)
        assert (last.data["cause"], last.data["by"]) == (Cause.ANSWERED, "us")
        assert ears.wait_for_end(ringing.reference, 30).data["digits"] == "1"
        assert rung(callee, [call.to, ringing.to]) == {call.to: 1, ringing.to: 1}
        assert [event.kind.value for event in ears.of(call.reference)].count("hangup") == 1
    finally:
        second.stop()


def test_a_channel_that_no_dialer_knows_is_hung_up(
    settings: Settings, store: redis.Redis, pbx: AsteriskServer, callee: Callee
) -> None:
    found, ears = provider(settings, pbx), Ears()
    first = Line(found, ears).healthy()
    call = request("10", scenario=(Gather(prompt=[Play("Слушайте. " * 30)], branches={}),))
    found.place([call])
    assert wait_for(lambda: bool(callee.seen("answered", call.to)))
    first.stop()
    store.flushall()
    second = Line(provider(settings, pbx), ears)
    try:
        assert wait_for(lambda: bool(callee.seen("closed", call.to)), 10)
    finally:
        second.stop()
