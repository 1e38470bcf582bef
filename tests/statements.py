"""What is sent to the database meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa


@contextmanager
def hearing(engine: sa.Engine) -> Iterator[list[str]]:
    """The statements that go through SQLAlchemy, as they go."""
    heard: list[str] = []

    def listen(connection, cursor, statement, parameters, context, many):
        heard.append(statement)

    sa.event.listen(engine, "before_cursor_execute", listen)
    try:
        yield heard
    finally:
        sa.event.remove(engine, "before_cursor_execute", listen)
