"""Operations: chunks, drift, cancelling, resuming."""

from typing import Any

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import operation as jobs
from callcab.lib.errors import Conflict, Forbidden, Invalid, NotFound
from callcab.models import AuditEvent, BlacklistEntry, Operation, OperationState, RowOutcome
from callcab.scope import Actor, Scope
from callcab.services import operation
from callcab.services.operation import RowResult
from tests import factories
from tests.services.operation.stage import ALL, SPEC, begin, entry, load, one_chunk, reasons, scope, sweep_later, take


def test_all_matching_rows_are_done_once_in_chunks(owner: Actor, sent: list[Any]) -> None:
    started = begin(owner, expected=10)
    assert sent == [("operation.run", {"operation_id": started.id})]

    jobs.run(started.id)

    over = load(owner, started)
    assert (over.state, over.done, over.total, over.failed) == (OperationState.DONE, 10, 10, 0)
    assert reasons(owner) == ["просьба*"] * 10
    with unit_of_work(scope(owner)) as session:
        rows = operation.result_rows(session, over)
    assert [row.position for row in rows] == list(range(1, 11))
    assert rows[0].before == {"reason": "просьба"}
    assert rows[0].after == {"reason": "просьба*"}


def test_a_second_run_of_the_same_job_changes_nothing(owner: Actor) -> None:
    started = begin(owner)
    jobs.run(started.id)
    jobs.run(started.id)
    assert reasons(owner) == ["просьба*"] * 10


def test_ticked_rows_only(owner: Actor) -> None:
    with unit_of_work(scope(owner)) as session:
        ids = list(session.scalars(sa.select(BlacklistEntry.id).order_by(BlacklistEntry.id).limit(2)))
    jobs.run(begin(owner, ids=ids, expected=2).id)
    assert reasons(owner) == ["просьба*"] * 2 + ["просьба"] * 8


def test_another_count_than_seen_is_refused(owner: Actor) -> None:
    with pytest.raises(Conflict) as refused:
        begin(owner, expected=11)
    assert refused.value.code == "operation.drift"
    assert refused.value.params == {"expected": 11, "found": 10}


def test_rows_that_appear_after_the_start_are_left_alone(owner: Actor) -> None:
    started = begin(owner)
    with unit_of_work(scope(owner)) as session:
        session.add(entry(owner.customer_id, 79261111111))
    jobs.run(started.id)
    assert reasons(owner) == ["просьба*"] * 10 + ["просьба"]


def test_rows_are_looked_for_from_the_first_that_is_meant_on(owner: Actor) -> None:
    """What lies before it, such as a row that comes back meanwhile, is neither done nor read: it may be millions."""
    with unit_of_work(scope(owner)) as session:
        first = session.scalar(sa.select(sa.func.min(BlacklistEntry.id)))
        session.execute(sa.delete(BlacklistEntry).where(BlacklistEntry.id == first))
    started = begin(owner, expected=9)
    with unit_of_work(scope(owner)) as session:
        back = entry(owner.customer_id, 79250000000)
        back.id = first
        session.add(back)
    jobs.run(started.id)
    assert reasons(owner) == ["просьба"] + ["просьба*"] * 9


def test_a_refused_row_is_told_and_the_others_are_done(owner: Actor) -> None:
    with unit_of_work(scope(owner)) as session:
        session.add(entry(owner.customer_id, 79261111111, "плохая"))
    started = begin(owner)
    jobs.run(started.id)
    over = load(owner, started)
    assert (over.state, over.done, over.failed) == (OperationState.DONE, 10, 1)
    with unit_of_work(scope(owner)) as session:
        rows = operation.result_rows(session, over, outcome=RowOutcome.FAILED)
    assert [row.reason for row in rows] == ["blacklist.bad"]


def test_a_foreign_id_is_no_row_of_mine(owner: Actor) -> None:
    with unit_of_work(Scope.system("test")) as session:
        stranger = factories.customer(session)
        foreign = factories.add(session, entry(stranger.id, 79261111111))
    with pytest.raises(Invalid) as refused:
        begin(owner, ids=[foreign.id])
    assert refused.value.code == "operation.empty"


def test_a_role_without_the_permission_is_refused(owner: Actor) -> None:
    viewer = Actor("Зритель", "viewer", None, owner.customer_id)
    with pytest.raises(Forbidden):
        begin(viewer)


