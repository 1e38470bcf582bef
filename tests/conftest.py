"""Shared fixtures: real PostgreSQL and Valkey of our own, a clean database per test, people with names."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
import sqlalchemy as sa
from flask import Flask
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling, LoadScopeScheduling

from callcab import db as database
from callcab import migrate, queue
from callcab.app import create_app
from callcab.config import Settings
from callcab.db import Base
from callcab.embedded.postgres import EmbeddedPostgres
from callcab.embedded.valkey import EmbeddedValkey
from callcab.jobs.transport import RqSender
from callcab.lib.storage import LocalStorage
from callcab.services import password, stored_file
from tests.people import People, settle

# Enough connections for the races: each thread has one of its own.
POOL = 60
# Bytes of the largest table.
DELETED_UP_TO = 1024 * 1024
TELEPHONY = Path(__file__).with_name("telephony")
BROWSER = "tests/browser/"

# Hashing at full cost would be most of the run.
password.weaken_for_tests()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-access", action="store_true", help="accept the present statuses as tests/access.json")
    parser.addoption("--telephony", action="store_true", help="run tests/telephony, which fetch a real Asterisk")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests against a real Asterisk to ``./run test --telephony``; begin with the files that take long.

    Begun last, they would leave the other core without work.
    """
    if not config.getoption("--telephony"):
        left_out = [item for item in items if item.path.is_relative_to(TELEPHONY)]
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if item not in left_out]
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.get_closest_marker("browser") is None, item.path not in long))


class ByServers(LoadFileScheduling):
    """A file stays in one process, and so do all that need a browser: their servers take seconds to start."""

    def _split_scope(self, nodeid: str) -> str:
        return BROWSER if nodeid.startswith(BROWSER) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return ByServers(config, log)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data_dir=tmp_path_factory.mktemp("pg"), profile="test")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(data_dir=tmp_path_factory.mktemp("valkey"), profile="test")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def schema(postgres: EmbeddedPostgres) -> EmbeddedPostgres:
    """The server with the newest schema in its database."""
    migrate.upgrade(postgres.owner_url(), app_url=postgres.app_url())
    return postgres


@pytest.fixture(scope="session")
def settings(schema: EmbeddedPostgres, valkey: EmbeddedValkey, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        database_url=schema.app_url(),
        database_owner_url=schema.owner_url(),
        redis_url=valkey.url,
        data_dir=tmp_path_factory.mktemp("data"),
        secret_key="test-key-" + "x" * 40,
        base_url="http://localhost",
        database_pool=POOL,
    )


@pytest.fixture(scope="session")
def owner_dsn(schema: EmbeddedPostgres) -> str:
    """Address for psycopg as the owner of the tables: past every policy."""
    return schema.owner_url().replace("postgresql+psycopg", "postgresql")


@pytest.fixture
def clean(schema: EmbeddedPostgres, owner_dsn: str) -> Iterator[None]:
    """Empty tables after the test; whatever the test committed is gone for the next one."""
    yield
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        empty(connection)


def empty(connection: psycopg.Connection) -> None:
    """Take out all rows and let every key begin at 1 again.

    TRUNCATE makes new files for all tables and their indexes, four times as slow as deleting the few rows of a usual
    test. What deletions leave behind goes with the next TRUNCATE, as soon as a table has grown.
    """
    tables = [table.name for table in Base.metadata.sorted_tables]
    sizes = dict(
        connection.execute(
            "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relname = ANY(%s) AND relkind = 'r'", (tables,)
        ).fetchall()
    )
    if max(sizes.values()) > DELETED_UP_TO:
        names = ", ".join(f'"{name}"' for name in tables)
        connection.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
        return
    written = [f'DELETE FROM "{name}";' for name, size in sizes.items() if size]
    # Neither foreign keys nor the triggers that keep the ledger whole are asked.
    connection.execute("SET session_replication_role = replica;" + "".join(written))
    connection.execute(
        "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false)"
        " FROM pg_sequences WHERE last_value IS NOT NULL"
    )


@pytest.fixture
def connected(settings: Settings, clean: None) -> Iterator[sa.Engine]:
    """The process-wide engine, for tests that call services directly; jobs asked for are dropped."""
    engine = database.connect(str(settings.database_url), pool_size=POOL)
    queue.set_sender(lambda job, ids: None)
    yield engine
    queue.set_sender(None)
    engine.dispose()


@pytest.fixture
def owner_connection(owner_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture(scope="session")
def built_app(settings: Settings) -> Flask:
    """The application, made once; tests take ``app``, which also cleans up."""
    made = create_app(settings)
    made.config["TESTING"] = True
    return made


@pytest.fixture
def app(built_app: Flask, settings: Settings, connected: sa.Engine) -> Flask:
    """The whole application on a clean database and an empty queue; jobs wait in Valkey."""
    with redis.Redis.from_url(str(settings.redis_url)) as client:
        client.flushdb()
    queue.set_sender(RqSender(str(settings.redis_url)))
    stored_file.use(LocalStorage(settings.storage_dir))
    return built_app


@pytest.fixture
def people(app: Flask) -> People:
    """Two customers, their people, and support (tests/people.py)."""
    return settle(app)
