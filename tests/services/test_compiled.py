"""A statement as the driver takes it: values and cells are what SQLAlchemy would make of them."""

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.sql import Select

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.models import BlacklistEntry, BlacklistSource, Customer, Operation, Payment
from callcab.scope import Scope
from callcab.services.listing.compiled import Compiled, compiled
from tests import factories

SYSTEM = Scope.system("test")


def ready(statement: Select[Any], dialect: sa.Dialect) -> Compiled:
    found = compiled(statement, dialect)
    assert found is not None
    return found


@pytest.fixture
def customer_id(connected: sa.Engine) -> int:
    with unit_of_work(SYSTEM) as session:
        customer = factories.customer(session)
        session.add_all(
            BlacklistEntry(customer_id=customer.id, phone=79250000000 + place, source=source, reason="")
            for place, source in enumerate(BlacklistSource)
        )
        session.flush()
        return customer.id


@pytest.mark.parametrize("model", [BlacklistEntry, Customer, Payment, Operation])
def test_cells_are_what_sqlalchemy_makes_of_them(connected: sa.Engine, customer_id: int, model: Any) -> None:
    statement = sa.select(*model.__table__.columns, sa.null(), sa.literal(Decimal("1.50"), sa.Numeric(14, 2)))
    with unit_of_work(SYSTEM) as session:
        wanted = [tuple(row) for row in session.connection().execute(statement)]
        found = session.fetch(ready(statement, connected.dialect), {})
    assert sorted(map(repr, found)) == sorted(map(repr, wanted))


def sources(given: Any) -> Select[Any]:
    return sa.select(BlacklistEntry.__table__.c.source).where(BlacklistEntry.__table__.c.source == given)


def test_values_are_turned_into_what_the_column_holds_and_cells_back(connected: sa.Engine, customer_id: int) -> None:
    kind = BlacklistEntry.__table__.c.source.type
    named = ready(sources(sa.bindparam("source", type_=kind)), connected.dialect)
    fixed = ready(sources(BlacklistSource.IVR), connected.dialect)
    with unit_of_work(SYSTEM) as session:
        for source in BlacklistSource:
            assert session.fetch(named, {"source": source, "another": 1}) == [(source,)]
        assert session.fetch(fixed, {}) == [(BlacklistSource.IVR,)]
        assert type(session.fetch(fixed, {})[0][0]) is BlacklistSource


def test_a_value_that_is_missing_is_never_taken_for_nothing(connected: sa.Engine, customer_id: int) -> None:
    named = ready(sources(sa.bindparam("source", type_=sa.Text)), connected.dialect)
    with unit_of_work(SYSTEM) as session, pytest.raises(KeyError, match="source"):
        session.fetch(named, {})


def test_a_value_that_the_type_refuses_is_refused(connected: sa.Engine, customer_id: int) -> None:
    amount = Payment.__table__.c.amount
    named = ready(sa.select(amount).where(amount == sa.bindparam("sum", type_=amount.type)), connected.dialect)
    with unit_of_work(SYSTEM) as session, pytest.raises(TypeError, match="Decimal"):
        session.fetch(named, {"sum": 1.5})


def test_a_statement_whose_text_depends_on_its_values_is_not_kept(connected: sa.Engine) -> None:
    assert compiled(sa.select(Customer.id).where(Customer.id.in_([1, 2])), connected.dialect) is None


def test_times_come_with_their_zone(connected: sa.Engine, customer_id: int) -> None:
    statement = ready(sa.select(Customer.__table__.c.created_at), connected.dialect)
    with unit_of_work(SYSTEM) as session:
        ((found,),) = session.fetch(statement, {})
    assert found.tzinfo is not None
    assert abs((clock.now() - found).total_seconds()) < 3_600