def test_a_stranger_finds_no_operation(owner: Actor) -> None:
    started = begin(owner)
    with unit_of_work(Scope.system("test")) as session:
        stranger = factories.customer(session).id
    with unit_of_work(Scope.tenant(stranger)) as session, pytest.raises(NotFound):
        operation.get(session, started.id, customer_id=stranger)


def test_starting_is_in_the_audit_log(owner: Actor) -> None:
    started = begin(owner)
    with unit_of_work(Scope.staff()) as session:
        event = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "test.mark")).one()
    assert event.object_id == started.id
    assert event.after["rows"] == 10


def test_a_cancelled_operation_stops_at_the_chunk(owner: Actor) -> None:
    started = begin(owner)
    attempt = take(owner, started)
    one_chunk(owner, started, attempt)
    with unit_of_work(scope(owner)) as session:
        operation.cancel(session, started.id, actor=owner)
    jobs.run(started.id)
    over = load(owner, started)
    assert (over.state, over.done) == (OperationState.CANCELLED, 4)
    assert reasons(owner) == ["просьба*"] * 4 + ["просьба"] * 6


def test_a_finished_operation_is_not_cancelled(owner: Actor) -> None:
    started = begin(owner)
    jobs.run(started.id)
    with unit_of_work(scope(owner)) as session, pytest.raises(Conflict):
        operation.cancel(session, started.id, actor=owner)


def test_a_silent_operation_goes_on_where_its_last_chunk_ended(owner: Actor, sent: list[Any]) -> None:
    started = begin(owner)
    one_chunk(owner, started, take(owner, started))
    sent.clear()
    assert sweep_later(31) == 1
    assert sent == [("operation.run", {"operation_id": started.id})]
    jobs.run(started.id)
    over = load(owner, started)
    assert (over.state, over.done) == (OperationState.DONE, 10)
    assert reasons(owner) == ["просьба*"] * 10


def test_a_busy_operation_is_not_swept(owner: Actor) -> None:
    started = begin(owner)
    take(owner, started)
    assert sweep_later(29) == 0


def test_a_lost_message_is_sent_again(owner: Actor, sent: list[Any]) -> None:
    begin(owner)
    sent.clear()
    assert sweep_later(31) == 1
    assert len(sent) == 1


def test_after_three_tries_without_progress_it_has_failed(owner: Actor) -> None:
    started = begin(owner)
    for later in (31, 62):
        take(owner, started)
        sweep_later(later)
    take(owner, started)
    assert sweep_later(93) == 0
    over = load(owner, started)
    assert (over.state, over.error_code) == (OperationState.FAILED, "operation.gave_up")


def test_progress_gives_new_tries(owner: Actor) -> None:
    started = begin(owner)
    for later in (31, 62):
        take(owner, started)
        sweep_later(later)
    one_chunk(owner, started, take(owner, started))
    assert sweep_later(93) == 1


def test_a_defect_shows_a_code_and_no_traceback(owner: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(session: Any, rows: Any, params: Any, actor: Actor) -> list[RowResult]:
        raise RuntimeError("SELECT secret")

    operation.register("test.broken", broken, permission="blacklist.edit")
    started = begin(owner, "test.broken")
    jobs.run(started.id)
    over = load(owner, started)
    assert (over.state, over.error_code) == (OperationState.FAILED, "operation.internal")
    assert over.error_params == {"number": started.id}


def test_a_small_operation_is_done_at_once(owner: Actor, sent: list[Any]) -> None:
    with unit_of_work(scope(owner)) as session:
        over = operation.run_inline(
            session,
            name="test.mark",
            spec_name=SPEC.name,
            state=ALL,
            ids=None,
            params={"mark": "!"},
            expected=10,
            actor=owner,
            customer_id=owner.customer_id,
        )
    assert (over.state, over.done) == (OperationState.DONE, 10)
    assert reasons(owner) == ["просьба!"] * 10
    assert sent == []


def test_support_works_over_all_customers(owner: Actor) -> None:
    with unit_of_work(Scope.staff()) as session:
        stranger = factories.customer(session)
        session.add(entry(stranger.id, 79261111111))
        person = factories.user(session, None, "agent")
        started = operation.start(
            session,
            name="test.mark",
            spec_name=SPEC.name,
            state=ALL,
            ids=None,
            params={},
            expected=None,
            actor=Actor(person.name, "agent", person.id),
            customer_id=None,
        )
    jobs.run(started.id)
    with unit_of_work(Scope.staff()) as session:
        assert session.get(Operation, started.id).done == 11
