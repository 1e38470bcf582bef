"""Real worker processes on a real queue: killed, poisoned, cut off from the queue."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy as sa

from callcab import queue
from callcab.config import Settings
from callcab.db import unit_of_work
from callcab.jobs.transport import RqSender
from callcab.lib import clock
from callcab.lib.storage import LocalStorage
from callcab.models import BlacklistEntry, BlacklistSource, Operation, OperationState, StoredFile
from callcab.scope import Actor, Scope
from callcab.services import operation
from callcab.services.listing import catalogue as listing_catalogue
from callcab.services.operation import catalogue
from tests import factories
from tests.jobs import worker_with_traps

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
ROWS = 23


@pytest.fixture(autouse=True)
def traps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_works", dict(catalogue._works))
    monkeypatch.setattr(listing_catalogue, "_specs", listing_catalogue._specs.copy())
    worker_with_traps.prepare()


@pytest.fixture
def owner(connected: sa.Engine, settings: Settings) -> Iterator[Actor]:
    with redis.Redis.from_url(str(settings.redis_url)) as client:
        client.flushdb()
    sender = RqSender(str(settings.redis_url))
    queue.set_sender(sender)
    with unit_of_work(Scope.system("test")) as session:
        customer = factories.customer(session)
        user = factories.user(session, customer, "owner")
        session.add_all(
            BlacklistEntry(customer_id=customer.id, phone=79250000000 + i, source=BlacklistSource.HAND, reason="r")
            for i in range(ROWS)
        )
    yield Actor(user.name, "owner", user.id, customer.id)
    sender.close()


Spawn = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def spawn(settings: Settings) -> Iterator[Spawn]:
    """Start worker processes of our own; whatever still runs is ended afterwards, with its children."""
    made: list[subprocess.Popen[bytes]] = []
    environ = {
        **{key: value for key, value in os.environ.items() if not key.startswith("CALLCAB_")},
        "CALLCAB_DATABASE_URL": str(settings.database_url),
        "CALLCAB_REDIS_URL": str(settings.redis_url),
        "CALLCAB_DATA_DIR": str(settings.data_dir),
        "CALLCAB_SECRET_KEY": str(settings.secret_key),
    }

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.jobs.worker_with_traps", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=environ, start_new_session=True)
        made.append(process)
        return process

    yield start
    for process in made:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9 for the worker and the child that holds the job."""
    children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False).stdout
    for pid in [process.pid, *map(int, children.split())]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait(10)


def until(happened: Callable[[], Any], seconds: float = 40) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := happened():
            return found
        time.sleep(0.05)
    raise AssertionError("it never happened")


def begin(actor: Actor, name: str, **params: str) -> int:
    with unit_of_work(Scope.tenant(actor.customer_id)) as session:
        return operation.start(
            session,
            name=name,
            spec_name=worker_with_traps.SPEC.name,
            state={"search": "", "filters": {}, "sort": ""},
            ids=None,
            params=params,
            expected=ROWS,
            actor=actor,
            customer_id=actor.customer_id,
        ).id


def load(operation_id: int) -> Operation:
    with unit_of_work(Scope.staff()) as session:
        return session.get(Operation, operation_id)


def sweep_later(seconds: int = 31) -> int:
    """Sweep as if so many seconds had passed; 0 while PostgreSQL still holds the row for a dead child."""
    with clock.frozen(clock.now() + timedelta(seconds=seconds)), unit_of_work(Scope.system("test")) as session:
        return operation.sweep(session)


def reasons() -> list[str]:
    with unit_of_work(Scope.staff()) as session:
        return list(session.scalars(sa.select(BlacklistEntry.reason)))


def test_a_worker_does_what_was_asked(owner: Actor, spawn: Spawn, tmp_path: Path) -> None:
    number = begin(owner, "trap.mark", gate=str(tmp_path / "open"))
    assert spawn("burst").wait(40) == 0
    assert (load(number).state, load(number).done) == (OperationState.DONE, ROWS)


def test_a_worker_killed_in_the_middle_loses_and_repeats_nothing(owner: Actor, spawn: Spawn, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    number = begin(owner, "trap.mark", gate=str(gate))
    first = spawn()
    until(gate.with_suffix(".reached").exists)
    kill(first)
    gate.unlink()
    assert load(number).done == 5

    until(sweep_later)
    assert spawn("burst").wait(40) == 0

    over = load(number)
    assert (over.state, over.done, over.total) == (OperationState.DONE, ROWS, ROWS)
    assert reasons() == ["r*"] * ROWS


def test_a_killed_export_ends_as_one_whole_file(
    owner: Actor, spawn: Spawn, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with unit_of_work(Scope.staff()) as session:
        session.add_all(
            BlacklistEntry(
                customer_id=owner.customer_id, phone=79270000000 + i, source=BlacklistSource.HAND, reason="r"
            )
            for i in range(400)
        )
    monkeypatch.setattr(sys.modules[__name__], "ROWS", ROWS + 400)
    number = begin(owner, f"{worker_with_traps.SPEC.name}.export")
    first = spawn()
    until(lambda: load(number).done >= 40)
    kill(first)
    assert load(number).output_file_id is None

    until(sweep_later)
    assert spawn("burst").wait(40) == 0

    assert (load(number).state, load(number).done) == (OperationState.DONE, ROWS)
    with unit_of_work(Scope.staff()) as session:
        file = session.scalars(sa.select(StoredFile)).one()
    assert LocalStorage(settings.storage_dir).path(file.key).read_bytes().count(b"\r\n") == ROWS + 1


def test_a_poisoned_job_is_tried_three_times_and_others_go_on(owner: Actor, spawn: Spawn, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    bad = begin(owner, "trap.poison", log=str(log))
    good = begin(owner, "trap.mark", gate=str(tmp_path / "open"))
    spawn()
    for tries in range(1, 4):
        until(lambda tries=tries: log.read_text() == "x" * tries)
        # Else it might be the one that is swept.
        until(lambda: load(good).state is OperationState.DONE)
        until(lambda tries=tries: sweep_later(31 * tries) or load(bad).state is OperationState.FAILED)
    assert (load(bad).state, load(bad).error_code) == (OperationState.FAILED, "operation.gave_up")
    assert log.read_text() == "xxx"


def test_an_emptied_queue_is_filled_again_from_the_database(
    owner: Actor, spawn: Spawn, settings: Settings, tmp_path: Path
) -> None:
    numbers = [begin(owner, "trap.mark", gate=str(tmp_path / "open")) for _ in range(5)]
    with redis.Redis.from_url(str(settings.redis_url)) as client:
        client.flushall()
    sweep_later()
    assert spawn("burst").wait(40) == 0
    assert [load(number).state for number in numbers] == [OperationState.DONE] * 5


def test_without_a_queue_the_operation_is_written_down_and_done_later(
    owner: Actor, spawn: Spawn, settings: Settings, tmp_path: Path
) -> None:
    away = RqSender("redis://127.0.0.1:1/0")
    queue.set_sender(away)
    number = begin(owner, "trap.mark", gate=str(tmp_path / "open"))
    assert load(number).state is OperationState.QUEUED
    back = RqSender(str(settings.redis_url))
    queue.set_sender(back)
    sweep_later()
    assert spawn("burst").wait(40) == 0
    assert load(number).state is OperationState.DONE
    away.close()
    back.close()
