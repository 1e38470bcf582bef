"""Worker, dialer, timetable and queue are killed again and again while a campaign runs: nobody is rung twice, every
kopeck is accounted for, and the campaign ends by itself."""

import logging
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from callcab import config
from callcab.config import Settings
from callcab.db import unit_of_work
from callcab.embedded.valkey import EmbeddedValkey
from callcab.jobs import dialer, tick, worker
from callcab.lib import clock
from callcab.models import Campaign, CampaignState, Contact, ContactState, IvrAction, Purpose
from callcab.scope import Actor, Scope
from callcab.services import campaign as campaigns
from tests import books, factories
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
SYSTEM = Scope.system("test")
OLGA = Actor("Ольга", "owner")
ROLES = {"worker": worker.run, "worker2": worker.run, "dialer": dialer.run, "tick": tick.run}
CONTACTS, LINES, KILLS = 90, 18, 10
# Endings of the number plan that are over within seconds.
ENDINGS = (1, 2, 4, 5, 7, 8, 9, 12, 16)
# From the last kill to the end of the campaign.
PATIENCE_S = 180
DIALS = re.compile(r"dials (c-\w+)")


class Machine:
    """The processes of an installation over a test's database, with a queue of their own; each can be killed."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.queue = EmbeddedValkey(data_dir=folder)
        self.log = folder / "log"
        self._environ = {
            **{key: value for key, value in os.environ.items() if not key.startswith("CALLCAB_")},
            "CALLCAB_DATABASE_URL": str(settings.database_url),
            "CALLCAB_REDIS_URL": self.queue.url,
            "CALLCAB_DATA_DIR": str(folder),
            "CALLCAB_SECRET_KEY": str(settings.secret_key),
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.queue.start()
        for role in ROLES:
            self._start(role)

    def kill(self, role: str) -> None:
        """kill -9 and, as a supervisor would, start it anew."""
        if role == "queue":
            os.kill(int(self.queue.pid or 0), signal.SIGKILL)
            self.queue.start()
        else:
            self._end(role)
            self._start(role)

    def dialled(self) -> list[str]:
        """The references that the simulator dialled, by its own word."""
        return DIALS.findall(self.log.read_text())

    def close(self) -> None:
        for role in list(self._running):
            self._end(role)
        self.queue.stop()

    def _start(self, role: str) -> None:
        command = [sys.executable, "-m", "tests.races.test_killed_dialling", role]
        with self.log.open("ab") as log:
            self._running[role] = subprocess.Popen(
                command, cwd=ROOT, env=self._environ, stderr=log, start_new_session=True
            )

    def _end(self, role: str) -> None:
        process = self._running.pop(role)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


@pytest.fixture
def machine(settings: Settings, connected: sa.Engine, tmp_path: Path) -> Iterator[Machine]:
    made = Machine(settings, tmp_path)
    yield made
    made.close()


def begin() -> int:
    """A campaign for whose callees it is noon, whenever the test runs."""
    hours = clock.now().hour - 12
    zone = f"Etc/GMT{'+' if hours >= 0 else '-'}{abs(hours)}"
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session, balance="1000.00", zone=zone)
        factories.number(session)
        phones = [79250000000 + 100 * step + ENDINGS[step % len(ENDINGS)] for step in range(CONTACTS)]
        rules = (campaigns.Rule("1", IvrAction.HANGUP), campaigns.Rule("9", IvrAction.BLACKLIST))
        draft = campaigns.Draft(
            "Обзвон", Purpose.SERVICE, "Да?", "\n".join(map(str, phones)), rules=rules, lines=LINES, max_attempts=1
        )
        campaign = campaigns.create(session, draft, customer_id=owner.id, actor=OLGA)
        campaigns.start(session, campaign.id, actor=OLGA)
        return campaign.id


def is_over(campaign_id: int) -> bool:
    with unit_of_work(SYSTEM) as session:
        return session.get_one(Campaign, campaign_id).state is CampaignState.FINISHED


def waiting(campaign_id: int) -> int:
    """How many contacts have not had their turn yet."""
    new = sa.select(sa.func.count()).where(Contact.campaign_id == campaign_id, Contact.state == ContactState.NEW)
    with unit_of_work(SYSTEM) as session:
        return session.scalar(new) or 0


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_whatever_is_killed_nobody_is_rung_twice_and_the_books_agree(machine: Machine) -> None:
    dice = random.Random(os.environ.get("KILLED_SEED", "1"))
    campaign_id = begin()
    assert wait_for(lambda: len(machine.dialled()) > 2, 90)
    killed: Counter[str] = Counter()
    for _ in range(KILLS):
        time.sleep(dice.uniform(0.2, 2.5))
        role = dice.choice([*ROLES, "dialer", "queue"])
        killed[role] += 1
        machine.kill(role)
    last = time.monotonic()
    assert wait_for(lambda: is_over(campaign_id), PATIENCE_S), f"{waiting(campaign_id)} wait; killed: {killed}"
    print(f"over {time.monotonic() - last:.0f} s after the last kill of {dict(killed)}")
    with unit_of_work(SYSTEM) as session:
        assert books.complaints(session, [campaign_id], machine.dialled()) == []
    assert len(machine.dialled()) > CONTACTS / 2


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    ROLES[sys.argv[1]](config.load())
