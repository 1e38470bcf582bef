"""Real worker processes on a real queue: killed, poisoned, cut off from the queue."""

import sys
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa

from callcab import queue
from callcab.config import Settings
from callcab.db import unit_of_work
from callcab.jobs.transport import RqSender
from callcab.lib.storage import LocalStorage
from callcab.models import BlacklistEntry, BlacklistSource, OperationState, StoredFile
from callcab.scope import Actor, Scope
from callcab.services import operation
from callcab.services.listing import catalogue as listing_catalogue
from callcab.services.operation import catalogue
from tests.jobs import worker_with_traps
from tests.jobs.workers import ROWS, Spawn, kill, load, sweep_later, until

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def traps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_works", dict(catalogue._works))
    monkeypatch.setattr(listing_catalogue, "_specs", listing_catalogue._specs.copy())
    worker_with_traps.prepare()


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
