"""Connections that the server ended while they rested in the pool."""

import threading

import psycopg
import sqlalchemy as sa

from callcab import db
from callcab.config import Settings
from callcab.db import unit_of_work
from callcab.scope import Scope

SYSTEM = Scope.system("test")
AT_ONCE = 5


def use(engine: sa.Engine) -> None:
    """Several units of work at the same time, so that the pool holds as many connections."""
    meet = threading.Barrier(AT_ONCE)

    def work() -> None:
        with unit_of_work(SYSTEM) as session:
            session.execute(sa.text("SELECT 1"))
            meet.wait(10)

    threads = [threading.Thread(target=work) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def end_all(owner_connection: psycopg.Connection) -> int:
    ended = owner_connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'callcab_app'"
    ).fetchall()
    return len(ended)


def test_after_a_restart_of_the_server_no_page_fails(
    connected: sa.Engine, owner_connection: psycopg.Connection
) -> None:
    use(connected)
    assert end_all(owner_connection) >= AT_ONCE
    for _ in range(AT_ONCE + 1):
        with unit_of_work(SYSTEM) as session:
            assert session.scalar(sa.text("SELECT 1")) == 1


def test_another_size_of_the_pool_is_not_taken_for_the_one_that_is_there(
    connected: sa.Engine, settings: Settings
) -> None:
    smaller = db.connect(str(settings.database_url), pool_size=3)
    try:
        assert smaller.pool.size() == 3
    finally:
        larger = db.connect(str(settings.database_url), pool_size=connected.pool.size())
    assert larger.pool.size() == connected.pool.size()
