"""A blacklist file of 200,000 lines with junk: a real worker, killed in the middle, and the right counts."""

import subprocess
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.models import BlacklistEntry, Operation, OperationState, StoredFile
from callcab.scope import Actor, Scope
from callcab.services import operation, stored_file
from tests.jobs.workers import Spawn, kill, sweep_later, until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("app")]
LINES = 200_000
JUNK = 7_000
REPEATS = 3_000
NEW = LINES - JUNK - REPEATS


@pytest.fixture(scope="module")
def big_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Numbers in several spellings, repeats, and lines that are no numbers; a header in front."""
    path = tmp_path_factory.mktemp("list") / "база.csv"
    spellings = ("+7{}", "8{}", "{}", "7{}")
    lines = ["Телефон;Имя"]
    for index in range(NEW):
        number = f"9{index + 200_000_000:09d}"
        lines.append(f"{spellings[index % 4].format(number)};Клиент {index}")
    lines += [f"8 (920) 000-{index // 100:02d}-{index % 100:02d};Повтор" for index in range(REPEATS)]
    lines += [f"{'не номер' if index % 2 else '8925'};мусор" for index in range(JUNK)]
    path.write_text("\r\n".join(lines), encoding="cp1251")
    return path


def load(number: int) -> Operation:
    with unit_of_work(Scope.staff()) as session:
        return session.get_one(Operation, number)


def state_is(number: int, *states: OperationState) -> Operation | None:
    found = load(number)
    return found if found.state in states else None


def begin(actor: Actor, path: Path) -> int:
    with unit_of_work(Scope.tenant(actor.customer_id)) as session, path.open("rb") as stream:
        file = stored_file.upload(
            session, stream, name=path.name, content_type="text/csv", customer_id=actor.customer_id, created_by=None
        )
        return operation.start_import(
            session,
            name="blacklist.import",
            file=file,
            params={"customer_id": actor.customer_id, "source": "file", "reason": "список"},
            actor=actor,
            customer_id=actor.customer_id,
        ).id


def confirm(actor: Actor, number: int) -> None:
    with unit_of_work(Scope.tenant(actor.customer_id)) as session:
        operation.confirm(session, number, expected=NEW, actor=actor)


def counts(number: int) -> tuple[int, int, int]:
    found = load(number)
    return found.done, found.known, found.failed


def stored(actor: Actor) -> int:
    with unit_of_work(Scope.tenant(actor.customer_id)) as session:
        return session.scalar(
            sa.select(sa.func.count()).select_from(BlacklistEntry).where(BlacklistEntry.source == "file")
        )


def peak_megabytes(process: subprocess.Popen[bytes]) -> int:
    """The largest memory that the worker or its child ever had."""
    found = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False).stdout
    peaks = []
    for pid in [str(process.pid), *found.split()]:
        status = Path(f"/proc/{pid}/status").read_text()
        peaks.append(int(status.partition("VmHWM:")[2].split()[0]) // 1024)
    return max(peaks)


def lose_what_counting_kept() -> None:
    with unit_of_work(Scope.staff()) as session:
        for file in session.scalars(sa.select(StoredFile).where(StoredFile.name == "counted.json")):
            stored_file.forget(file.key)


@pytest.mark.parametrize("lost", [False, True], ids=["kept", "lost"])
def test_a_big_import_survives_a_killed_worker_and_adds_nothing_twice(
    owner: Actor, spawn: Spawn, big_file: Path, lost: bool
) -> None:
    began = time.monotonic()
    number = begin(owner, big_file)
    worker = spawn()
    until(lambda: state_is(number, OperationState.READY), 60)
    counted_in = time.monotonic() - began
    assert counts(number) == (NEW, REPEATS, JUNK)
    confirm(owner, number)
    until(lambda: load(number).done > NEW // 4, 60)
    kill(worker)
    in_the_middle = load(number)
    assert in_the_middle.state is OperationState.RUNNING
    assert 0 < stored(owner) < NEW
    if lost:
        lose_what_counting_kept()

    until(sweep_later)
    began = time.monotonic()
    second = spawn()
    until(lambda: state_is(number, OperationState.DONE), 60)
    assert counts(number) == (NEW, REPEATS, JUNK)
    assert stored(owner) == NEW

    again = begin(owner, big_file)
    until(lambda: state_is(again, OperationState.READY), 60)
    assert counts(again) == (0, NEW + REPEATS, JUNK)
    assert stored(owner) == NEW
    peak = peak_megabytes(second)
    kill(second)
    print(
        f"counted in {counted_in:.1f} s, rest written in {time.monotonic() - began:.1f} s, peak of a worker {peak} MB"
    )
    assert peak < 300
