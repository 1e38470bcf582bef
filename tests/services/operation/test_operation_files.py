"""Operations that write or read a file: exports and imports."""

from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import operation as jobs
from callcab.lib import clock
from callcab.lib.errors import Conflict
from callcab.models import (
    Operation,
    OperationState,
    RowOutcome,
    StoredFile,
)
from callcab.scope import Actor, Scope
from callcab.services import operation, stored_file
from callcab.services.operation import ExportColumn, catalogue, exporting
from tests.services.operation.stage import (
    SPEC,
    begin,
    entry,
    load,
    one_chunk,
    reasons,
    scope,
    sweep_later,
    take,
    upload,
)


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

    with ZipFile(stored_file.path(file)) as book:
        assert b"+7(925)000-00-09" in book.read("xl/worksheets/sheet1.xml")


def test_a_workbook_loads_few_rows_at_once_and_holds_all(owner: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "LOADED_ROWS", 3)
    started = begin(owner, f"{SPEC.name}.export", params={"format": "xlsx"})
    with take(owner, started) as run:
        steps = [one_chunk(owner, started, run)]
        assert load(owner, started).done == 3
        while steps[-1] is operation.Step.MORE:
            steps.append(one_chunk(owner, started, run))
    over = load(owner, started)
    assert (len(steps), over.state, over.done) == (4, OperationState.DONE, 10)


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


FILE = "phone\n" + "\n".join(["+79250000001", "+79271111111", "12", "+79271111112", "+79271111111", "+79271111113"])


def test_an_import_counts_then_waits_then_writes(owner: Actor, tmp_path: Path) -> None:
    started = upload(owner, tmp_path, "test.import", FILE)
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
    started = upload(owner, tmp_path, "test.import", FILE)
    jobs.run(started.id)
    with unit_of_work(scope(owner)) as session:
        operation.confirm(session, started.id, expected=4, actor=owner)
    with unit_of_work(scope(owner)) as session, pytest.raises(Conflict):
        operation.confirm(session, started.id, expected=4, actor=owner)


def test_an_import_cut_off_ends_with_exact_counts(owner: Actor, tmp_path: Path) -> None:
    started = upload(owner, tmp_path, "test.import", FILE)
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
    started = upload(owner, tmp_path, "test.import", "")
    jobs.run(started.id)
    over = load(owner, started)
    assert (over.state, over.error_code) == (OperationState.FAILED, "file.empty")


def test_an_import_nobody_confirms_is_called_off(owner: Actor, tmp_path: Path) -> None:
    started = upload(owner, tmp_path, "test.import", FILE)
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
