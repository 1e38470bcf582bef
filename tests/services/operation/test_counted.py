"""Writing an import takes what counting has read; where that is gone, the file is read again."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from callcab.db import CabSession, unit_of_work
from callcab.jobs import operation as jobs
from callcab.lib import clock, csv_io
from callcab.models import BlacklistEntry, Operation, OperationState, RowOutcome, StoredFile
from callcab.scope import Actor, Scope
from callcab.services import blacklist, operation, stored_file
from callcab.services.operation import catalogue
from callcab.services.operation.catalogue import Tally
from tests.services.operation.stage import confirm, load, one_chunk, scope, sweep_later, take, upload

NAME, CHUNK = "test.counted", 3
# The stage has put 79250000000 to 79250000009 on the list; lines of three chunks and one of the fourth.
LINES = (
    *("8 926 111-11-10", "89261111111", "нет"),
    *("+7(926)111-11-12", "89261111110", "89250000001"),
    *("12", "89261111113", "89261111114"),
    "89261111115",
)
WRITTEN = [79261111110 + place for place in range(6)]
REFUSED = [("phone.no_digits", "нет", {"line": 3}), ("phone.too_short", "12", {"line": 7})]
Readings = list[int]


@pytest.fixture
def readings(registered: None) -> Readings:
    """From which record on the file was read, each time."""
    found: Readings = []

    def read(path: Path, skip: int) -> Iterator[blacklist.Entry]:
        found.append(skip)
        return csv_io.read_numbers(path, skip)

    operation.register_import(
        NAME,
        blacklist.preview_chunk,
        blacklist.apply_chunk,
        permission="blacklist.edit",
        read=read,
        restore=blacklist.restored,
        chunk=CHUNK,
    )
    return found


def counted(actor: Actor, folder: Path, lines: tuple[str, ...] = LINES) -> Operation:
    started = upload(actor, folder, NAME, "\n".join(lines))
    jobs.run(started.id)
    ready = load(actor, started)
    assert ready.state is OperationState.READY
    return ready


def results(actor: Actor, started: Operation) -> tuple[list[int], list[tuple[str, str, object]]]:
    """Numbers that it wrote, and what it refused: reason, text, line; its counts are those of the file."""
    over = load(actor, started)
    assert (over.state, over.done, over.known, over.failed) == (OperationState.DONE, 6, 2, 2)
    with unit_of_work(scope(actor)) as session:
        mine = sa.select(BlacklistEntry.phone).where(BlacklistEntry.operation_id == started.id)
        rows = operation.result_rows(session, over, outcome=RowOutcome.FAILED)
        return sorted(session.scalars(mine)), [(row.reason, row.text, row.after) for row in rows]


def kept(actor: Actor) -> list[StoredFile]:
    """Files besides the uploaded one."""
    with unit_of_work(scope(actor)) as session:
        return list(session.scalars(sa.select(StoredFile).where(StoredFile.name == "counted.json")))


def bytes_gone(actor: Actor, started: Operation) -> None:
    for file in kept(actor):
        stored_file.forget(file.key)


def row_gone(actor: Actor, started: Operation) -> None:
    with unit_of_work(Scope.system("test")) as session:
        session.execute(sa.delete(StoredFile).where(StoredFile.name == "counted.json"))


def read_by_another_version(actor: Actor, started: Operation) -> None:
    (file,) = kept(actor)
    path = stored_file.path(file)
    path.write_bytes(path.read_bytes().replace(csv_io.version().encode(), b"0" * 64, 1))


def nothing_gone(actor: Actor, started: Operation) -> None:
    assert len(kept(actor)) == 1


# And whether the file has to be read a second time.
FATES = [(nothing_gone, False), (bytes_gone, True), (row_gone, True), (read_by_another_version, True)]
Fate = Callable[[Actor, Operation], None]


@pytest.mark.parametrize(("fate", "again"), FATES)
def test_a_file_is_read_once_for_counting_and_writing_and_again_where_what_counting_kept_is_lost(
    owner: Actor, tmp_path: Path, readings: Readings, fate: Fate, again: bool
) -> None:
    ready = counted(owner, tmp_path)
    fate(owner, ready)
    confirm(owner, ready)
    jobs.run(ready.id)
    assert results(owner, ready) == (WRITTEN, REFUSED)
    assert readings == ([0, 0] if again else [0])


@pytest.mark.parametrize(("fate", "again"), FATES)
def test_a_writing_cut_off_goes_on_where_it_was_and_in_the_file_when_the_rest_is_lost(
    owner: Actor, tmp_path: Path, readings: Readings, fate: Fate, again: bool
) -> None:
    ready = counted(owner, tmp_path)
    confirm(owner, ready)
    with take(owner, ready) as run:
        one_chunk(owner, ready, run)
    fate(owner, ready)
    sweep_later(31)
    jobs.run(ready.id)
    assert results(owner, ready) == (WRITTEN, REFUSED)
    assert readings == ([0, CHUNK] if again else [0])


@pytest.mark.usefixtures("readings")
def test_a_count_cut_off_leaves_nothing_and_keeps_once(owner: Actor, tmp_path: Path) -> None:
    started = upload(owner, tmp_path, NAME, "\n".join(LINES))
    with pytest.raises(KeyboardInterrupt), take(owner, started) as run:
        one_chunk(owner, started, run)
        raise KeyboardInterrupt
    assert len([path for path in (tmp_path / "files").rglob("*") if path.is_file()]) == 1
    sweep_later(31)
    jobs.run(started.id)
    assert load(owner, started).state is OperationState.READY
    assert len(kept(owner)) == 1


@pytest.mark.usefixtures("readings")
def test_a_count_that_is_not_committed_leaves_no_file(owner: Actor, tmp_path: Path) -> None:
    started = upload(owner, tmp_path, NAME, "\n".join(LINES[:4]))
    with pytest.raises(KeyboardInterrupt), take(owner, started) as run:
        one_chunk(owner, started, run)
        with unit_of_work(scope(owner)) as session:
            assert operation.step(session, started.id, run) is operation.Step.OVER
            raise KeyboardInterrupt
    assert kept(owner) == []
    assert len([path for path in (tmp_path / "files").rglob("*") if path.is_file()]) == 1


def test_a_file_that_ends_with_a_chunk_is_written_whole(owner: Actor, tmp_path: Path, readings: Readings) -> None:
    ready = counted(owner, tmp_path, LINES[:6])
    confirm(owner, ready)
    jobs.run(ready.id)
    over = load(owner, ready)
    assert (over.state, over.done, over.known, over.failed) == (OperationState.DONE, 3, 2, 1)
    assert readings == [0]


@pytest.mark.usefixtures("readings")
def test_a_full_last_chunk_is_known_to_be_the_last(owner: Actor, tmp_path: Path) -> None:
    started = upload(owner, tmp_path, NAME, "\n".join(LINES[:CHUNK]))
    with take(owner, started) as run:
        assert one_chunk(owner, started, run) is operation.Step.OVER
    ready = load(owner, started)
    assert (ready.state, ready.done, ready.failed) == (OperationState.READY, 2, 1)
    confirm(owner, ready)
    with take(owner, ready) as run:
        assert one_chunk(owner, ready, run) is operation.Step.OVER
    assert load(owner, ready).done == 2


def test_a_file_of_less_than_one_chunk_is_not_kept_but_read_again(
    owner: Actor, tmp_path: Path, readings: Readings
) -> None:
    ready = counted(owner, tmp_path, LINES[:2])
    assert kept(owner) == []
    confirm(owner, ready)
    jobs.run(ready.id)
    assert load(owner, ready).done == 2
    assert readings == [0, 0]


def test_counting_waits_for_no_disk_and_writing_does(
    owner: Actor, tmp_path: Path, readings: Readings, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_by: list[str] = []

    def listen(session: CabSession, *rest: Any) -> Tally:
        how = sa.text("SELECT source FROM pg_settings WHERE name = 'synchronous_commit'")
        set_by.append(session.scalars(how).one())
        return Tally(done=1)

    work = catalogue.work_of(NAME)
    monkeypatch.setitem(catalogue._works, NAME, replace(work, preview=listen, apply=listen))
    ready = counted(owner, tmp_path, LINES[:2])
    confirm(owner, ready)
    jobs.run(ready.id)
    assert (set_by[0], "session" in set_by[1:]) == ("session", False)


@pytest.mark.usefixtures("readings")
def test_what_is_kept_is_the_customer_s_and_goes_with_his_file(owner: Actor, tmp_path: Path) -> None:
    ready = counted(owner, tmp_path)
    (file,) = kept(owner)
    with unit_of_work(scope(owner)) as session:
        source = session.get_one(StoredFile, ready.input_file_id)
    assert file.customer_id == owner.customer_id
    assert source.expires_at is not None
    assert file.expires_at is not None
    assert abs(file.expires_at - source.expires_at) < timedelta(seconds=1)
    with clock.frozen(clock.now() + timedelta(hours=25)):
        jobs.expire_files()
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []
