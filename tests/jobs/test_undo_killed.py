"""A deletion and its undoing by real workers, both killed in the middle: every column is what it was."""

from hashlib import md5

import psycopg
import pytest

from callcab.db import unit_of_work
from callcab.models import Operation, OperationState
from callcab.scope import Actor, Scope
from callcab.services import operation
from tests.blacklists import start_deleting
from tests.jobs.workers import ROWS, Spawn, kill, load, sweep_later, until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("app")]
MORE = 60_000
WHOLE = ROWS + MORE
NOTHING = md5(b"", usedforsecurity=False).hexdigest()


def checksum(connection: psycopg.Connection) -> str:
    found = connection.execute(
        "SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY id), '')) FROM blacklist_entry t"
    ).fetchone()
    return found[0] if found else ""


def killed_in_the_middle(number: int, spawn: Spawn) -> Operation:
    """Let a worker do a part, kill it, let another one do the rest."""
    first = spawn()
    until(lambda: load(number).done >= WHOLE // 5)
    kill(first)
    middle = load(number)
    assert middle.state is OperationState.RUNNING
    assert middle.done < WHOLE
    until(sweep_later)
    assert spawn("burst").wait(60) == 0
    return load(number)


def test_what_was_deleted_and_put_back_by_killed_workers_is_the_same(
    owner: Actor,
    spawn: Spawn,
    owner_connection: psycopg.Connection,
) -> None:
    owner_connection.execute(
        "INSERT INTO blacklist_entry (customer_id, phone, source, reason, author_name, created_at, expires_at)"
        " SELECT %s, 79260000000 + n, 'file', 'просьба ' || n, 'Ольга', now() - n * interval '1 second',"
        " CASE WHEN n %% 3 = 0 THEN now() + n * interval '1 minute' END FROM generate_series(1, %s) AS n",
        (owner.customer_id, MORE),
    )
    before = checksum(owner_connection)
    number = start_deleting(owner, WHOLE)
    deleted = killed_in_the_middle(number, spawn)
    assert (deleted.state, deleted.done, deleted.skipped) == (OperationState.DONE, WHOLE, 0)
    assert checksum(owner_connection) == NOTHING

    with unit_of_work(Scope.tenant(owner.customer_id or 0)) as session:
        number = operation.undo(session, number, actor=owner).id
    undone = killed_in_the_middle(number, spawn)

    assert (undone.state, undone.done, undone.known, undone.skipped) == (OperationState.DONE, WHOLE, 0, 0)
    assert checksum(owner_connection) == before
