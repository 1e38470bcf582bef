"""Jobs and sweeps by name, the sender, the timetable."""

import socket
import threading
import time

import pytest
import redis
import sqlalchemy as sa

from callcab import db
from callcab.config import Settings
from callcab.jobs import registry, tick
from callcab.jobs.transport import RqSender


def test_every_module_of_jobs_is_known() -> None:
    assert {"operation.run", "mail.send"} <= set(registry.jobs())
    assert {"callcab.jobs.operation.sweep", "callcab.jobs.mail.sweep"} <= set(registry.sweeps())


def test_two_jobs_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_jobs", dict(registry.jobs()))
    with pytest.raises(ValueError, match="two jobs"):
        registry.job("mail.send")(print)


def test_an_unknown_queue_is_refused() -> None:
    with pytest.raises(ValueError, match="no queue"):
        registry.job("x", queue="fast")


def test_an_unknown_job_is_refused_by_the_sender(settings: Settings) -> None:
    sender = RqSender(str(settings.redis_url))
    with pytest.raises(KeyError):
        sender("no.such", {})
    sender.close()


def test_a_queue_that_hangs_costs_a_request_two_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sender = RqSender(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        started = time.monotonic()
        with pytest.raises(redis.RedisError):
            sender("operation.run", {"operation_id": 1})
        assert time.monotonic() - started < 4
        sender.close()


def test_a_sweep_is_due_at_once_and_then_at_its_interval() -> None:
    entry = registry.SweepEntry("x", lambda: None, 10)
    timetable = tick.Timetable([entry], 0.0)
    assert timetable.due(0.0) == [entry]
    assert timetable.due(9.9) == []
    assert timetable.wait(9.5) == 0.5
    assert timetable.due(10.0) == [entry]


def test_two_ticks_do_not_do_the_same_sweep_at_once(connected: sa.Engine) -> None:
    inside, leave = threading.Event(), threading.Event()
    runs: list[int] = []

    def slow() -> None:
        runs.append(1)
        inside.set()
        assert leave.wait(10)

    entry = registry.SweepEntry("tests.slow", slow, 1)
    other = threading.Thread(target=tick.sweep, args=(entry,))
    other.start()
    assert inside.wait(10)
    assert tick.sweep(entry) is False
    leave.set()
    other.join(10)
    assert runs == [1]


def test_a_sweep_that_fails_does_not_end_the_timetable(connected: sa.Engine) -> None:
    def broken() -> None:
        raise RuntimeError

    assert tick.sweep(registry.SweepEntry("tests.broken", broken, 1)) is False
    assert tick.sweep(registry.SweepEntry("tests.fine", lambda: None, 1)) is True


def test_a_database_that_is_away_does_not_end_the_timetable(settings: Settings) -> None:
    engine = db.connect("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    assert tick.sweep(registry.SweepEntry("tests.away", lambda: None, 1)) is False
    engine.dispose()


def test_all_sweeps_run_on_an_empty_database(connected: sa.Engine) -> None:
    for entry in registry.sweeps().values():
        if entry.name.startswith(
            ("callcab.jobs.operation.sweep", "callcab.jobs.operation.expire", "callcab.jobs.mail")
        ):
            assert tick.sweep(entry), entry.name
