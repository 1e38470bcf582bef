"""Checks of the ledger: asked for each hour or by a person, carried out once, honest about their age."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from callcab import queue
from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.models import AuditEvent, LedgerCheck
from callcab.scope import Actor, Scope
from callcab.services import dashboard, ledger_check
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
TICK = Actor.system("tick")


@pytest.fixture
def sent(connected: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Checks whose job was asked for."""
    found: list[int] = []

    def send(name: str, ids: dict[str, Any]) -> None:
        if name == ledger_check.JOB:
            found.append(ids["check_id"])

    queue.set_sender(send)
    yield found


def sweep(later: timedelta = timedelta()) -> None:
    with clock.frozen(clock.now() + later), unit_of_work(SYSTEM) as session:
        ledger_check.sweep(session)


def ask(actor: Actor = TICK) -> int:
    with unit_of_work(SYSTEM) as session:
        return ledger_check.ask(session, actor=actor).id


def carry_out(check_id: int) -> LedgerCheck | None:
    with unit_of_work(SYSTEM) as session:
        return ledger_check.carry_out(session, check_id)


def spoil(owner_dsn: str, customers: int) -> None:
    with unit_of_work(SYSTEM) as session:
        for _ in range(customers):
            factories.customer(session, balance="10.00")
    with psycopg.connect(owner_dsn) as connection:
        connection.execute("UPDATE customer SET balance = balance + 1")


def test_the_timetable_checks_once_an_hour(sent: list[int]) -> None:
    sweep()
    sweep()
    assert len(sent) == 1
    carry_out(sent[0])
    sweep(timedelta(minutes=59))
    assert len(sent) == 1
    sweep(timedelta(minutes=61))
    assert len(set(sent)) == 2


def test_a_lost_check_is_sent_again(sent: list[int]) -> None:
    first = ask()
    sweep(timedelta(minutes=4))
    assert sent == [first]
    sweep(timedelta(minutes=6))
    assert sent == [first, first]


def test_asking_twice_is_one_check(sent: list[int]) -> None:
    assert ask() == ask()
    assert len(sent) == 1


def test_a_check_is_carried_out_once(sent: list[int]) -> None:
    check_id = ask()
    assert carry_out(check_id) is not None
    assert carry_out(check_id) is None


def test_what_a_person_asks_is_in_the_log(sent: list[int]) -> None:
    with unit_of_work(SYSTEM) as session:
        user = factories.user(session, None, "agent")
        actor = Actor(user.name, "agent", user.id)
    check_id = ask(actor)
    with unit_of_work(SYSTEM) as session:
        event = session.scalars(sa.select(AuditEvent)).one()
    assert (event.action, event.actor_id, event.object_id) == ("ledger.check", actor.user_id, check_id)


def test_all_that_is_wrong_is_counted_and_the_first_are_named(sent: list[int], owner_dsn: str) -> None:
    spoil(owner_dsn, ledger_check.NAMED + 1)
    found = carry_out(ask())
    assert found is not None
    assert (found.customers, found.wrong_count, len(found.wrong)) == (21, 21, 20)
    assert (found.wrong[0]["balance"], found.wrong[0]["entries"]) == ("11.00", "10.00")


def test_the_first_page_warns_of_what_only_a_full_check_finds(sent: list[int], owner_dsn: str) -> None:
    spoil(owner_dsn, 1)
    with psycopg.connect(owner_dsn) as connection:
        # The newest entry agrees, the sum does not: the quick look is content.
        connection.execute("ALTER TABLE ledger_entry DISABLE TRIGGER USER")
        connection.execute("UPDATE ledger_entry SET balance_after = balance_after + 1")
        connection.execute("ALTER TABLE ledger_entry ENABLE TRIGGER USER")

    def warned() -> list[int]:
        with unit_of_work(SYSTEM) as session:
            return [item.count for item in dashboard.concerns(session) if item.code == "ledger_off"]

    assert warned() == []
    carry_out(ask())
    assert warned() == [1]


def test_the_last_result_stays_while_another_check_is_on_its_way(sent: list[int]) -> None:
    first = ask()
    with unit_of_work(SYSTEM) as session:
        assert ledger_check.health(session) == ledger_check.Health(None, True, False)
    carry_out(first)
    ask()
    with unit_of_work(SYSTEM) as session:
        found = ledger_check.health(session)
        assert found.last is not None
        assert (found.last.id, found.running, found.stale) == (first, True, False)
    with clock.frozen(clock.now() + timedelta(hours=3)), unit_of_work(SYSTEM) as session:
        assert ledger_check.health(session).stale


def test_old_checks_are_forgotten(sent: list[int]) -> None:
    carry_out(ask())
    sweep(timedelta(days=91))
    with unit_of_work(SYSTEM) as session:
        assert len(session.scalars(sa.select(LedgerCheck)).all()) == 1
