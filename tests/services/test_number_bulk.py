"""What support does to many numbers at once: a refusal is told for its own number, the others go on."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import operation as jobs
from callcab.lib import clock
from callcab.lib.errors import Conflict, Invalid, NotFound
from callcab.models import (
    Customer,
    NumberKind,
    NumberLease,
    NumberState,
    Operation,
    OperationRow,
    PhoneNumber,
    RowOutcome,
)
from callcab.scope import Actor, Scope
from callcab.services import ledger, operation, phone_number
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
STAFF = Scope.staff()


@pytest.fixture
def lead(connected: sa.Engine) -> Actor:
    with unit_of_work(SYSTEM) as session:
        user = factories.user(session, None, "lead")
        return Actor(user.name, "lead", user.id)


def make(**values: Any) -> int:
    with unit_of_work(SYSTEM) as session:
        return factories.number(session, **values).id


def owner(balance: str = "100.00") -> int:
    with unit_of_work(SYSTEM) as session:
        return factories.customer(session, balance=balance).id


def busy(customer_id: int) -> int:
    """A shared number that a campaign of the customer holds."""
    number_id = make()
    with unit_of_work(SYSTEM) as session:
        campaign = factories.campaign(session, session.get_one(Customer, customer_id))
        assert phone_number.lease(session, campaign) is not None
        assert session.scalars(sa.select(NumberLease.number_id)).one() == number_id
    return number_id


def do(
    name: str, ids: list[int], actor: Actor, *, customer_id: int | None = None, **params: Any
) -> dict[int, tuple[RowOutcome, str]]:
    """Carry the operation out; what became of each number."""
    scope = STAFF if customer_id is None else Scope.tenant(customer_id)
    spec = "phone_number" if customer_id is None else "cabinet_number"
    with unit_of_work(scope) as session:
        started = operation.start(
            session,
            name=name,
            spec_name=spec,
            state={"search": "", "filters": {}, "sort": ""},
            ids=ids,
            params=params,
            expected=len(ids),
            actor=actor,
            customer_id=customer_id,
        )
    jobs.run(started.id)
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(Operation, started.id).error_code is None
        rows = session.scalars(sa.select(OperationRow).where(OperationRow.operation_id == started.id))
        return {row.object_id or 0: (row.outcome, row.reason) for row in rows}


def load(number_id: int) -> PhoneNumber | None:
    with unit_of_work(SYSTEM) as session:
        return session.get(PhoneNumber, number_id)


DONE = (RowOutcome.DONE, "")


def failed(code: str) -> tuple[RowOutcome, str]:
    return RowOutcome.FAILED, code


def test_busy_numbers_are_released_and_free_ones_refused_alone(lead: Actor) -> None:
    taken, free = busy(owner()), make()
    assert do("number.release", [taken, free], lead, reason="Жалоба") == {
        taken: DONE,
        free: failed("number.not_busy"),
    }
    assert load(taken).state is NumberState.FREE


def test_blocked_numbers_are_used_again_after_unblocking(lead: Actor) -> None:
    first, second = make(), make(state=NumberState.BLOCKED)
    assert do("number.block", [first, second], lead, reason="Жалоба") == {first: DONE, second: failed("number.blocked")}
    assert do("number.unblock", [first], lead) == {first: DONE}
    assert do("number.unblock", [first], lead) == {first: failed("number.not_blocked")}
    assert (load(first).state, load(second).state) == (NumberState.FREE, NumberState.BLOCKED)


def test_a_kind_changes_for_numbers_that_nobody_uses(lead: Actor) -> None:
    taken, free = busy(owner()), make()
    assert do("number.kind", [taken, free], lead, kind="duty") == {taken: failed("number.busy"), free: DONE}
    assert load(free).kind is NumberKind.DUTY


@pytest.mark.parametrize("kind", ["personal", "нечто", ""])
def test_what_is_no_kind_of_the_pool_is_refused(lead: Actor, kind: str) -> None:
    number_id = make()
    assert do("number.kind", [number_id], lead, kind=kind) == {number_id: failed("number.kind_not_pool")}


def test_numbers_are_rented_as_long_as_the_money_lasts(lead: Actor) -> None:
    customer_id, numbers = owner("40.00"), [make(), make()]
    with unit_of_work(STAFF) as session:
        started = operation.start(
            session,
            name="number.rent",
            spec_name="phone_number",
            state={"search": "", "filters": {}, "sort": ""},
            ids=numbers,
            params={"customer_id": customer_id, "until": factories.day_in(1)},
            expected=2,
            actor=lead,
            customer_id=None,
        )
    jobs.run(started.id)
    with unit_of_work(SYSTEM) as session:
        rows = session.scalars(sa.select(OperationRow).where(OperationRow.operation_id == started.id)).all()
        found = sorted((row.outcome.value, row.reason) for row in rows)
        assert found == [("done", ""), ("failed", "balance.low")]
        assert session.get_one(Customer, customer_id).balance == Decimal("10.00")
        assert ledger.discrepancies(session) == []


def test_numbers_in_use_are_not_deleted(lead: Actor) -> None:
    taken, free = busy(owner()), make()
    assert do("number.delete", [taken, free], lead) == {taken: failed("number.busy"), free: DONE}
    assert load(taken) is not None
    assert load(free) is None


def test_a_customer_deletes_his_own_numbers_and_none_of_the_pool() -> None:
    customer_id = owner()
    with unit_of_work(SYSTEM) as session:
        user = factories.user(session, session.get_one(Customer, customer_id), "owner")
        actor = Actor(user.name, "owner", user.id, customer_id)
    mine = make(customer_id=customer_id, kind=NumberKind.PERSONAL, state=NumberState.VERIFIED)
    shared = make()
    assert do("number.delete_own", [mine, shared], actor, customer_id=customer_id) == {mine: DONE}
    assert (load(mine), load(shared) is not None) == (None, True)
    with unit_of_work(SYSTEM) as session:
        over = session.scalars(sa.select(Operation)).one()
    # The database hides from him what he may not change; it is told as skipped, not left out.
    assert (over.done, over.skipped, over.total) == (1, 1, 2)


def test_a_rented_number_is_not_a_customers_to_delete() -> None:
    customer_id = owner()
    with unit_of_work(SYSTEM) as session:
        user = factories.user(session, session.get_one(Customer, customer_id), "owner")
        actor = Actor(user.name, "owner", user.id, customer_id)
    rented = make(customer_id=customer_id, rented_until=clock.now() + timedelta(days=1))
    found = do("number.delete_own", [rented], actor, customer_id=customer_id)
    assert found == {rented: failed("number.only_personal")}


# The pool, one by one


def test_a_personal_number_is_never_put_into_the_pool(lead: Actor) -> None:
    with pytest.raises(Invalid, match="number.kind_not_pool"), unit_of_work(STAFF) as session:
        phone_number.add_to_pool(session, phones=[79250000001], kind=NumberKind.PERSONAL, actor=lead)
    with unit_of_work(STAFF) as session:
        assert phone_number.add_to_pool(session, phones=[], kind=NumberKind.SHARED, actor=lead) == 0


def test_a_rented_number_keeps_its_kind(lead: Actor) -> None:
    number_id = make(customer_id=owner(), rented_until=clock.now() + timedelta(days=1))
    with pytest.raises(Conflict, match="number.rented"), unit_of_work(STAFF) as session:
        phone_number.change_kind(session, number_id, NumberKind.DUTY, actor=lead)


def test_an_unknown_number_is_not_found(lead: Actor) -> None:
    with pytest.raises(NotFound), unit_of_work(STAFF) as session:
        phone_number.block(session, 999_999, actor=lead, reason="Жалоба")
