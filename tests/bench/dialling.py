"""How much a finished call costs the dialling engine: .venv/bin/python tests/bench/dialling.py [CALLS] [LINES]

One campaign, a provider in memory whose callees all answer, press a digit and are gone; real PostgreSQL with the policy
roles. Decide, reserve, record, place, five events, settle. Prints finished calls per second of one process that does
everything in turn, and milliseconds of CPU of Python and PostgreSQL for each call.
"""

import os
import resource
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import sqlalchemy as sa

from callcab import db, migrate, queue
from callcab.db import unit_of_work
from callcab.embedded.postgres import EmbeddedPostgres
from callcab.jobs import campaign as campaign_jobs
from callcab.jobs import dialer
from callcab.lib import clock
from callcab.models import Call, Campaign, Customer, IvrAction, Purpose
from callcab.providers import telephony
from callcab.providers.telephony.base import CallRequest, Event, EventKind, Health
from callcab.scope import Actor, Scope
from callcab.services import campaign as campaigns
from callcab.services import ledger
from tests import factories

SYSTEM = Scope.system("bench")
NOON = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
# A dialer hears the events of so many calls at a time.
HEARD = 40


class Everybody:
    """Places calls in memory: everybody answers, presses 1 and is gone."""

    name = "bench"

    def __init__(self) -> None:
        self.waiting: deque[str] = deque()

    def place(self, requests: Sequence[CallRequest]) -> int:
        self.waiting.extend(request.reference for request in requests)
        return len(requests)

    def health(self) -> Health:
        return Health(True)

    def step(self, rules: dialer.Rules) -> int:
        """Five events of the next calls: each kind in a batch of its own, as they would come in life."""
        batch = [self.waiting.popleft() for _ in range(min(HEARD, len(self.waiting)))]
        if not batch:
            return 0
        fresh = rules.events([Event(ref, "placed", EventKind.PLACED, clock.now()) for ref in batch])
        assert len(fresh) == len(batch)
        for kind, data in (
            (EventKind.RINGING, {}),
            (EventKind.ANSWERED, {}),
            (EventKind.DIGIT, {"digit": "1"}),
            (EventKind.HANGUP, self._end()),
        ):
            rules.events([Event(ref, kind.value, kind, clock.now(), data) for ref in batch])
        return len(batch)

    def _end(self) -> dict[str, Any]:
        at = (clock.now() - timedelta(seconds=9)).isoformat()
        return {"cause": "completed", "by": "us", "digits": "1", "answered_at": at, "seconds": 9}


def cpu_of(pid: int) -> float:
    """Seconds of a process and of those of its children that are over."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(int(value) for value in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def postgres_cpu(postmaster: int) -> float:
    total = cpu_of(postmaster)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1]
                total += cpu_of(int(entry.name)) if int(parent) == postmaster else 0
            except OSError:
                continue
    return total


def python_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def settle(calls: int, lines: int) -> int:
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session, balance=f"{calls * 10}.00")
        factories.number(session)
        phones = "\n".join(str(79250000000 + step) for step in range(calls))
        rules = (campaigns.Rule("1", IvrAction.PLAY, "Спасибо."), campaigns.Rule("9", IvrAction.BLACKLIST))
        draft = campaigns.Draft("Обзвон", Purpose.SERVICE, "Здравствуйте!", phones, rules=rules)
        campaign = campaigns.create(session, draft, customer_id=owner.id, actor=Actor("bench", "owner"))
        campaign.lines = lines
        campaigns.start(session, campaign.id, actor=Actor("bench", "owner"))
        return campaign.id


def run(campaign_id: int, provider: Everybody, calls: int) -> int:
    rules, done = dialer.Rules(), 0
    while done < calls:
        campaign_jobs.dial(campaign_id)
        heard = 0
        while batch := provider.step(rules):
            heard += batch
        if not heard:
            break
        done += heard
    return done


def main(calls: int = 3000, lines: int = 200) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        server = EmbeddedPostgres(data_dir=Path(folder), profile="server")
        server.start()
        try:
            measure(server, calls, lines)
        finally:
            server.stop()


def measure(server: EmbeddedPostgres, calls: int, lines: int) -> None:
    migrate.upgrade(server.owner_url(), app_url=server.app_url())
    db.connect(server.app_url(), pool_size=5)
    queue.set_sender(lambda job, ids: None)
    provider = Everybody()
    telephony.use(provider)  # type: ignore[arg-type]
    pid = int((server.cluster / "postmaster.pid").read_text().split()[0])
    with clock.frozen(NOON):
        campaign_id = settle(calls, lines)
        started, python, postgres = time.monotonic(), python_cpu(), postgres_cpu(pid)
        done = run(campaign_id, provider, calls)
    wall, python, postgres = time.monotonic() - started, python_cpu() - python, postgres_cpu(pid) - postgres
    with unit_of_work(SYSTEM) as session:
        assert ledger.discrepancies(session) == []
        ended = session.scalar(sa.select(sa.func.count()).select_from(Call).where(Call.ended_at.is_not(None)))
        spent = session.scalar(sa.select(sa.func.sum(Call.cost))) or Decimal("0")
        assert session.scalar(sa.select(Customer.balance)) == calls * 10 - spent
        assert (ended, session.scalar(sa.select(Campaign.contacts_done))) == (done, done)
    print(
        f"{done} calls in {wall:.1f} s: {done / wall:.0f} calls/s;"
        f" CPU per call: Python {1000 * python / done:.2f} ms, PostgreSQL {1000 * postgres / done:.2f} ms,"
        f" together {1000 * (python + postgres) / done:.2f} ms"
    )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
