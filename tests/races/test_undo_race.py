"""Many who undo one deed at the same moment undo it once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import operation as jobs
from callcab.lib.errors import Conflict
from callcab.models import Operation
from callcab.scope import Actor, Scope
from callcab.services import operation
from tests.blacklists import PHONE, owner_of, start_deleting

THREADS = 12
ROWS = 10


@pytest.fixture
def owner(connected: sa.Engine) -> Actor:
    return owner_of(range(PHONE, PHONE + ROWS))


def deleted(actor: Actor) -> int:
    number = start_deleting(actor, ROWS)
    jobs.run(number)
    return number


def test_twelve_clicks_make_one_undoing(owner: Actor) -> None:
    number = deleted(owner)
    barrier = threading.Barrier(THREADS)

    def click(_: int) -> str:
        try:
            with unit_of_work(Scope.tenant(owner.customer_id or 0)) as session:
                # Everybody has seen that nobody undid it.
                assert operation.may_undo(session, operation.get(session, number, customer_id=None), owner)
                barrier.wait(30)
                operation.undo(session, number, actor=owner)
        except Conflict as refusal:
            return refusal.code
        return "made"

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(click, range(THREADS)))
    assert sorted(answers) == ["made", *["operation.undone"] * (THREADS - 1)]
    with unit_of_work(Scope.staff()) as session:
        undoing = session.scalars(sa.select(Operation.id).where(Operation.undo_of_id == number)).all()
    assert len(undoing) == 1


def test_the_database_itself_holds_one_undoing_of_a_deed(owner: Actor) -> None:
    number = deleted(owner)
    with unit_of_work(Scope.staff()) as session:
        first = operation.undo(session, number, actor=owner)
        row = {key: getattr(first, key) for key in ("kind", "name", "params", "actor_name", "actor_is_staff")}
        undo_of = {"undo_of_id": number, "heartbeat_at": first.heartbeat_at, "created_at": first.created_at}
    with pytest.raises(sa.exc.IntegrityError, match="uq_operation_undo_of_id"), unit_of_work(Scope.staff()) as session:
        session.add(Operation(**row, **undo_of, filter={}))
