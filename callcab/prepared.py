"""Statements that a connection keeps ready by name (PREPARE) and answers in one exchange, with what goes before them.

The driver's cursors prepare too, but there the role, the statement and the end of its transaction are an exchange each,
and a cursor each: two thirds of the time of asking for a page. So this goes to the driver's own libpq (``psycopg.pq``).
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import DuplicatePreparedStatement, InvalidSqlStatementName, error_from_result
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import PoolProxiedConnection
from sqlalchemy.engine import Connection

Records = list[tuple[Any, ...]]
# Statements that one connection gets to know; of each PostgreSQL keeps 50 KB or more.
MOST = 300
# What is ready is known but for surprises: behind a pooler each transaction may meet another server.
TRIES = 20
_READY, _TURNING = "prepared", "turning"


class Prepared:
    """A statement whose text says its parameters as ``%(name)s``, with their types.

    It is kept as ``label`` and a digest of its text: whoever finds the name finds this very statement behind it.
    """

    def __init__(self, label: str, text: str, parameters: Sequence[str]) -> None:
        self.name = f"{label[:40]}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        numbered = text % {name: f"${place}" for place, name in enumerate(parameters, 1)}
        self._prepare = f"PREPARE {self.name} AS {numbered}; ".encode()
        self._execute = f"EXECUTE {self.name}".encode()
        self._parameters = parameters

    def run(
        self, pooled: PoolProxiedConnection, values: Mapping[str, Any], *, before: bytes = b""
    ) -> tuple[Records, PGresult]:
        """Its records, and what the driver had of the server; ``before`` are statements for the same transaction.

        For a connection that is in no transaction: all of it is one, which is over afterwards. Raises psycopg's errors.
        """
        driver = cast(psycopg.Connection[Any], pooled.driver_connection)
        ready: set[str] = pooled.info.setdefault(_READY, set())
        # Kept with the connection: it finds out how to turn each type of value and column once.
        turning = pooled.info.get(_TURNING) or pooled.info.setdefault(_TURNING, Transformer(driver))
        execute = self._execute
        if self._parameters:
            execute += b"(%s)" % b", ".join([turning.as_literal(values[name]) for name in self._parameters])
        result = self._sent(driver, ready, before, execute)
        ready.add(self.name)
        if len(ready) > MOST:
            pooled.invalidate(soft=True)
        turning.set_pgresult(result)
        records = turning.load_rows(0, result.ntuples, tuple)
        turning.set_pgresult(None)
        return records, result

    def _sent(self, driver: psycopg.Connection[Any], ready: set[str], before: bytes, execute: bytes) -> PGresult:
        for _ in range(TRIES):
            known = self.name in ready
            result = driver.pgconn.exec_(before + (execute if known else self._prepare + execute))
            if result.status == ExecStatus.TUPLES_OK:
                return result
            problem = error_from_result(result)
            if isinstance(problem, InvalidSqlStatementName) and known:
                ready.discard(self.name)
            elif isinstance(problem, DuplicatePreparedStatement):
                ready.add(self.name)
            else:
                break
        raise problem


def forget(connection: Connection) -> None:
    """Before a rollback, with which the driver forgets all that the connection has ready, ours too; not when there is
    nothing to roll back, as behind each session that has read and was committed."""
    if connection.invalidated:
        return
    driver = cast(psycopg.Connection[Any], connection.connection.driver_connection)
    if driver.info.transaction_status is not TransactionStatus.IDLE:
        connection.info.pop(_READY, None)
