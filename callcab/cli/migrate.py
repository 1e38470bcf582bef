"""``callcab migrate``: the step before all roles, quick when there is nothing to do."""

from importlib import import_module
from pathlib import Path

import click
import psycopg

from callcab.cli.context import running

HEAD_FILE = Path(__file__).resolve().parent.parent.parent / "migrations" / "HEAD"


@click.command()
def migrate() -> None:
    """Bring the database to the newest schema (as the owner of the tables)."""
    settings = running()
    owner = str(settings.database_owner_url or settings.database_url)
    if not is_newest(owner, str(settings.database_url)):
        # Every table and Alembic take seconds to import, at each start of everything.
        import_module("callcab.migrate").upgrade(owner, app_url=settings.database_url)
    click.echo("The database is up to date.")


def is_newest(owner_url: str, app_url: str) -> bool:
    """Whether the newest migration has run, and the application's login may take the roles that the policies name.

    False when in doubt: a migration that has nothing to do is harmless.
    """
    question = (
        "SELECT (SELECT version_num FROM alembic_version),"
        " (SELECT bool_and(pg_has_role(%(login)s, role, 'MEMBER')) FROM pg_policy, unnest(polroles) AS role)"
    )
    try:
        with psycopg.connect(_plain(app_url)) as connection:
            login = connection.info.user
        with psycopg.connect(_plain(owner_url)) as connection:
            return connection.execute(question, {"login": login}).fetchone() == (HEAD_FILE.read_text().strip(), True)
    except psycopg.Error:
        return False


def _plain(url: str) -> str:
    """The address without the name of SQLAlchemy's driver."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
