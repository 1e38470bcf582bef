"""The database: base class, column types, and the one place that commits.

Writes happen in ``unit_of_work(scope)``. Effects (enqueueing, mail) leave after its commit, so that a rolled-back
request never rings a phone. A request reads through a second, read-only session (``callcab.web.database``).
"""

import logging
import select
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any, Protocol, cast

import psycopg
import sqlalchemy as sa
from psycopg import sql
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import event, orm
from sqlalchemy.engine import Connection, Engine

from callcab.prepared import Prepared, Records, forget

log = logging.getLogger(__name__)

# Pool and socket limits: a dead server must show within seconds, and a restarted one must not cost a failed page.
CONNECT_SECONDS = 5
TRUSTED_SECONDS = 5
# A statement that only reads gets so long.
READ_LIMIT = "10s"


class Money(sa.types.TypeDecorator[Decimal]):
    """Roubles as NUMERIC(14, 2). Floats and fractions of a kopeck are refused, never rounded in silence (AC-50)."""

    impl = sa.Numeric(14, 2)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Decimal | None:
        if value is None:
            return None
        return exact_decimal(value, 2)


class Rate(sa.types.TypeDecorator[Decimal]):
    """A price per interval or a percentage as NUMERIC(12, 4)."""

    impl = sa.Numeric(12, 4)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Decimal | None:
        if value is None:
            return None
        return exact_decimal(value, 4)


def exact_decimal(value: Any, places: int) -> Decimal:
    """``value`` as a finite Decimal with at most ``places`` decimals; TypeError or ValueError otherwise."""
    if isinstance(value, bool | float) or not isinstance(value, Decimal | int):
        raise TypeError(f"money must be Decimal, not {type(value).__name__}")
    number = Decimal(value)
    if not number.is_finite() or number != round(number, places):
        raise ValueError(f"money must be finite with at most {places} decimals, not {number}")
    return number


