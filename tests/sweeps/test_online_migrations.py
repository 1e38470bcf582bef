"""Migrations of a filled database that is in use meanwhile."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from callcab import migrate, online
from callcab.embedded.postgres import EmbeddedPostgres
from tests.waiting import wait_for

ROWS, BATCH = 60_000, 7_000
OLD, NEW = "0016", "0021"
HALF = "0019"
# Longer than any step may keep a writer waiting.
PATIENCE = "2s"
INSERT = (
    "INSERT INTO blacklist_entry (customer_id, phone, source, reason, author_name, created_at)"
    " SELECT {customer}, {phone}, 'hand', '', '', now()"
)


@pytest.fixture
def filled(postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The owner's address of a database of the last version with rows in it."""
    name = "online"
    monkeypatch.setattr(online, "BATCH", BATCH)
    postgres.ensure_database(name)
    url = postgres.owner_url(name)
    migrate.upgrade(url, app_url=postgres.app_url(name), to=OLD)
    address = url.replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(address) as connection:
        connection.execute(
            INSERT.format(customer="NULL", phone="79000000000 + n") + f" FROM generate_series(1, {ROWS}) AS n"
        )
    yield url
    with psycopg.connect(postgres.owner_url("postgres").replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


class Writer(threading.Thread):
    """Goes on writing as the last version did, until told to stop."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url, self.over, self.written, self.problem = url, threading.Event(), 0, None

    def run(self) -> None:
        with connect(self.url) as connection:
            connection.execute(f"SET lock_timeout = '{PATIENCE}'")
            while not self.over.is_set():
                try:
                    connection.execute(INSERT.format(customer="NULL", phone=f"79100000000 + {self.written}"))
                except psycopg.Error as problem:
                    self.problem = problem
                    return
                self.written += 1


def test_digits_are_filled_in_while_the_last_version_goes_on_writing(filled: str) -> None:
    writer = Writer(filled)
    writer.start()
    migrate.upgrade(filled, to=NEW)
    writer.over.set()
    writer.join()
    assert writer.problem is None
    assert writer.written > 1
    with connect(filled) as connection:
        wrong = "phone_reversed IS DISTINCT FROM reverse(phone::text)::bigint"
        found = connection.execute(f"SELECT count(*), count(*) FILTER (WHERE {wrong}) FROM blacklist_entry").fetchone()
        kept = connection.execute("SELECT sum(rows) FROM row_total WHERE name = 'blacklist_entry'").fetchone()
    assert found == (ROWS + writer.written, 0)
    assert kept == (ROWS + writer.written,)


def test_totals_of_all_hold_what_the_last_version_writes_meanwhile(filled: str) -> None:
    migrate.upgrade(filled, to="0031")
    migrate.downgrade(filled, to="0030")
    writer = Writer(filled)
    with connect(filled) as slow, connect(filled) as looking:
        slow.execute("BEGIN")
        slow.execute(INSERT.format(customer="NULL", phone="79200000000"))
        writer.start()
        migrating = threading.Thread(target=migrate.upgrade, args=(filled,), kwargs={"to": "0031"})
        migrating.start()
        replaced = "SELECT prosrc LIKE '%*%' FROM pg_proc WHERE proname = 'keep_total'"
        assert wait_for(lambda: looking.execute(replaced).fetchone() == (True,))
        migrating.join(0.5)
        slow.execute("COMMIT")
        migrating.join()
        writer.over.set()
        writer.join()
        totals = looking.execute("SELECT name, sum(rows) FROM row_total WHERE name LIKE '%blacklist_entry' GROUP BY 1")
        rows = ROWS + 1 + writer.written
        assert dict(totals.fetchall()) == {"blacklist_entry": rows, "*blacklist_entry": rows}
    assert writer.problem is None


def test_a_migration_that_was_cut_off_is_begun_again(filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as half, pytest.raises(KeyboardInterrupt):
        half.setattr(online, "index", cut)
        migrate.upgrade(filled, to=NEW)
    with connect(filled) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (HALF,)
        connection.execute("CREATE INDEX ix_blacklist_entry_customer_id_phone_reversed ON blacklist_entry (phone)")
    migrate.upgrade(filled, to=NEW)
    with connect(filled) as connection:
        index = connection.execute(
            "SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_blacklist_entry_customer_id_phone_reversed'"
        ).fetchone()
    assert index is not None
    assert index[0].endswith("(customer_id, phone_reversed)")
