"""What is sent to the database meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import psycopg

from callcab.prepared import Prepared


@contextmanager
def hearing() -> Iterator[list[str]]:
    """The statements of all connections of this process as the driver sends them; of those that are ready the names."""
    heard: list[str] = []
    send = psycopg.Cursor.execute

    def listen(cursor, statement, *arguments, **options):
        heard.append(statement.decode() if isinstance(statement, bytes) else str(statement))
        return send(cursor, statement, *arguments, **options)

    run = Prepared.run

    def hear(prepared, *arguments, **options):
        heard.append(prepared.name)
        return run(prepared, *arguments, **options)

    with mock.patch.object(psycopg.Cursor, "execute", listen), mock.patch.object(Prepared, "run", hear):
        yield heard
