"""Rows of pages, read past the mapper: the mapper's values, in every list, and nobody else's rows."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from callcab import db
from callcab.db import CabSession, unit_of_work
from callcab.models import AudioRecording, BlacklistEntry, Call, Campaign, Customer, PhoneNumber, User
from callcab.scope import Scope
from callcab.services.listing import Related, get
from callcab.services.listing.catalogue import names
from callcab.services.listing.shown import Shown
from tests import factories, world
from tests.people import People

TABLES = ("blacklist_entry", "customer", "call", "campaign", "phone_number", "user")


def read(shown: Shown, scope: Scope) -> list[Any]:
    with CabSession(bind=db.engine(), scope=scope, read_only=True) as session:
        statement, values = shown.select(session)
        return shown.rows(session, statement.order_by(shown.model.id), values)


@pytest.fixture
def filled(people: People) -> People:
    world.fill(people)
    return people


@pytest.fixture
def without_row_level_security(filled: People, owner_connection: psycopg.Connection) -> Iterator[People]:
    """The criterion of the session stands alone."""
    for table in TABLES:
        owner_connection.execute(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY')
    yield filled
    for table in TABLES:
        owner_connection.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')


def facts(row: Any, related: Related) -> dict[str, Any] | None:
    """What is read of a related row, and of those behind it."""
    other = getattr(row, related.attribute.key)
    if other is None:
        return None
    found = {column.key: getattr(other, column.key) for column in (related.columns or [related.attribute.class_.id])}
    return found | {each.attribute.key: facts(other, each) for each in related.related}


@pytest.mark.parametrize("name", [name for name in names() if get(name).shown is not None])
def test_a_shown_row_says_what_the_row_of_the_mapper_says(filled: People, name: str) -> None:
    shown = get(name).shown
    assert shown is not None
    table = shown.model.__table__
    with CabSession(bind=db.engine(), scope=Scope.staff(), read_only=True) as session:
        whole = session.scalars(sa.select(shown.model).options(*get(name).loaders).order_by(shown.model.id)).unique()
        light = read(shown, Scope.staff())
        for row, other in zip(whole, light, strict=True):
            wanted = [item.key for item in shown.model.__mapper__.column_attrs if not item.deferred]
            assert {key: getattr(other, key) for key in wanted} == {key: getattr(row, key) for key in wanted}
            assert [facts(other, each) for each in shown.related] == [facts(row, each) for each in shown.related]
    assert light, f"nobody fills {table.name}"


def test_a_shown_row_knows_what_the_model_computes_and_nothing_that_was_not_read(filled: People) -> None:
    customer = read(Shown(Customer), Scope.staff())[0]
    assert customer.available == customer.balance + customer.credit_limit - customer.reserved
    for unread in ("tariff", "metadata", "nothing"):
        with pytest.raises(AttributeError):
            getattr(customer, unread)


@pytest.mark.parametrize("model", [BlacklistEntry, Call, Campaign, AudioRecording])
def test_a_customer_is_shown_his_own_rows_by_the_sessions_criterion_alone(
    without_row_level_security: People, model: type[Any]
) -> None:
    mine = without_row_level_security.customer_id
    assert {row.customer_id for row in read(Shown(model), Scope.staff())} > {mine}
    assert {row.customer_id for row in read(Shown(model), Scope.tenant(mine))} == {mine}


def test_a_customer_sees_numbers_of_the_pool_too(without_row_level_security: People) -> None:
    mine = without_row_level_security.customer_id
    with unit_of_work(Scope.system("test")) as session:
        factories.number(session)
    assert {row.customer_id for row in read(Shown(PhoneNumber), Scope.tenant(mine))} == {mine, None}


def test_a_customer_is_shown_himself_only(without_row_level_security: People) -> None:
    mine = without_row_level_security.customer_id
    assert [row.id for row in read(Shown(Customer), Scope.tenant(mine))] == [mine]


def test_a_related_row_of_somebody_else_is_not_there(
    without_row_level_security: People, owner_connection: psycopg.Connection
) -> None:
    people = without_row_level_security
    owner_connection.execute(
        'UPDATE blacklist_entry SET author_id = (SELECT id FROM "user" WHERE email = %s) WHERE customer_id = %s',
        (people.emails["stranger"], people.customer_id),
    )
    shown = Shown(BlacklistEntry, [Related(BlacklistEntry.author, [User.name])])
    assert [row.author for row in read(shown, Scope.tenant(people.customer_id))] == [None]
    assert all(row.author for row in read(shown, Scope.staff()) if row.customer_id == people.customer_id)
