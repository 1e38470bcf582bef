"""What must not lose a row: numbers that go in and out and in again, and a deletion and its undoing whose worker is
killed in the middle of each. The importer's list is as empty afterwards as before.
"""

import hashlib
import os
import signal
import time

from callcab.models import OperationState
from tests.bench.batch import MILLION, OVER, Person, delete, load
from tests.bench.data import IMPORTER
from tests.bench.house import Beside, Place
from tests.bench.table import Row
from tests.waiting import wait_for

FIRST = 79_250_000_000
PATIENCE = 600


def rows(at: Place) -> list[Row]:
    """For a process of its own."""
    count = max(int(MILLION * at.scale), 1_000)
    app = at.app()
    with at.owner() as owner, Beside(at, "tick"):
        person = Person(app, IMPORTER, owner)
        with Beside(at, "worker"):
            found = [round_trip(person, count)]
        found.append(killed(at, person, count))
        with Beside(at, "worker"):
            delete(person, "")
        owner.execute("VACUUM (ANALYZE) blacklist_entry")
    return found


def round_trip(person: Person, count: int) -> Row:
    """Numbers in, out as a file, all deleted, the file in, out again: the same file. They stay for ``killed``."""
    begun = time.perf_counter()
    load(person, b"\n".join(b"%d" % (FIRST + 7 * step) for step in range(count)), {})
    first = phones(person)
    delete(person, "")
    load(person, first, {})
    second = phones(person)
    same = hashlib.sha256(first).digest() == hashlib.sha256(second).digest()
    lines = len(first.splitlines()) - 1
    text = f"{lines:,} numbers, {len(first) / 1e6:.1f} MB, {time.perf_counter() - begun:.0f} s"
    return Row(f"{count:,} numbers in, out, in, out", text, goal="the same file", ok=same and lines == count)


def phones(person: Person) -> bytes:
    """The file of the list, its numbers alone, in their order."""
    number, _ = person.start("/cabinet/blacklist/export/?sort=phone", format="csv", columns="phone", chosen="1")
    person.wait(number, *OVER)
    with person.browser.client.get(f"/cabinet/jobs/download/?id={number}") as answer:
        return bytes(answer.get_data())


def killed(at: Place, person: Person, count: int) -> Row:
    """All rows deleted and put back; each worker is killed (-9) midway, the timetable gives the rest to the next."""
    before, begun = person.entries(), time.perf_counter()
    deletion, _ = person.start(
        "/cabinet/blacklist/action/", action="delete", scope="all", confirmed="1", expect=str(count), typed=str(count)
    )
    deleted = through_a_kill(at, person, deletion, count)
    undoing, _ = person.start("/cabinet/jobs/undo/", id=str(deletion))
    back = through_a_kill(at, person, undoing, count)
    same = person.entries() == before
    text = f"killed after {deleted:,} and {back:,}; {time.perf_counter() - begun:.0f} s"
    return Row(f"{count:,} rows deleted and put back with kill -9", text, goal="the same checksum", ok=same)


def through_a_kill(at: Place, person: Person, operation_id: int, count: int) -> int:
    """Until it is over, by two workers; rows that were done when the first one was killed."""
    with Beside(at, "worker") as worker:
        assert wait_for(lambda: _done(person, operation_id) >= count // 3, PATIENCE, nap=0.005), "nobody began"
        for pid in worker.pids:
            os.kill(pid, signal.SIGKILL)
        at_kill = _done(person, operation_id)
    assert at_kill < count, "over before it was killed"
    with Beside(at, "worker"):
        counts = person.wait(operation_id, *OVER)
    assert (counts["state"], counts["done"]) == (OperationState.DONE.value, count), counts
    return at_kill


def _done(person: Person, operation_id: int) -> int:
    row = person.owner.execute("SELECT done FROM operation WHERE id = %s", (operation_id,)).fetchone()
    return row[0] if row else 0
