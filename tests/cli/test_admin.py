"""Commands of whoever looks after an installation."""

from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from callcab import db
from callcab.cli import cli
from callcab.config import Settings
from callcab.db import unit_of_work
from callcab.models import BlacklistEntry, BlacklistSource
from callcab.scope import Scope
from tests import factories

SYSTEM = Scope.system("test")


@pytest.fixture
def answer(settings: Settings, connected: sa.Engine) -> Iterator[object]:
    """Calls a command over the database of the tests."""

    def call(*words: str) -> Result:
        environment = {
            "CALLCAB_DATABASE_URL": settings.database_url,
            "CALLCAB_REDIS_URL": settings.redis_url,
            "CALLCAB_DATA_DIR": str(settings.data_dir),
            "CALLCAB_SECRET_KEY": settings.secret_key,
        }
        return CliRunner(env=environment).invoke(cli, words)

    yield call
    db.connect(str(settings.database_url), pool_size=settings.database_pool)


@pytest.fixture
def miscounted(connected: sa.Engine, owner_dsn: str) -> int:
    """A customer with an entry that came in past the triggers."""
    with unit_of_work(SYSTEM) as session:
        customer = factories.customer(session)
    with psycopg.connect(owner_dsn) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "INSERT INTO blacklist_entry (customer_id, phone, phone_reversed, source, reason, author_name, created_at)"
            " VALUES (%s, 79250000001, 10000005297, 'hand', '', '', now())",
            (customer.id,),
        )
    return customer.id


def test_the_doctor_finds_nothing_wrong_with_rows_that_came_in_by_the_door(answer, connected: sa.Engine) -> None:
    with unit_of_work(SYSTEM) as session:
        customer = factories.customer(session)
        session.add(BlacklistEntry(customer_id=customer.id, phone=79250000001, source=BlacklistSource.HAND))
    result = answer("doctor")
    assert (result.exit_code, result.stdout[:12]) == (0, "All is well:"), result.output


def test_the_doctor_names_a_total_that_is_not_what_is_there(answer, miscounted: int) -> None:
    result = answer("doctor")
    assert result.exit_code == 1
    assert f"totals: blacklist_entry of customer {miscounted}: 0 kept, 1 there; `recount`" in result.stderr


def test_a_recount_sets_it_right(answer, miscounted: int) -> None:
    assert answer("recount").stdout == "2 totals were wrong and are right now.\n", "the customer's and that of all"
    assert answer("doctor").exit_code == 0
