"""Connections that the server ended while they rested in the pool."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from callcab import db
from callcab import prepared as prepared_module
from callcab.config import Settings
from callcab.db import CabSession, unit_of_work
from callcab.prepared import Prepared, Records
from callcab.scope import Scope
from tests.conftest import POOL

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
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'callcab_app'"
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


@pytest.mark.parametrize(("trusted", "asked"), [(5, 0), (0, 3)])
def test_only_a_connection_that_has_rested_is_asked_whether_it_lives(
    single: None, monkeypatch: pytest.MonkeyPatch, trusted: int, asked: int
) -> None:
    look_up("SELECT 1")
    pings: list[Any] = []
    monkeypatch.setattr(db, "TRUSTED_SECONDS", trusted)
    monkeypatch.setattr(db.engine().dialect, "do_ping", pings.append)
    for _ in range(3):
        look_up("SELECT 1")
    assert len(pings) == asked


def test_another_size_of_the_pool_is_not_taken_for_the_one_that_is_there(
    connected: sa.Engine, settings: Settings
) -> None:
    smaller = db.connect(str(settings.database_url), pool_size=3)
    try:
        assert smaller.pool.size() == 3
    finally:
        larger = db.connect(str(settings.database_url), pool_size=connected.pool.size())
    assert larger.pool.size() == connected.pool.size()


def read(statement: str, **values: object) -> Sequence[Any]:
    with CabSession(bind=db.engine(), scope=SYSTEM, read_only=True) as session:
        return session.execute(sa.text(statement), values).scalars().all()


def walk(statement: str, **values: object) -> Sequence[Any]:
    with CabSession(bind=db.engine(), scope=SYSTEM, read_only=True) as session:
        session.plan_once()
        return session.execute(sa.text(statement), values).scalars().all()


def look_up(statement: str, **values: object) -> Sequence[Any]:
    with db.looking_up(SYSTEM) as connection:
        return connection.execute(sa.text(statement), values).scalars().all()


def ready(statement: str, values: Mapping[str, object]) -> Prepared:
    return Prepared("test", statement.replace(":n", "%(n)s"), list(values))


def ask(statement: str, **values: object) -> Sequence[Any]:
    return [row[0] for row in db.ask(ready(statement, values), values)]


@dataclass(frozen=True)
class Plain:
    """A statement as ``CabSession.fetch`` takes it."""

    sql: str
    names: Sequence[str] = ()

    @property
    def text(self) -> str:
        return self.sql.replace(":n", "%(n)s")

    @property
    def prepared(self) -> Prepared:
        return Prepared("test", self.text, self.names)

    def turned(self, values: Mapping[str, object]) -> dict[str, object]:
        return dict(values)

    def read(self, records: Records, result: object) -> Records:
        return records


def fetch(statement: str, **values: object) -> Sequence[Any]:
    with CabSession(bind=db.engine(), scope=SYSTEM, read_only=True) as session:
        return [row[0] for row in session.fetch(Plain(statement, list(values)), values)]


def fetch_planned(statement: str, **values: object) -> Sequence[Any]:
    with CabSession(bind=db.engine(), scope=SYSTEM, read_only=True) as session:
        session.plan_once()
        return [row[0] for row in session.fetch(Plain(statement, list(values)), values)]


def prepared() -> Sequence[Any]:
    """Of each statement that the tests repeat, whether it was planned for all values."""
    return look_up(
        "SELECT generic_plans > 0 FROM pg_prepared_statements"
        " WHERE statement LIKE '%SELECT 4 + %' AND statement NOT LIKE '%pg_prepared_statements%'"
    )


@pytest.fixture
def single(connected: sa.Engine) -> Iterator[None]:
    """One connection, so that what is prepared on it is seen."""
    db.connect(connected.url.render_as_string(hide_password=False), pool_size=1)
    yield
    db.connect(connected.url.render_as_string(hide_password=False), pool_size=POOL)


@pytest.mark.parametrize(
    ("way", "planned_once"),
    [(read, False), (walk, True), (look_up, True), (ask, True), (fetch, False), (fetch_planned, True)],
)
def test_what_is_read_again_and_again_is_parsed_once(
    single: None, way: Callable[..., Sequence[Any]], planned_once: bool
) -> None:
    for _ in range(12):
        way("SELECT 4 + CAST(:n AS int)", n=1)
    assert prepared() == [planned_once]


@pytest.mark.parametrize(("way", "for_values"), [(walk, True), (fetch_planned, False)])
def test_a_kept_statement_is_never_planned_for_its_values_one_of_the_session_s_own_is(
    single: None, way: Callable[..., Sequence[Any]], for_values: bool
) -> None:
    """The planner does not see the limit of the latter without its values, and expects a tenth of all rows."""
    for _ in range(12):
        way("SELECT 4 + CAST(:n AS int)", n=1)
    assert look_up(
        "SELECT custom_plans > 0 FROM pg_prepared_statements"
        " WHERE statement LIKE '%SELECT 4 + %' AND statement NOT LIKE '%pg_prepared_statements%'"
    ) == [for_values]


@pytest.mark.parametrize("way", [read, walk, look_up, fetch])
def test_nothing_is_written_by_what_only_reads(single: None, way: Callable[..., Sequence[Any]]) -> None:
    with pytest.raises(sa.exc.DBAPIError, match="read-only"):
        way("DELETE FROM note RETURNING id")


WHO = Plain(
    "SELECT current_user, current_setting('callcab.customer_id'), current_setting('transaction_read_only'),"
    " current_setting('statement_timeout'), current_setting('plan_cache_mode'), pg_backend_pid()"
)


@pytest.mark.parametrize("scope", [Scope.tenant(7), Scope.staff()], ids=["customer", "support"])
@pytest.mark.parametrize("read_only", [True, False])
def test_a_statement_alone_is_asked_as_the_session_s_own_would_be(single: None, scope: Scope, read_only: bool) -> None:
    with CabSession(bind=db.engine(), scope=scope, read_only=read_only) as session:
        alone = session.fetch(WHO, {})
        own = session.execute(sa.text(WHO.text)).all()
        within = session.fetch(WHO, {})
    assert alone == within == [tuple(row) for row in own]
    role, customer, *_settings = alone[0]
    assert (role, customer) == (scope.database_role, str(scope.customer_id or ""))


def test_a_statement_alone_leaves_nothing_behind_for_the_next_on_its_connection(single: None) -> None:
    read("SELECT 1")
    own = ask(f"SELECT to_json(r) FROM ({WHO.text}) AS r")
    with CabSession(bind=db.engine(), scope=Scope.tenant(7), read_only=True) as session:
        session.plan_once()
        session.fetch(WHO, {})
    assert ask(f"SELECT to_json(r) FROM ({WHO.text}) AS r") == own
    with unit_of_work(SYSTEM) as session:
        driver = session.connection().connection.driver_connection
        assert not driver.autocommit and driver.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS


def test_a_statement_is_asked_alone_again_once_the_session_s_transaction_is_over(single: None) -> None:
    with CabSession(bind=db.engine(), scope=SYSTEM, read_only=True) as session:
        session.execute(sa.text("SELECT 1"))
        session.rollback()
        assert session.fetch(WHO, {})[0][0] == SYSTEM.database_role


@pytest.mark.parametrize("begun", [False, True], ids=["alone", "in the session's transaction"])
def test_a_statement_that_fails_is_told_as_every_other_and_the_next_one_works(single: None, begun: bool) -> None:
    with CabSession(bind=db.engine(), scope=SYSTEM, read_only=True) as session:
        if begun:
            session.execute(sa.text("SELECT 1"))
        with pytest.raises(sa.exc.OperationalError, match="division by zero"):
            session.fetch(Plain("SELECT 1 / 0"), {})
    assert fetch("SELECT 1") == [1]


def test_nobody_s_statement_is_asked_at_all(single: None) -> None:
    with CabSession(bind=db.engine(), read_only=True) as session, pytest.raises(RuntimeError, match="scope"):
        session.fetch(WHO, {})


def test_without_a_role_nothing_is_read_or_written(single: None) -> None:
    for statement in ("SELECT id FROM session_record", "DELETE FROM note RETURNING id"):
        with pytest.raises(sa.exc.OperationalError, match="permission denied"):
            ask(statement)
    assert read("SELECT 1") == [1]


def test_a_question_leaves_neither_a_transaction_nor_its_mode_behind(single: None) -> None:
    assert ask("SELECT 4 + CAST(:n AS int)", n=1) == [5]
    with unit_of_work(SYSTEM) as session:
        driver = session.connection().connection.driver_connection
        assert not driver.autocommit and driver.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS


def test_a_question_to_a_server_that_went_meanwhile_is_an_error_once(
    single: None, owner_connection: psycopg.Connection
) -> None:
    with pytest.raises(sa.exc.OperationalError):
        ask("SELECT pg_terminate_backend(pg_backend_pid())")
    assert ask("SELECT 1") == [1]


def test_after_an_error_nothing_stays_prepared(single: None) -> None:
    for _ in range(12):
        read("SELECT 4 + 1")
    assert len(prepared()) == 1
    with pytest.raises(sa.exc.DataError):
        read("SELECT 1 / 0")
    assert prepared() == []


def names() -> set[str]:
    return set(look_up("SELECT name FROM pg_prepared_statements WHERE name LIKE 'test_%'"))


def roll_back() -> None:
    with pytest.raises(ZeroDivisionError), unit_of_work(SYSTEM) as session:
        session.execute(sa.text("SELECT 1"))
        raise ZeroDivisionError


def deallocate_all() -> None:
    with db.looking_up(SYSTEM) as connection:
        connection.execute(sa.text("DEALLOCATE ALL"))


def forget_here() -> None:
    with db.engine().connect() as connection:
        connection.info.clear()


@pytest.mark.parametrize("surprise", [roll_back, deallocate_all, forget_here])
def test_a_statement_is_answered_whatever_became_of_what_was_ready(single: None, surprise: Callable[[], None]) -> None:
    assert fetch("SELECT 5 + CAST(:n AS int)", n=1) == [6]
    surprise()
    assert fetch("SELECT 5 + CAST(:n AS int)", n=2) == [7]
    assert len(names()) == 1


def test_a_rollback_that_makes_the_driver_forget_leaves_nothing_to_be_missed(
    single: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(12):
        look_up("SELECT 1")
    fetch("SELECT 5")
    roll_back()
    monkeypatch.setattr(prepared_module, "TRIES", 1)
    assert fetch("SELECT 5") == [5]


def test_a_session_that_has_read_leaves_what_is_ready(single: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        assert fetch("SELECT 5") == [5]
        read("SELECT 1")
        monkeypatch.setattr(prepared_module, "TRIES", 1)


def test_a_connection_that_knows_very_many_statements_is_replaced(
    single: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared_module, "MOST", 3)
    for n in range(10):
        assert fetch(f"SELECT {n}") == [n]
        assert len(names()) <= 4
    assert 0 < len(names()) < 4


@pytest.mark.parametrize(
    "text", ["it's", 'a "name"', "back\\slash", "E'\\x41'", "100 %", "%(n)s", "$1", "Юг; DROP TABLE note", "$$", ""]
)
def test_a_text_is_taken_as_it_is(single: None, text: str) -> None:
    assert fetch("SELECT CAST(:n AS text)", n=text) == [text]


def test_a_value_may_be_missing_and_a_percent_sign_stand_in_the_statement(single: None) -> None:
    assert fetch("SELECT CAST(:n AS int) IS NULL AND 7 %% 4 = 3", n=None) == [True]


def test_a_reader_that_is_closed_after_its_server_went_leaves_a_working_pool(
    single: None, owner_connection: psycopg.Connection
) -> None:
    reader = CabSession(bind=db.engine(), scope=SYSTEM, read_only=True)
    reader.execute(sa.text("SELECT 1"))
    assert end_all(owner_connection) >= 1
    reader.close()
    assert read("SELECT 1") == [1]
