"""Runs migrations as the owner of the tables, with limits so that a busy database is never held up for long."""

import sqlalchemy as sa
from alembic import context

import callcab.models  # noqa: F401  (registers every table)
from callcab import config
from callcab.db import Base

LOCK_LIMIT = "4s"
STATEMENT_LIMIT = "5min"


def owner_url() -> str:
    given = context.config.attributes.get("url")
    if given:
        return given
    settings = config.load()
    url = settings.database_owner_url or settings.database_url
    if not url:
        raise SystemExit("No database is named; use `callcab migrate`, which knows the embedded one.")
    return url


def run() -> None:
    engine = sa.create_engine(owner_url(), poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(f"SET lock_timeout = '{LOCK_LIMIT}'"))
        connection.execute(sa.text(f"SET statement_timeout = '{STATEMENT_LIMIT}'"))
        connection.commit()
        context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
