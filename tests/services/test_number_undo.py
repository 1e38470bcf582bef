"""Undoing what support did to many numbers: fields as they were, money by a reversal, what changed since stays."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import operation as jobs
from callcab.lib import clock
from callcab.lib.errors import Invalid
from callcab.models import (
    AuditEvent,
    Customer,
    LedgerEntry,
    NumberEvent,
    NumberKind,
    NumberState,
    Operation,
    OperationRow,
    RowOutcome,
)
from callcab.scope import Actor, Scope
from callcab.services import ledger, operation, phone_number
from tests import factories
from tests.services.test_number_bulk import STAFF, SYSTEM, busy, do, load, make, owner

pytestmark = pytest.mark.usefixtures("connected")


@pytest.fixture
def lead(connected: sa.Engine) -> Actor:
    with unit_of_work(SYSTEM) as session:
        user = factories.user(session, None, "lead")
        return Actor(user.name, "lead", user.id)


def undo(actor: Actor) -> dict[int, tuple[RowOutcome, str]]:
    """Undo the newest operation: what became of each number."""
    scope = STAFF if actor.customer_id is None else Scope.tenant(actor.customer_id)
    with unit_of_work(scope) as session:
        newest = session.scalars(sa.select(sa.func.max(Operation.id))).one()
        undoing = operation.undo(session, newest, actor=actor).id
    jobs.run(undoing)
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(Operation, undoing).error_code is None
        rows = session.scalars(sa.select(OperationRow).where(OperationRow.operation_id == undoing))
        return {row.object_id or 0: (row.outcome, row.reason) for row in rows}


DONE = (RowOutcome.DONE, "")


def skipped(code: str) -> tuple[RowOutcome, str]:
    return RowOutcome.SKIPPED, code


def test_blocked_numbers_are_as_before_and_those_of_campaigns_are_free(lead: Actor) -> None:
    taken, free = busy(owner()), make()
    do("number.block", [taken, free], lead, reason="Жалоба")
    assert undo(lead) == {taken: DONE, free: DONE}
    assert (load(taken).state, load(free).state) == (NumberState.FREE, NumberState.FREE)


def test_a_number_that_changed_since_is_left_alone(lead: Actor) -> None:
    first, second = make(), make()
    do("number.block", [first, second], lead, reason="Жалоба")
    with unit_of_work(STAFF) as session:
        phone_number.unblock(session, second, actor=lead)
    with unit_of_work(STAFF) as session:
        blocking = session.scalars(sa.select(Operation)).one()
        assert operation.undo_skips(session, blocking) == 1
    assert undo(lead) == {first: DONE, second: skipped("operation.changed_since")}


def test_a_number_that_is_gone_is_told(lead: Actor) -> None:
    number_id = make()
    do("number.block", [number_id], lead, reason="Жалоба")
    with unit_of_work(STAFF) as session:
        phone_number.delete(session, number_id, actor=lead)
    assert undo(lead) == {number_id: skipped("operation.row_gone")}


def test_a_proved_number_is_proved_again_after_a_mistaken_block(lead: Actor) -> None:
    values = {"kind": NumberKind.PERSONAL, "state": NumberState.VERIFIED, "phone": 79253944501}
    number_id = make(customer_id=owner(), **values)
    do("number.block", [number_id], lead, reason="Жалоба")
    other = make(customer_id=owner(), **values)
    assert undo(lead) == {number_id: skipped("operation.place_taken")}
    assert (load(number_id).state, load(other).state) == (NumberState.BLOCKED, NumberState.VERIFIED)


def test_the_customer_sees_that_his_number_is_back(lead: Actor) -> None:
    customer_id = owner()
    number_id = make(customer_id=customer_id, kind=NumberKind.PERSONAL, state=NumberState.VERIFIED)
    do("number.block", [number_id], lead, reason="Жалоба")
    undo(lead)
    with unit_of_work(Scope.tenant(customer_id)) as session:
        actions = session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id)).all()
        kinds = session.scalars(sa.select(NumberEvent.kind).order_by(NumberEvent.id)).all()
    assert (list(actions), list(kinds)) == (["number.block", "operation.undo"], ["blocked", "undone"])


@pytest.mark.parametrize(
    ("name", "values", "params"),
    [
        ("number.kind", {}, {"kind": "duty"}),
        ("number.rest", {}, {"days": 3, "reason": "жалобы"}),
        ("number.wake", {"rests_until": clock.now() + timedelta(days=2)}, {}),
        ("number.unblock", {"state": NumberState.BLOCKED}, {}),
    ],
)
def test_what_was_changed_is_as_before(lead: Actor, name: str, values: dict[str, Any], params: dict[str, Any]) -> None:
    number_id = make(**values)

    def fields() -> tuple[Any, ...]:
        row = load(number_id)
        return row.kind, row.state, row.rests_until

    before = fields()
    assert do(name, [number_id], lead, **params) == {number_id: DONE}
    assert fields() != before
    assert undo(lead) == {number_id: DONE}
    assert fields() == before


# Rentals


def rent(lead: Actor, number_id: int, customer_id: int, days: int) -> None:
    """Until the end of the day that is so many days ahead."""
    with unit_of_work(STAFF) as session:
        started = operation.start(
            session,
            name="number.rent",
            spec_name="phone_number",
            state={"search": "", "filters": {}, "sort": ""},
            ids=[number_id],
            params={"customer_id": customer_id, "until": factories.day_in(days)},
            expected=1,
            actor=lead,
            customer_id=None,
        ).id
    jobs.run(started)
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(Operation, started).done == 1


def rented(lead: Actor, balance: str = "40.00") -> tuple[int, int]:
    customer_id, number_id = owner(balance), make()
    rent(lead, number_id, customer_id, 1)
    return customer_id, number_id


def balance_of(customer_id: int) -> Decimal:
    with unit_of_work(SYSTEM) as session:
        assert ledger.discrepancies(session) == []
        return session.get_one(Customer, customer_id).balance


def test_a_rental_that_is_undone_is_paid_back_by_a_reversal(lead: Actor) -> None:
    customer_id, number_id = rented(lead)
    assert balance_of(customer_id) == Decimal("10.00")
    assert undo(lead) == {number_id: DONE}
    assert balance_of(customer_id) == Decimal("40.00")
    row = load(number_id)
    assert (row.customer_id, row.rented_until, row.state) == (None, None, NumberState.FREE)
    with unit_of_work(SYSTEM) as session:
        kinds = session.scalars(sa.select(LedgerEntry.kind).order_by(LedgerEntry.id)).all()
    assert [kind.value for kind in kinds][-2:] == ["rental", "reversal"]


def test_the_same_period_costs_again_when_it_is_rented_again(lead: Actor) -> None:
    customer_id, number_id = rented(lead, "300.00")
    first = balance_of(customer_id)
    rent(lead, number_id, customer_id, 3)
    longer = balance_of(customer_id)
    assert undo(lead) == {number_id: DONE}
    assert (balance_of(customer_id), load(number_id).customer_id) == (first, customer_id)
    rent(lead, number_id, customer_id, 3)
    assert balance_of(customer_id) == longer < first


def test_a_rented_number_that_calls_stays_with_its_renter(lead: Actor) -> None:
    customer_id, number_id = rented(lead)
    with unit_of_work(SYSTEM) as session:
        campaign = factories.campaign(session, session.get_one(Customer, customer_id))
        assert phone_number.lease(session, campaign) is not None
    assert undo(lead) == {number_id: skipped("number.busy")}
    assert load(number_id).customer_id == customer_id


# Deletions


def rows_of(connection: psycopg.Connection, number_id: int) -> list[Any]:
    found = []
    for table, column in (("phone_number", "id"), ("number_lease", "number_id"), ("number_event", "number_id")):
        found += connection.execute(f"SELECT * FROM {table} WHERE {column} = %s ORDER BY id", (number_id,)).fetchall()
    return found


def test_a_deleted_number_comes_back_with_its_history(lead: Actor, owner_connection: psycopg.Connection) -> None:
    number_id = busy(owner())
    do("number.release", [number_id], lead, reason="Жалоба")
    before = rows_of(owner_connection, number_id)
    do("number.delete", [number_id], lead)
    assert rows_of(owner_connection, number_id) == []
    undo(lead)
    after = rows_of(owner_connection, number_id)
    assert after[1:-1] == before[1:]
    assert load(number_id).state is NumberState.FREE


def test_a_customer_gets_his_own_number_back() -> None:
    customer_id = owner()
    with unit_of_work(SYSTEM) as session:
        user = factories.user(session, session.get_one(Customer, customer_id), "owner")
        actor = Actor(user.name, "owner", user.id, customer_id)
    mine = make(customer_id=customer_id, kind=NumberKind.PERSONAL, state=NumberState.VERIFIED)
    do("number.delete_own", [mine], actor, customer_id=customer_id)
    assert load(mine) is None
    undo(actor)
    assert load(mine).state is NumberState.VERIFIED


def test_a_number_that_was_released_does_not_go_back(lead: Actor) -> None:
    do("number.release", [busy(owner())], lead, reason="Жалоба")
    with pytest.raises(Invalid, match=r"operation\.no_undo"):
        undo(lead)
