"""Two people whose deeds mean some of the same rows, at the same moment: each row is done once, and told once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import operation as jobs
from callcab.models import Operation, OperationState
from callcab.scope import Actor, Scope
from callcab.services import operation
from callcab.services.operation import catalogue
from tests.blacklists import PHONE, owner_of, start_deleting

ROWS, CHUNK = 6_000, 200
SOURCES = ("hand", "ivr", "file")
EACH = ROWS // len(SOURCES)


@pytest.fixture
def owner(connected: sa.Engine, owner_connection: psycopg.Connection) -> Actor:
    """With as many numbers of each source, in turn."""
    actor = owner_of(range(PHONE, PHONE + ROWS))
    owner_connection.execute("UPDATE blacklist_entry SET source = (%s::text[])[1 + id %% 3]", (list(SOURCES),))
    return actor


def everything(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT * FROM blacklist_entry ORDER BY id").fetchall()


def at_once(numbers: list[int]) -> list[Operation]:
    """Carry operations out at the same moment, and see what came of them."""
    together = threading.Barrier(len(numbers))

    def carry_out(number: int) -> None:
        together.wait(20)
        jobs.run(number)

    with ThreadPoolExecutor(len(numbers)) as threads:
        list(threads.map(carry_out, numbers))
    with unit_of_work(Scope.staff()) as session:
        return [operation.get(session, number, customer_id=None) for number in numbers]


def test_what_two_delete_at_once_is_deleted_once_and_comes_back_whole(
    owner: Actor, owner_connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = catalogue.work_of("blacklist.delete")
    monkeypatch.setitem(catalogue._works, work.name, replace(work, chunk=CHUNK))
    before = everything(owner_connection)
    first = start_deleting(owner, 2 * EACH, source=["hand", "ivr"])
    second = start_deleting(owner, 2 * EACH, source=["ivr", "file"])

    one, other = at_once([first, second])

    assert (one.state, other.state) == (OperationState.DONE, OperationState.DONE)
    assert everything(owner_connection) == []
    assert one.done + other.done == ROWS
    # What the other one had was counted when it was asked for, and is told as left out.
    assert [(each.done + each.skipped, each.failed) for each in (one, other)] == [(2 * EACH, 0)] * 2
    assert min(one.done, other.done) >= EACH

    with unit_of_work(Scope.tenant(owner.customer_id or 0)) as session:
        undoings = [operation.undo(session, number, actor=owner).id for number in (first, second)]
    back = at_once(undoings)

    assert [(each.state, each.done, each.skipped) for each in back] == [
        (OperationState.DONE, one.done, 0),
        (OperationState.DONE, other.done, 0),
    ]
    assert everything(owner_connection) == before
