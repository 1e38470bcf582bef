"""``callcab migrate`` before each start: quick when nothing is new, and never satisfied too early."""

from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql

from callcab.cli import cli, migrate
from callcab.embedded.postgres import APP_ROLE, EmbeddedPostgres


def test_a_migrated_database_is_the_newest(schema: EmbeddedPostgres) -> None:
    assert migrate.is_newest(schema.owner_url(), schema.app_url())


def test_an_empty_database_is_not_the_newest(schema: EmbeddedPostgres, owner_dsn: str) -> None:
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty_one")
        try:
            assert not migrate.is_newest(schema.owner_url("empty_one"), schema.app_url("empty_one"))
        finally:
            connection.execute("DROP DATABASE empty_one")


def test_a_login_that_may_not_take_its_roles_needs_the_migration(schema: EmbeddedPostgres, owner_dsn: str) -> None:
    role = sql.Identifier("fresh_login")
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN NOINHERIT").format(role))
        try:
            assert not migrate.is_newest(schema.owner_url(), schema.app_url().replace(APP_ROLE, "fresh_login", 1))
        finally:
            connection.execute(sql.SQL("DROP ROLE {}").format(role))


def test_an_older_schema_needs_the_migration(
    schema: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    newer = tmp_path / "HEAD"
    newer.write_text("9999\n")
    monkeypatch.setattr(migrate, "HEAD_FILE", newer)

    assert not migrate.is_newest(schema.owner_url(), schema.app_url())


def test_help_lists_every_command_with_its_sentence() -> None:
    shown = CliRunner().invoke(cli, ["--help"]).output

    for name in ("up", "web", "worker", "tick", "dialer", "migrate", "doctor", "demo"):
        assert f"\n  {name} " in shown


def test_an_unknown_command_is_refused_with_a_sentence() -> None:
    result = CliRunner().invoke(cli, ["upp"])

    assert result.exit_code == 2
    assert "No such command 'upp'" in result.output
