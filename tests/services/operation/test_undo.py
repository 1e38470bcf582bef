"""Undoing: what was deleted is back as it was, what changed since stays, once, for seven days."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import operation as jobs
from callcab.lib import clock
from callcab.lib.errors import Conflict, Forbidden, Invalid, NotFound
from callcab.models import AuditEvent, Operation, OperationState, RowOutcome, UndoChunk
from callcab.scope import Actor, Scope
from callcab.services import operation
from callcab.services.operation import keeping
from tests import factories
from tests.services.operation.stage import begin, entry, load, one_chunk, reasons, scope, sweep_later, take

STAFF = Scope.staff()


def checksum(connection: psycopg.Connection) -> str | None:
    """Of every column of every row; None when there is none."""
    found = connection.execute("SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM blacklist_entry t").fetchone()
    return found[0] if found else None


def deleted(actor: Actor, **values: Any) -> Operation:
    """The whole list, deleted."""
    started = begin(actor, "blacklist.delete", **values)
    jobs.run(started.id)
    return load(actor, started)


def undo(actor: Actor, found: Operation, scope_: Scope | None = None) -> Operation:
    with unit_of_work(scope_ or scope(actor)) as session:
        return operation.undo(session, found.id, actor=actor)


def undone(actor: Actor, found: Operation) -> Operation:
    started = undo(actor, found)
    jobs.run(started.id)
    return load(actor, started)


def count(actor: Actor) -> int:
    return len(reasons(actor))


def test_deleted_rows_are_back_with_every_column(
    owner: Actor, owner_connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "SIZE", 3)
    before = checksum(owner_connection)
    found = deleted(owner)
    assert count(owner) == 0

    over = undone(owner, found)

    assert (over.state, over.done, over.skipped, over.total) == (OperationState.DONE, 10, 0, 10)
    assert checksum(owner_connection) == before


def test_a_number_that_was_added_again_is_skipped_and_named(owner: Actor) -> None:
    found = deleted(owner)
    with unit_of_work(scope(owner)) as session:
        session.add(entry(owner.customer_id, 79250000004, "снова"))

    over = undone(owner, found)

    assert (over.done, over.skipped) == (9, 1)
    with unit_of_work(scope(owner)) as session:
        rows = operation.result_rows(session, over)
    assert [(row.outcome, row.reason, row.text) for row in rows] == [
        (RowOutcome.SKIPPED, "operation.place_taken", "+79250000004")
    ]
    assert sorted(reasons(owner)) == ["просьба"] * 9 + ["снова"]


def test_a_second_undoing_is_refused(owner: Actor) -> None:
    found = deleted(owner)
    undo(owner, found)
    with pytest.raises(Conflict, match=r"operation\.undone"):
        undo(owner, found)


def test_an_undoing_is_not_undone(owner: Actor) -> None:
    over = undone(owner, deleted(owner))
    with pytest.raises(Invalid, match=r"operation\.no_undo"):
        undo(owner, over)


def test_after_seven_days_it_is_too_late(owner: Actor) -> None:
    found = deleted(owner)
    assert operation.undo_until(found) == found.finished_at + timedelta(days=7)
    with clock.frozen(clock.now() + timedelta(days=7)), pytest.raises(Conflict, match=r"operation\.undo_late"):
        undo(owner, found)


def test_what_goes_on_is_not_undone_yet(owner: Actor) -> None:
    started = begin(owner, "blacklist.delete")
    with pytest.raises(Conflict, match=r"operation\.not_over"):
        undo(owner, started)


def test_what_was_done_before_anything_was_kept_has_nothing_to_undo(
    owner: Actor, owner_connection: psycopg.Connection
) -> None:
    found = deleted(owner)
    owner_connection.execute("DELETE FROM undo_chunk")
    with pytest.raises(Invalid, match=r"operation\.nothing_to_undo"):
        undo(owner, found)


def test_what_has_no_way_back_says_so(owner: Actor) -> None:
    started = begin(owner)
    jobs.run(started.id)
    with pytest.raises(Invalid, match=r"operation\.no_undo"):
        undo(owner, started)
    assert not operation.is_undoable("test.mark")


def test_a_cancelled_operation_is_undone_as_far_as_it_came(
    owner: Actor, owner_connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = checksum(owner_connection)
    work = operation.names()["blacklist.delete"]
    operation.catalogue._works.pop(work.name)
    operation.register(work.name, work.handler, permission=work.permission, chunk=4, undo=work.undo)
    started = begin(owner, work.name)
    one_chunk(owner, started, take(owner, started))
    with unit_of_work(scope(owner)) as session:
        operation.cancel(session, started.id, actor=owner)
    assert count(owner) == 6

    over = undone(owner, load(owner, started))

    assert (over.done, over.total) == (4, 4)
    assert checksum(owner_connection) == before


def test_an_undoing_that_was_cancelled_may_be_started_again(
    owner: Actor, owner_connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = checksum(owner_connection)
    monkeypatch.setattr(keeping, "SIZE", 4)
    found = deleted(owner)
    first = undo(owner, found)
    one_chunk(owner, first, take(owner, first))
    with unit_of_work(scope(owner)) as session:
        operation.cancel(session, first.id, actor=owner)
    assert count(owner) == 4

    over = undone(owner, found)

    assert (over.state, over.done, over.known) == (OperationState.DONE, 6, 4)
    assert checksum(owner_connection) == before


def test_a_silent_undoing_goes_on_where_its_last_chunk_ended(
    owner: Actor, owner_connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = checksum(owner_connection)
    monkeypatch.setattr(keeping, "SIZE", 4)
    started = undo(owner, deleted(owner))
    one_chunk(owner, started, take(owner, started))
    assert sweep_later(31) == 1
    jobs.run(started.id)
    over = load(owner, started)
    assert (over.state, over.done, over.known) == (OperationState.DONE, 10, 0)
    assert checksum(owner_connection) == before


def test_a_stranger_finds_nothing_to_undo(owner: Actor) -> None:
    found = deleted(owner)
    with unit_of_work(Scope.system("test")) as session:
        customer = factories.customer(session)
        user = factories.user(session, customer, "owner")
        stranger = Actor(user.name, "owner", user.id, customer.id)
    with pytest.raises(NotFound):
        undo(stranger, found)
    with unit_of_work(scope(stranger)) as session:
        assert session.scalars(sa.select(UndoChunk)).all() == []
        assert session.execute(sa.text("SELECT 1 FROM undo_chunk")).all() == []


def test_who_may_not_start_it_may_not_undo_it(owner: Actor) -> None:
    found = deleted(owner)
    with pytest.raises(Forbidden):
        undo(Actor("З", "viewer", None, owner.customer_id), found)


def test_a_colleague_who_may_start_it_may_undo_it(owner: Actor) -> None:
    assert undo(Actor("О", "operator", None, owner.customer_id), deleted(owner)).undo_of_id


def test_undoing_is_in_the_audit_log(owner: Actor) -> None:
    found = deleted(owner)
    started = undo(owner, found)
    with unit_of_work(STAFF) as session:
        event = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "operation.undo")).one()
    assert (event.object_id, event.customer_id) == (started.id, owner.customer_id)
    assert event.after == {"operation": found.id, "rows": 10}


# Support


def staff(role: str = "lead") -> Actor:
    with unit_of_work(Scope.system("test")) as session:
        person = factories.user(session, None, role)
        return Actor(person.name, role, person.id)


def deleted_by(actor: Actor) -> Operation:
    """All lists of all customers and of the platform."""
    with unit_of_work(STAFF) as session:
        started = operation.start(
            session,
            name="blacklist.delete",
            spec_name="test_entries",
            state={"search": "", "filters": {}, "sort": ""},
            ids=None,
            params={"reason": "ошибка"},
            expected=None,
            actor=actor,
            customer_id=None,
        )
    jobs.run(started.id)
    with unit_of_work(STAFF) as session:
        return session.get_one(Operation, started.id)


def test_a_customer_sees_that_support_undid_what_it_had_done_to_him(owner: Actor) -> None:
    lead = staff()
    jobs.run(undo(lead, deleted_by(lead), STAFF).id)
    with unit_of_work(scope(owner)) as session:
        events = session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id)).all()
    assert [(event.action, event.after) for event in events] == [
        ("blacklist.delete", {"count": 10}),
        ("blacklist.restore", {"count": 10}),
    ]


def test_an_agent_does_not_put_back_what_binds_all_customers(
    owner: Actor, owner_connection: psycopg.Connection
) -> None:
    lead, agent = staff(), staff("agent")
    with unit_of_work(STAFF) as session:
        session.add(entry(None, 79261111111))
    before = checksum(owner_connection)
    found = deleted_by(lead)
    with pytest.raises(Forbidden):
        undo(agent, found, STAFF)
    jobs.run(undo(lead, found, STAFF).id)
    assert checksum(owner_connection) == before


def test_what_was_kept_of_a_stranger_is_never_put_back(owner: Actor, owner_connection: psycopg.Connection) -> None:
    """Neither his chunk behind my operation, nor his row in my chunk: the policies hold under the operation's scope."""
    found = deleted(owner)
    with unit_of_work(Scope.system("test")) as session:
        stranger = factories.customer(session).id
    owner_connection.execute("UPDATE undo_chunk SET customer_id = %s", (stranger,))
    with pytest.raises(Invalid, match=r"operation\.nothing_to_undo"):
        undo(owner, found)
    owner_connection.execute(
        "UPDATE undo_chunk SET customer_id = %(mine)s, rows = replace(rows::text, %(old)s, %(new)s)::json",
        {"mine": owner.customer_id, "old": f'"customer_id":{owner.customer_id}', "new": f'"customer_id":{stranger}'},
    )
    over = undone(owner, found)
    assert (over.state, over.error_code, over.done) == (OperationState.FAILED, "operation.internal", 0)
    assert checksum(owner_connection) is None


# How long it is kept


def kept() -> int:
    with unit_of_work(STAFF) as session:
        return session.scalar(sa.select(sa.func.count()).select_from(UndoChunk)) or 0


def purge(days: int = 0) -> int:
    with clock.frozen(clock.now() + timedelta(days=days)), unit_of_work(Scope.system("test")) as session:
        return operation.purge(session)


def test_what_was_kept_goes_after_seven_days(owner: Actor) -> None:
    deleted(owner)
    assert (purge(6), kept()) == (0, 1)
    assert (purge(8), kept()) == (1, 0)


def test_what_was_kept_goes_once_it_is_back(owner: Actor) -> None:
    found = deleted(owner)
    started = undo(owner, found)
    assert purge() == 0
    jobs.run(started.id)
    assert (purge(), kept()) == (1, 0)


def test_an_undoing_that_waits_keeps_what_it_needs(owner: Actor) -> None:
    started = undo(owner, deleted(owner))
    assert purge(8) == 0
    jobs.run(started.id)
    assert count(owner) == 10
