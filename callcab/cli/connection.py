"""A connected database for the time of a command."""

from collections.abc import Iterator
from contextlib import contextmanager

from callcab import db as database
from callcab.config import Settings


@contextmanager
def connected(settings: Settings) -> Iterator[None]:
    """The process-wide engine for the time of a command."""
    engine = database.connect(str(settings.database_url), pool_size=settings.database_pool)
    try:
        yield
    finally:
        engine.dispose()
