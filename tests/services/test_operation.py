"""Operations: chunks, drift, cancelling, resuming, imports and exports."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from callcab import db, queue
from callcab.db import unit_of_work
from callcab.jobs import operation as jobs
from callcab.lib import clock
from callcab.lib.errors import Conflict, Forbidden, Invalid, NotFound
from callcab.lib.storage import LocalStorage
from callcab.models import AuditEvent, BlacklistEntry, BlacklistSource, Operation, OperationState, RowOutcome, StoredFile
from callcab.scope import Actor, Scope
from callcab.services import listing, operation, stored_file
from callcab.services.operation import ExportColumn, RowResult, catalogue
from tests import factories

SPEC = listing.ListSpec(
    name="test_entries",
    model=BlacklistEntry,
    sorts={"id": listing.Sort(BlacklistEntry.id)},
    default_sort="-id",
    filters=[listing.TextFilter("reason", lambda text: BlacklistEntry.reason == text)],
)
ALL: dict[str, Any] = {"search": "", "filters": {}, "sort": ""}


def mark(session: db.CabSession, row: Any, params: dict[str, Any], actor: Actor) -> RowResult | None:
    """Append a mark to the reason: a row done twice would show."""
    if row.reason == "плохая":
        raise Invalid("blacklist.bad")
    before = row.reason
    row.reason = f"{before}{params.get('mark', '*')}"
    return RowResult(row.id, before={"reason": before}, after={"reason": row.reason})


def preview(session, records, params, actor, memory):
    seen = memory.setdefault("seen", set())
    found = []
    for record in records:
        if record.phone is None:
            found.append(RowResult(None, RowOutcome.FAILED, record.reason, record.raw, after={"line": record.line}))
        elif record.phone.e164 in seen:
            found.append(RowResult(None, RowOutcome.KNOWN))
        else:
            seen.add(record.phone.e164)
            found.append(RowResult())
    return found


def apply(session, records, params, actor, memory):
    found = []
    for record in records:
        if record.phone is None:
            found.append(RowResult(None, RowOutcome.FAILED, record.reason, record.raw))
            continue
        phone = int(record.phone.e164[1:])
        known = session.scalar(sa.select(BlacklistEntry.id).where(BlacklistEntry.phone == phone))
        if known is None:
            session.add(entry(params["customer_id"], phone))
            session.flush()
        found.append(RowResult(known, RowOutcome.KNOWN if known else RowOutcome.DONE))
    return found


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """One list and three operations of its own for the tests, gone afterwards."""
    monkeypatch.setattr(catalogue, "_works", dict(catalogue._works))
    monkeypatch.setitem(listing.catalogue._specs, SPEC.name, SPEC)
    operation.register("test.mark", operation.per_row(mark), permission="blacklist.edit", chunk=4)
    operation.register_import("test.import", preview, apply, permission="blacklist.edit", chunk=3)
    columns = [
        ExportColumn("phone", BlacklistEntry.phone, phone=True),
        ExportColumn("reason", BlacklistEntry.reason),
        ExportColumn("created_at", BlacklistEntry.created_at),
    ]
    operation.register_export(SPEC.name, columns, permission="blacklist.export", chunk=4)


@pytest.fixture
def sent(connected: sa.Engine, tmp_path: Path) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """The jobs that were asked for; files go to a folder of the test."""
    jobs_sent: list[tuple[str, dict[str, Any]]] = []
    queue.set_sender(lambda name, ids: jobs_sent.append((name, ids)))
    before = stored_file._storage
    stored_file.use(LocalStorage(tmp_path / "files"))
    yield jobs_sent
    stored_file.use(before)


def entry(customer_id: int, phone: int, reason: str = "просьба") -> BlacklistEntry:
    return BlacklistEntry(customer_id=customer_id, phone=phone, reason=reason, source=BlacklistSource.HAND)


@pytest.fixture
def owner(sent: list[Any]) -> Actor:
    with unit_of_work(Scope.system("test")) as session:
        customer = factories.customer(session)
        user = factories.user(session, customer, "owner")
        session.add_all(entry(customer.id, 79250000000 + i) for i in range(10))
        session.flush()
        return Actor(user.name, "owner", user.id, customer.id)


def scope(actor: Actor) -> Scope:
    return Scope.tenant(actor.customer_id)


def begin(actor: Actor, name: str = "test.mark", **values: Any) -> Operation:
    asked = {"state": ALL, "ids": None, "params": {}, "expected": None} | values
    with unit_of_work(scope(actor)) as session:
        return operation.start(
            session, name=name, spec_name=SPEC.name, actor=actor, customer_id=actor.customer_id, **asked
        )


def load(actor: Actor, found: Operation) -> Operation:
    with unit_of_work(scope(actor)) as session:
        return operation.get(session, found.id, customer_id=actor.customer_id)


def reasons(actor: Actor) -> list[str]:
    with unit_of_work(scope(actor)) as session:
        return list(session.scalars(sa.select(BlacklistEntry.reason).order_by(BlacklistEntry.id)))


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


def take(actor: Actor, started: Operation) -> operation.Run:
    with unit_of_work(scope(actor)) as session:
        return operation.Run(operation.begin(session, started.id))


def one_chunk(actor: Actor, started: Operation, run: operation.Run) -> operation.Step:
    with unit_of_work(scope(actor)) as session:
        return operation.step(session, started.id, run)


def test_a_finished_operation_is_not_cancelled(owner: Actor) -> None:
    started = begin(owner)
    jobs.run(started.id)
    with unit_of_work(scope(owner)) as session, pytest.raises(Conflict):
        operation.cancel(session, started.id, actor=owner)


def sweep_later(seconds: int) -> int:
    with clock.frozen(clock.now() + timedelta(seconds=seconds)), unit_of_work(Scope.system("test")) as session:
        return operation.sweep(session)


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


# Exports


def content(actor: Actor, over: Operation) -> str:
    with unit_of_work(scope(actor)) as session:
        file = stored_file.get(session, over.output_file_id, customer_id=actor.customer_id)
    return stored_file.path(file).read_bytes().decode()


def test_an_export_holds_every_row_for_a_spreadsheet(owner: Actor) -> None:
    with unit_of_work(scope(owner)) as session:
        session.add(entry(owner.customer_id, 79261111111, '=cmd|"x";1'))
    started = begin(owner, f"{SPEC.name}.export")
    jobs.run(started.id)
    over = load(owner, started)
    text = content(owner, over)
    lines = text.split("\r\n")
    assert (over.state, over.done, len(lines)) == (OperationState.DONE, 11, 13)
    assert lines[0] == "\ufeffНомер телефона;reason".replace("reason", "Причина") + ";Создано"
    assert lines[1].startswith('+7(926)111-11-11;"\'=cmd|""x"";1";')
    assert lines[2].startswith("+7(925)000-00-09;просьба;")


def test_both_ways_of_writing_give_the_same_file(owner: Actor) -> None:
    with unit_of_work(scope(owner)) as session:
        for phone, reason in enumerate(("=1", " +2", "\uff1d3", "a;b", 'a"b', "-", "a\nb", "", "@x"), 79261111111):
            session.add(entry(owner.customer_id, phone, reason))
    fast = begin(owner, f"{SPEC.name}.export")
    jobs.run(fast.id)
    work = catalogue.work_of(f"{SPEC.name}.export")
    slow_columns = [
        ExportColumn(c.key, (lambda key: lambda row: getattr(row, key))(c.source.key), phone=c.phone)
        for c in work.columns
    ]
    catalogue._works.pop(work.name)
    operation.register_export(SPEC.name, slow_columns, permission="blacklist.export", chunk=4)
    slow = begin(owner, f"{SPEC.name}.export")
    jobs.run(slow.id)
    assert content(owner, load(owner, fast)) == content(owner, load(owner, slow))


def test_an_xlsx_export_opens(owner: Actor) -> None:
    started = begin(owner, f"{SPEC.name}.export", params={"format": "xlsx"})
    jobs.run(started.id)
    over = load(owner, started)
    with unit_of_work(scope(owner)) as session:
        file = stored_file.get(session, over.output_file_id, customer_id=owner.customer_id)
    from zipfile import ZipFile

    with ZipFile(stored_file.path(file)) as book:
        assert b"+7(925)000-00-09" in book.read("xl/worksheets/sheet1.xml")


def test_a_double_click_is_one_export(owner: Actor) -> None:
    assert begin(owner, f"{SPEC.name}.export").id == begin(owner, f"{SPEC.name}.export").id


def test_an_export_cut_off_leaves_no_half_file(owner: Actor, tmp_path: Path) -> None:
    started = begin(owner, f"{SPEC.name}.export")
    run = take(owner, started)
    with pytest.raises(KeyboardInterrupt), run:
        one_chunk(owner, started, run)
        raise KeyboardInterrupt
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []
    sweep_later(31)
    jobs.run(started.id)
    over = load(owner, started)
    assert (over.state, over.done) == (OperationState.DONE, 10)
    assert content(owner, over).count("\r\n") == 11


def test_a_worker_that_was_replaced_writes_nothing_more(owner: Actor) -> None:
    started = begin(owner, f"{SPEC.name}.export")
    with take(owner, started) as slow:
        one_chunk(owner, started, slow)
        sweep_later(31)
        with take(owner, started):
            assert one_chunk(owner, started, slow) is operation.Step.OVER


def test_a_colleague_needs_the_right_to_download(owner: Actor) -> None:
    started = begin(owner, f"{SPEC.name}.export")
    jobs.run(started.id)
    over = load(owner, started)
    assert operation.may_download(over, owner)
    assert operation.may_download(over, Actor("К", "operator", 999, owner.customer_id))
    assert not operation.may_download(over, Actor("З", "viewer", 999, owner.customer_id))
    assert not operation.may_download(over, Actor("Ч", "owner", 999, owner.customer_id + 1))


# Imports


def upload(actor: Actor, tmp_path: Path, text: str) -> Operation:
    path = tmp_path / "list.csv"
    path.write_text(text)
    with unit_of_work(scope(actor)) as session, path.open("rb") as stream:
        file = stored_file.upload(
            session,
            stream,
            name="list.csv",
            content_type="text/csv",
            customer_id=actor.customer_id,
            created_by=actor.user_id,
        )
        return operation.start_import(
            session,
            name="test.import",
            file=file,
            params={"customer_id": actor.customer_id},
            actor=actor,
            customer_id=actor.customer_id,
        )


FILE = "phone\n" + "\n".join(["+79250000001", "+79271111111", "12", "+79271111112", "+79271111111", "+79271111113"])


def test_an_import_counts_then_waits_then_writes(owner: Actor, tmp_path: Path) -> None:
    started = upload(owner, tmp_path, FILE)
    assert started.state is OperationState.PREVIEW
    jobs.run(started.id)
    ready = load(owner, started)
    assert (ready.state, ready.done, ready.known, ready.failed) == (OperationState.READY, 4, 1, 1)
    with unit_of_work(scope(owner)) as session:
        bad = operation.result_rows(session, ready, outcome=RowOutcome.FAILED)
    assert [(row.text, row.after) for row in bad] == [("12", {"line": 4})]

    with unit_of_work(scope(owner)) as session:
        operation.confirm(session, started.id, expected=4, actor=owner)
    jobs.run(started.id)
    over = load(owner, started)
    assert (over.state, over.done, over.known, over.failed) == (OperationState.DONE, 3, 2, 1)
    assert len(reasons(owner)) == 13


def test_a_second_confirmation_is_refused(owner: Actor, tmp_path: Path) -> None:
    started = upload(owner, tmp_path, FILE)
    jobs.run(started.id)
    with unit_of_work(scope(owner)) as session:
        operation.confirm(session, started.id, expected=4, actor=owner)
    with unit_of_work(scope(owner)) as session, pytest.raises(Conflict):
        operation.confirm(session, started.id, expected=4, actor=owner)


def test_an_import_cut_off_ends_with_exact_counts(owner: Actor, tmp_path: Path) -> None:
    started = upload(owner, tmp_path, FILE)
    jobs.run(started.id)
    with unit_of_work(scope(owner)) as session:
        operation.confirm(session, started.id, expected=4, actor=owner)
    with take(owner, started) as run:
        one_chunk(owner, started, run)
    sweep_later(31)
    jobs.run(started.id)
    over = load(owner, started)
    assert (over.state, over.done, over.known, over.failed) == (OperationState.DONE, 3, 2, 1)


def test_a_file_that_is_no_list_is_refused_with_its_reason(owner: Actor, tmp_path: Path) -> None:
    started = upload(owner, tmp_path, "")
    jobs.run(started.id)
    over = load(owner, started)
    assert (over.state, over.error_code) == (OperationState.FAILED, "file.empty")


def test_an_import_nobody_confirms_is_called_off(owner: Actor, tmp_path: Path) -> None:
    started = upload(owner, tmp_path, FILE)
    jobs.run(started.id)
    sweep_later(24 * 3600 + 60)
    assert load(owner, started).state is OperationState.CANCELLED


def test_files_past_their_time_are_removed(owner: Actor, tmp_path: Path) -> None:
    started = begin(owner, f"{SPEC.name}.export")
    jobs.run(started.id)
    with clock.frozen(clock.now() + timedelta(hours=25)):
        jobs.expire_files()
    with unit_of_work(Scope.staff()) as session:
        assert session.scalars(sa.select(StoredFile)).all() == []
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []
    assert load(owner, started).output_file_id is None
