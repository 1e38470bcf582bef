"""What an entry of the blacklist refers to is there, whoever deletes it at the same moment (docs/adr/0015)."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.errors import FeatureNotSupported, ForeignKeyViolation

from callcab.db import unit_of_work
from callcab.scope import Scope
from tests import factories
from tests.waiting import wait_for

PHONE = 79250000000
INSERT = (
    "INSERT INTO blacklist_entry (customer_id, author_id, phone, source, reason, author_name, created_at)"
    " SELECT %s, %s, n, 'hand', '', '', now() FROM generate_series(%s, %s) AS n"
)
DELETE = 'DELETE FROM "user" WHERE id = %s'
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.fixture
def pair(connected: sa.Engine) -> tuple[int, int]:
    """A customer, and somebody of his whom nothing else refers to."""
    with unit_of_work(Scope.system("test")) as session:
        customer = factories.customer(session)
        return customer.id, factories.user(session, customer, "owner").id


def insert(connection: psycopg.Connection, pair: tuple[int, int], count: int = 3) -> None:
    connection.execute(INSERT, (*pair, PHONE, PHONE + count - 1))


def meanwhile(first: psycopg.Connection, deed: Callable[[], object], look: psycopg.Connection) -> Future[object]:
    """Begin a deed that has to wait for the transaction of ``first``, then commit that."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(deed)
        assert wait_for(lambda: look.execute(WAITING).fetchone() == (1,), 20)
        first.commit()
        return waiting


def test_nobody_deletes_what_rows_that_are_just_written_refer_to(
    pair: tuple[int, int], owner_dsn: str, owner_connection: psycopg.Connection
) -> None:
    with psycopg.connect(owner_dsn) as writer, psycopg.connect(owner_dsn) as deleter:
        insert(writer, pair)
        outcome = meanwhile(writer, lambda: deleter.execute(DELETE, (pair[1],)), owner_connection)
        with pytest.raises(ForeignKeyViolation, match="author_id|refer"):
            outcome.result()
    assert owner_connection.execute("SELECT count(*) FROM blacklist_entry").fetchone() == (3,)


def test_nobody_writes_rows_that_refer_to_what_is_just_being_deleted(
    pair: tuple[int, int], owner_dsn: str, owner_connection: psycopg.Connection
) -> None:
    with psycopg.connect(owner_dsn) as deleter, psycopg.connect(owner_dsn) as writer:
        deleter.execute(DELETE, (pair[1],))
        outcome = meanwhile(deleter, lambda: insert(writer, pair), owner_connection)
        with pytest.raises(ForeignKeyViolation, match="no such row in user"):
            outcome.result()
    assert owner_connection.execute("SELECT count(*) FROM blacklist_entry").fetchone() == (0,)


def test_a_level_that_would_not_see_the_rows_deletes_nothing(pair: tuple[int, int], owner_dsn: str) -> None:
    with psycopg.connect(owner_dsn) as deleter:
        deleter.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with pytest.raises(FeatureNotSupported):
            deleter.execute(DELETE, (pair[1],))


@pytest.mark.parametrize("column", ["customer_id", "author_id", "operation_id", "call_id", "inbound_call_id"])
def test_no_column_takes_an_id_that_is_not_there(
    column: str, pair: tuple[int, int], owner_connection: psycopg.Connection
) -> None:
    insert(owner_connection, pair)
    with pytest.raises(ForeignKeyViolation, match="no such row"):
        owner_connection.execute(f"UPDATE blacklist_entry SET {column} = 987654321 WHERE phone = {PHONE}")


def test_an_id_that_rows_refer_to_neither_changes_nor_is_truncated(
    pair: tuple[int, int], owner_connection: psycopg.Connection
) -> None:
    insert(owner_connection, pair)
    with pytest.raises(ForeignKeyViolation):
        owner_connection.execute('UPDATE "user" SET id = 987654321 WHERE id = %s', (pair[1],))
    with pytest.raises(ForeignKeyViolation):
        owner_connection.execute('TRUNCATE "user", customer CASCADE')
