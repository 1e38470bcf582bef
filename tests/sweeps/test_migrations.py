"""Migrations: one head, equal to the models, both directions, policies on every tenant table."""

from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from callcab import migrate
from callcab.db import Base
from callcab.embedded.postgres import EmbeddedPostgres


def test_there_is_one_head_and_its_name_is_in_the_head_file() -> None:
    heads = ScriptDirectory(str(migrate.FOLDER)).get_heads()
    assert heads == [(Path(migrate.FOLDER) / "HEAD").read_text().strip()]


def test_models_equal_the_migrated_schema(schema: EmbeddedPostgres) -> None:
    engine = sa.create_engine(schema.owner_url())
    with engine.connect() as connection:
        difference = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    engine.dispose()
    assert difference == []


def test_every_table_of_a_customer_has_row_level_security(schema: EmbeddedPostgres, owner_dsn: str) -> None:
    confined = {table.name for table in Base.metadata.tables.values() if "customer_id" in table.c} | {"customer"}
    with psycopg.connect(owner_dsn) as connection:
        secured = {
            name
            for (name,) in connection.execute(
                "SELECT relname FROM pg_class c WHERE relrowsecurity AND relkind = 'r' AND EXISTS"
                " (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant')"
            )
        }
    assert confined == secured


@pytest.mark.usefixtures("clean")
def test_a_filled_database_goes_down_and_up_again(postgres: EmbeddedPostgres) -> None:
    name = "updown"
    postgres.ensure_database(name)
    owner = postgres.owner_url(name)
    migrate.upgrade(owner, app_url=postgres.app_url(name))
    engine = sa.create_engine(owner)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO tariff (name, first_seconds, step_seconds, minute_price, rental_day_price, is_default,"
                " created_at, version) VALUES ('t', 60, 6, 1, 1, true, now(), 1)"
            )
        )
        connection.execute(
            sa.text(
                "INSERT INTO customer (name, email, status, tariff_id, balance, reserved, credit_limit, zone,"
                " created_at, version) SELECT 'x', 'x@example.org', 'active', id, 0, 0, 0, 'UTC', now(), 1 FROM tariff"
            )
        )
    engine.dispose()
    migrate.downgrade(owner, "base")
    engine = sa.create_engine(owner)
    assert set(sa.inspect(engine).get_table_names()) == {"alembic_version"}
    engine.dispose()
    migrate.upgrade(owner, app_url=postgres.app_url(name))
