"""Calls per second through a real Asterisk: .venv/bin/python tests/bench/telephony.py [CALLS] [LINES]

A second Asterisk is everybody who is called: he answers, presses 1 after a second and stays until we hang up. In one
run: a bare dialer (this file: place, hear, hang up, no database), the provider alone with rules that keep everything in
memory, and a whole campaign with PostgreSQL, ledger and the real rules. Of the campaign the books are checked: every
contact one call with one end, charges equal to the ledger, no number on lease, no reservation open.
"""

import asyncio
import contextlib
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import time as clock_time
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import redis
import sqlalchemy as sa

from callcab import db, migrate, queue
from callcab.config import Settings
from callcab.db import unit_of_work
from callcab.embedded.postgres import EmbeddedPostgres
from callcab.embedded.valkey import EmbeddedValkey
from callcab.jobs import call as call_jobs
from callcab.jobs import campaign as campaign_jobs
from callcab.jobs import dialer
from callcab.models import (
    Call,
    Campaign,
    CampaignState,
    Contact,
    Customer,
    IvrAction,
    NumberLease,
    Purpose,
    Reservation,
)
from callcab.providers import telephony
from callcab.providers.telephony.asterisk import Asterisk
from callcab.providers.telephony.asterisk.ari import Ari
from callcab.providers.telephony.asterisk.lines import EVENTS
from callcab.providers.telephony.base import CallKind, CallRequest, Gather, HangUp, Play
from callcab.scope import Actor, Scope
from callcab.services import campaign as campaigns
from callcab.services import ledger
from tests import factories
from tests.telephony.lines import Ears, Jobs, Line, provider
from tests.telephony.server import PASSWORD, AsteriskServer, fetch

SYSTEM = Scope.system("bench")
EVERYBODY = """[from-carrier]
exten => _[+0-9]!,1,Answer()
 same => n,Wait(1)
 same => n,SendDTMF(1)
 same => n,Wait(60)
 same => n,Hangup()
"""


class Bare:
    """The least that a dialer can do: as many calls at once as there are lines."""

    def __init__(self, url: str, calls: int, lines: int) -> None:
        self.url, self.calls, self.lines = url, calls, lines
        self.placed = self.answered = self.pressed = self.over = 0

    async def run(self) -> float:
        async with Ari(self.url, "callcab", PASSWORD, "bare") as ari:
            await ari.request("PUT", "applications/bare/eventFilter", {"allowed": [{"type": kind} for kind in EVENTS]})
            begun = time.monotonic()
            tasks = {asyncio.create_task(self._place(ari)) for _ in range(min(self.lines, self.calls))}
            async for event in ari.events():
                if event["type"] == "ChannelDtmfReceived":
                    self.pressed += 1
                    path = f"channels/{event['channel']['id']}"
                    tasks.add(asyncio.create_task(ari.request("DELETE", path)))  # type: ignore[arg-type]
                elif event["type"] == "ChannelDestroyed":
                    self.over += 1
                    if self.over == self.calls:
                        break
                    if self.placed < self.calls:
                        tasks.add(asyncio.create_task(self._place(ari)))
                tasks = {task for task in tasks if not task.done()}
            return time.monotonic() - begun

    async def _place(self, ari: Ari) -> None:
        self.placed += 1
        body = {"endpoint": f"PJSIP/+7925{self.placed:07}@carrier", "app": "bare", "appArgs": "call", "timeout": 30}
        await ari.request("POST", f"channels/bare-{self.placed}", body)


def alone(found: Asterisk, calls: int, lines: int) -> float:
    """The provider with rules that cost nothing; as many calls at once as there are lines."""
    menu = Gather(prompt=[Play("Нажмите один.")], branches={"1": (HangUp(),)}, seconds=5)
    ears = Ears()
    line = Line(found, ears).healthy()
    try:
        begun, placed = time.monotonic(), 0
        while True:
            over = sum(event.kind == "hangup" for event in ears.heard)
            if over == calls:
                break
            fresh = min(calls - placed, lines - (placed - over))
            if fresh > 0:
                found.place(
                    [
                        CallRequest(f"p-{number}", f"+7926{number:07}", (menu,), CallKind.CAMPAIGN)
                        for number in range(placed, placed + fresh)
                    ]
                )
                placed += fresh
            time.sleep(0.05)
        wall = time.monotonic() - begun
        ends = [event.data for event in ears.heard if event.kind == "hangup"]
        print("               " + told(Counter((end["cause"], end["digits"]) for end in ends)))
        return wall
    finally:
        line.stop()


def told(ends: Counter[tuple[str, str]]) -> str:
    return ", ".join(f"{cause} {digits or 'without a digit'}: {count}" for (cause, digits), count in ends.most_common())