class Base(orm.DeclarativeBase):
    """Base of all models; ``class X(Base)``, never ``db.Model`` (typed mappings)."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        int: sa.BigInteger(),
        str: sa.Text(),
        Decimal: Money(),
        datetime: sa.DateTime(timezone=True),
    }


def choice(kind: type[StrEnum], **options: Any) -> orm.MappedColumn[Any]:
    """A text column that holds the values of a StrEnum; a CHECK refuses others."""
    column_type = sa.Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=32,
        name=kind.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )
    return orm.mapped_column(column_type, **options)


class Fetch(Protocol):
    """A statement as the driver takes it; ``callcab.services.listing.compiled.Compiled`` is the one that exists."""

    @property
    def text(self) -> str: ...
    @property
    def prepared(self) -> Prepared: ...
    def turned(self, values: Mapping[str, Any]) -> dict[str, Any]: ...
    def read(self, records: Records, result: PGresult) -> Records: ...


class ScopeLike(Protocol):
    """What a session has to know of a scope; ``callcab.scope.Scope`` is the one that exists."""

    @property
    def database_role(self) -> str: ...
    @property
    def customer_id(self) -> int | None: ...


class CommitOutsideUnit(RuntimeError):
    """Somebody called ``session.commit()``; only ``unit_of_work`` commits."""


class NestedUnitOfWork(RuntimeError):
    """A unit of work was opened inside another one; pass the session down instead."""


class CabSession(orm.Session):
    """A session that belongs to one scope for life and commits only through ``unit_of_work``."""

    def __init__(self, *args: Any, scope: ScopeLike | None = None, read_only: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.info.setdefault("scope", scope)
        self.info["read_only"] = read_only
        self.info["plan_once"] = False
        self.info["effects"] = []

    @property
    def scope(self) -> ScopeLike | None:
        found: ScopeLike | None = self.info.get("scope")
        return found

    @property
    def owner_id(self) -> int | None:
        """The customer that the session is confined to; None for support, and before the scope is known."""
        return None if self.scope is None else self.scope.customer_id

    def plan_once(self) -> None:
        """Let statements that read by an index in its order, whatever the values, keep their plans; for a transaction
        that has not begun."""
        self.info["plan_once"] = True

    def fetch(self, statement: "Fetch", values: Mapping[str, Any]) -> Records:
        """The records of a statement that only reads, by the driver.

        A session that only reads and has not begun its transaction begins none: the statement gets its own, for it is
        mostly all that a page reads. Raises SQLAlchemy's errors, as all that asks the database does.
        """
        connection: Connection | None = self.info.get("connection")
        begun = connection is not None and not connection.closed
        if self.info["read_only"] and not begun:
            return _fetch_alone(self._scope(), statement, values, once=self.info["plan_once"])
        driver = cast(psycopg.Connection[Any], self.connection().connection.driver_connection)
        try:
            cursor = driver.execute(statement.text, statement.turned(values))
        except psycopg.Error as problem:
            raise sa.exc.OperationalError(statement.text, None, problem) from problem
        return statement.read(cursor.fetchall(), cast(PGresult, cursor.pgresult))

    def _scope(self) -> ScopeLike:
        if self.scope is None:
            raise RuntimeError("a session needs a scope before it touches the database")
        return self.scope

    def after_commit(self, effect: Callable[[], None]) -> None:
        """Do ``effect`` once the transaction is safe; it must not raise for reasons a sweep can mend later."""
        self.info["effects"].append(effect)

    def commit(self) -> None:
        raise CommitOutsideUnit("use `with unit_of_work(scope) as session`")

    def close(self) -> None:
        """End the transaction: a unit's is rolled back unless it was committed, one that only reads is committed.

        A rollback makes the driver forget all that it has prepared on the connection, so that PostgreSQL would parse
        and plan each statement of each page anew: more than half of its work. After an error that is what is wanted.
        """
        connection = self.info.pop("connection", None)
        if self.info["read_only"] and connection is not None and _is_sound(connection):
            # By the driver: nothing is to be flushed, and what closes behind finds no transaction to roll back.
            try:
                cast(psycopg.Connection[Any], connection.connection.driver_connection).commit()
            except psycopg.Error:
                connection.invalidate()
        if self.in_transaction() or self.identity_map or self.new:
            super().close()

    def _really_commit(self) -> None:
        super().commit()


# What finds by plain statements takes either.
Reader = CabSession | Connection


def _is_sound(connection: Connection) -> bool:
    """Whether its transaction is still open and nothing in it failed."""
    if connection.closed or connection.invalidated:
        return False
    driver = cast(psycopg.Connection[Any], connection.connection.driver_connection)
    return driver.info.transaction_status is TransactionStatus.INTRANS


# Begins every transaction, so it goes to the driver as it is.
_ASSUME = (
    "SELECT set_config('role', %(role)s, true), set_config('callcab.customer_id', %(customer)s, true),"
    " set_config('transaction_read_only', %(read_only)s, true), set_config('statement_timeout', %(limit)s, true),"
    " set_config('plan_cache_mode', %(plans)s, true)"
)


@event.listens_for(CabSession, "after_begin")
def _assume_role(session: CabSession, transaction: orm.SessionTransaction, connection: Connection) -> None:
    """Give the transaction its database role and tenant; both end with it (row-level security, design §2.1)."""
    scope = session._scope()
    session.info["connection"] = connection
    read_only: bool = session.info["read_only"]
    # What only reads is planned for its values: a rare part of a number and a common one need different plans.
    anew = read_only and not session.info["plan_once"]
    _assume(connection, scope, read_only=read_only, plans="force_custom_plan" if anew else "auto")


def _assume(connection: Connection, scope: ScopeLike, *, read_only: bool, plans: str) -> None:
    asked = {
        "role": scope.database_role,
        "customer": "" if scope.customer_id is None else str(scope.customer_id),
        "read_only": "on" if read_only else "off",
        "limit": READ_LIMIT if read_only else "0",
        "plans": plans,
    }
    try:
        cast(psycopg.Connection[Any], connection.connection.driver_connection).execute(_ASSUME, asked)
    except psycopg.Error as problem:
        connection.invalidate(problem)
        raise sa.exc.OperationalError(_ASSUME, asked, problem) from problem


# The same before one statement that reads; kept for a customer.
@lru_cache(1_000)
def _assumed(role: str, customer_id: int | None, plans: str) -> bytes:
    asked = ("" if customer_id is None else str(customer_id), READ_LIMIT, plans)
    text = sql.SQL(
        "SET LOCAL transaction_read_only = on; SET LOCAL ROLE {}; SET LOCAL callcab.customer_id = {};"
        " SET LOCAL statement_timeout = {}; SET LOCAL plan_cache_mode = {}; "
    )
    return text.format(sql.Identifier(role), *map(sql.Literal, asked)).as_bytes()


def _fetch_alone(scope: ScopeLike, statement: Fetch, values: Mapping[str, Any], *, once: bool) -> Records:
    # Left to itself («auto») the planner would plan many of them each time, for it expects other numbers of rows
    # without the values: half of PostgreSQL's work for a page. They say their limits; a session's own do not.
    before = _assumed(scope.database_role, scope.customer_id, "force_generic_plan" if once else "force_custom_plan")
    return statement.read(*_run(statement.prepared, statement.turned(values), before=before))


def _run(statement: Prepared, values: Mapping[str, Any], *, before: bytes = b"") -> tuple[Records, PGresult]:
    """On a connection of the pool, which is thrown away when the statement fails."""
    pooled = engine().raw_connection()
    try:
        found = statement.run(pooled, values, before=before)
    except BaseException as problem:
        pooled.invalidate(problem)
        if isinstance(problem, psycopg.Error):
            raise sa.exc.OperationalError(statement.name, None, problem) from problem
        raise
    pooled.close()
    return found


_engine: Engine | None = None
_unit_open: ContextVar[bool] = ContextVar("unit_open", default=False)


def connect(url: str, *, pool_size: int = 10) -> Engine:
    """Make the process-wide engine; the same address and size again give the same engine, others replace it."""
    global _engine
    if _engine is not None:
        _engine.dispose()
        if (_engine.url, cast(sa.QueuePool, _engine.pool).size()) == (sa.make_url(url), pool_size):
            return _engine
    _engine = sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=10,
        connect_args={"connect_timeout": CONNECT_SECONDS},
    )
    event.listen(_engine, "connect", _note_use)
    event.listen(_engine, "checkin", _note_use)
    event.listen(_engine, "checkout", _ask_when_in_doubt)
    event.listen(_engine, "rollback", forget)
    return _engine


def _note_use(connection: Any, record: Any) -> None:
    record.info["used"] = time.monotonic()


def _ask_when_in_doubt(connection: psycopg.Connection[Any], record: Any, fairy: Any) -> None:
    """Ask a resting connection whether it lives, and give another one if not.

    A server that ends says so, or closes: then there is something to read. Only one that vanished without a word, or
    a network that did, needs a question; asking it before every transaction would be a tenth of a page's statements.
    """
    rested = time.monotonic() - record.info.get("used", 0)
    try:
        if rested > TRUSTED_SECONDS or _is_readable(connection):
            engine().dialect.do_ping(cast(Any, connection))
    except psycopg.Error as gone:
        raise sa.exc.InvalidatePoolError from gone


def _is_readable(connection: psycopg.Connection[Any]) -> bool:
    watch = select.poll()
    watch.register(connection.fileno(), select.POLLIN)
    return bool(watch.poll(0))


def engine() -> Engine:
    """The process-wide engine; RuntimeError before ``connect``."""
    if _engine is None:
        raise RuntimeError("the database is not connected; call connect() first")
    return _engine


@contextmanager
def looking_up(scope: ScopeLike) -> Iterator[Connection]:
    """A read-only transaction for plain statements that find by whole keys: no session, and planned once."""
    with engine().begin() as connection:
        _assume(connection, scope, read_only=True, plans="auto")
        yield connection


def ask(statement: Prepared, values: Mapping[str, Any]) -> Records:
    """What a function of the database answers by itself: one exchange, without role or session.

    Raises SQLAlchemy's errors, as all that asks the database does.
    """
    return _run(statement, values)[0]


@contextmanager
def unit_of_work(scope: ScopeLike) -> Iterator[CabSession]:
    """One transaction under ``scope``: commits at the end, rolls back on any error, then lets the effects leave.

    Objects stay readable after the end (nothing is expired). Raises NestedUnitOfWork inside another unit.
    An effect that fails is logged and left to the sweep: its row says that it is due (design §2.4).
    """
    if _unit_open.get():
        raise NestedUnitOfWork("a unit of work is open already; pass its session down")
    token = _unit_open.set(True)
    session = CabSession(bind=engine(), scope=scope, expire_on_commit=False)
    try:
        yield session
        session._really_commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()
        _unit_open.reset(token)
    for effect in session.info["effects"]:
        try:
            effect()
        except Exception:
            log.exception("an effect after commit failed; the sweep will repeat it")
