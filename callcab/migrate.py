"""Brings a database to the newest schema, or back; shared by the command line, the tests and `callcab up`."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import make_url

from callcab.scope import STAFF_ROLE, TENANT_ROLE

FOLDER = Path(__file__).resolve().parent.parent / "migrations"


def alembic_config(owner_url: str) -> Config:
    """Alembic's settings for a database named by its owner's address."""
    found = Config(str(FOLDER / "alembic.ini"))
    found.attributes["url"] = owner_url
    return found


def upgrade(owner_url: str, *, app_url: str | None = None, to: str = "head") -> None:
    """Upgrade, then let the application's log-in role take the two roles. Harmless when nothing is new."""
    command.upgrade(alembic_config(owner_url), to)
    if app_url:
        _admit(owner_url, app_url)


def downgrade(owner_url: str, to: str) -> None:
    """Go back to a revision; data of newer tables is lost."""
    command.downgrade(alembic_config(owner_url), to)


def _admit(owner_url: str, app_url: str) -> None:
    login, owner = make_url(app_url).username, make_url(owner_url).username
    if not login or login == owner:
        return
    engine = sa.create_engine(owner_url, poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        quoted = engine.dialect.identifier_preparer.quote_identifier(login)
        connection.execute(sa.text(f"GRANT {TENANT_ROLE}, {STAFF_ROLE} TO {quoted}"))
    engine.dispose()