def settle(calls: int, lines: int) -> int:
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session, balance=f"{calls * 10}.00")
        factories.number(session)
        phones = "\n".join(str(79271000000 + step) for step in range(calls))
        rules = (campaigns.Rule("1", IvrAction.HANGUP),)
        hours: dict[str, Any] = {"calls_from": clock_time(0), "calls_until": clock_time(23, 59)}
        draft = campaigns.Draft("Обзвон", Purpose.SERVICE, "Нажмите один.", phones, rules=rules, **hours)
        campaign = campaigns.create(session, draft, customer_id=owner.id, actor=Actor("bench", "owner"))
        campaign.lines = lines
        campaigns.start(session, campaign.id, actor=Actor("bench", "owner"))
        return campaign.id


def whole(found: Asterisk, calls: int, lines: int) -> float:
    """A campaign from its start to its end, by jobs, rules and dialer."""
    telephony.use(found)
    jobs = Jobs()
    line = Line(found, dialer.Rules()).healthy()
    stop = threading.Event()
    try:
        begun = time.monotonic()
        campaign_id = settle(calls, lines)
        while not _finished(campaign_id):
            campaign_jobs.sweep()
            call_jobs.sweep()
            stop.wait(0.5)
        return time.monotonic() - begun
    finally:
        line.stop()
        jobs.stop()


def _finished(campaign_id: int) -> bool:
    with unit_of_work(SYSTEM) as session:
        return session.get_one(Campaign, campaign_id).state is CampaignState.FINISHED


def check_books(calls: int) -> str:
    """Raises AssertionError; returns the outcomes in words."""
    with unit_of_work(SYSTEM) as session:
        count = sa.func.count()
        attempts = session.scalar(sa.select(sa.func.sum(Contact.attempts)))
        # What was given up because no dialer was there never rang.
        rung = sa.select(Call.outcome, count).where(Call.outcome != "request_refused").group_by(Call.outcome)
        outcomes = session.execute(rung).all()
        assert session.scalar(sa.select(count).select_from(Call).where(Call.ended_at.is_(None))) == 0
        assert sum(number for _, number in outcomes) == attempts
        assert session.scalar(sa.select(sa.func.count(Call.contact_id.distinct()))) == calls
        spent = session.scalar(sa.select(sa.func.sum(Call.cost))) or Decimal("0")
        assert session.scalar(sa.select(Customer.balance)) == calls * 10 - spent
        assert ledger.discrepancies(session) == []
        open_ones = sa.select(count).select_from(Reservation).where(Reservation.state == "open")
        assert session.scalar(open_ones) == 0
        held = sa.select(count).select_from(NumberLease).where(NumberLease.released_at.is_(None))
        assert session.scalar(held) == 0
        return ", ".join(f"{outcome} {number}" for outcome, number in outcomes)


@contextlib.contextmanager
def servers(folder: Path, lines: int) -> Iterator[tuple[Settings, AsteriskServer, EmbeddedPostgres]]:
    unpacked = fetch()
    everybody = AsteriskServer(unpacked, folder / "everybody", 9, calls=lines + 50, dialplan=EVERYBODY)
    pbx = AsteriskServer(unpacked, folder / "pbx", everybody.sip_port, calls=lines + 50)
    postgres = EmbeddedPostgres(data_dir=folder / "pg", profile="server")
    valkey = EmbeddedValkey(data_dir=folder / "kv", profile="server")
    with contextlib.ExitStack() as stack:
        for server in (everybody, pbx, postgres, valkey):
            server.start()
            stack.callback(server.stop)
        yield Settings(redis_url=valkey.url, database_url=postgres.app_url()), pbx, postgres


def main(calls: int = 1000, lines: int = 200) -> None:
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as folder,
        servers(Path(folder), lines) as (settings, pbx, postgres),
    ):
        dialer_alone = Bare(pbx.url, calls, lines)
        bare = asyncio.run(dialer_alone.run())
        print(f"bare dialer:   {calls / bare:6.1f} calls/s, digits heard of {dialer_alone.pressed}", flush=True)
        provided = alone(provider(settings, pbx), calls, lines)
        print(
            f"provider:      {calls / provided:6.1f} calls/s, {100 * bare / provided:.0f} % of the bare dialer",
            flush=True,
        )
        redis.Redis.from_url(str(settings.redis_url)).flushall()
        migrate.upgrade(postgres.owner_url(), app_url=postgres.app_url())
        db.connect(str(settings.database_url), pool_size=10)
        campaign = whole(provider(settings, pbx), calls, lines)
        queue.set_sender(None)
        print(
            f"campaign:      {calls / campaign:6.1f} calls/s, {100 * bare / campaign:.0f} % of the bare dialer",
            flush=True,
        )
        print(f"books:         {check_books(calls)}; ledger, reservations and leases agree")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
