"""Two chunks of an import are written at a time: the counts, the order and the end are those of one after the other."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from callcab.db import CabSession, unit_of_work
from callcab.jobs import operation as jobs
from callcab.lib import csv_io
from callcab.lib.errors import Invalid
from callcab.models import BlacklistEntry, Operation, OperationState
from callcab.scope import Actor
from callcab.services import blacklist, blacklist_rows, operation
from tests.services.operation.stage import confirm, load, scope, sweep_later, upload
from tests.waiting import wait_for

NAME, CHUNK = "test.parallel", 4
# The stage has put 79250000000 to 79250000009 on the list. Five chunks and a half.
FIRST = 79261111000
NUMBERS = [FIRST + place for place in range(22)]
Meeting = Callable[[int], None]


@pytest.fixture
def meetings(registered: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Meeting]]:
    """What happens ``before`` a chunk is written and ``after``, told its first number; as many rows as two statements
    need."""
    monkeypatch.setattr(blacklist_rows, "MANY", 2)
    found: dict[str, Meeting] = {}

    def apply(
        session: CabSession, records: Sequence[Any], params: dict[str, Any], actor: Actor, memory: dict[str, Any]
    ) -> Any:
        found.get("before", id)(records[0])
        tally = blacklist.apply_chunk(session, records, params, actor, memory)
        found.get("after", id)(records[0])
        return tally

    operation.register_import(
        NAME,
        blacklist.preview_chunk,
        apply,
        permission="blacklist.edit",
        read=csv_io.read_numbers,
        restore=blacklist.restored,
        chunk=CHUNK,
        parallel=True,
    )
    yield found


@pytest.fixture
def confirmed(owner: Actor, tmp_path: Path) -> Callable[[Sequence[object]], Operation]:
    """Makes an import of these lines that is counted and confirmed."""

    def make(lines: Sequence[object]) -> Operation:
        started = upload(owner, tmp_path, NAME, "\n".join(map(str, lines)))
        jobs.run(started.id)
        return confirm(owner, load(owner, started))

    return make


Confirmed = Callable[[Sequence[object]], Operation]


def aside(look: Callable[[], int]) -> int:
    """What somebody else sees meanwhile."""
    with ThreadPoolExecutor(1) as people:
        return people.submit(look).result(20)


def written(actor: Actor, started: Operation) -> list[int]:
    with unit_of_work(scope(actor)) as session:
        mine = sa.select(BlacklistEntry.phone).where(BlacklistEntry.operation_id == started.id)
        return sorted(session.scalars(mine))


def counts(actor: Actor, started: Operation) -> tuple[OperationState, int, int, int]:
    found = load(actor, started)
    return found.state, found.done, found.known, found.failed


def test_two_chunks_are_written_at_the_same_time_and_counted_in_the_order_of_the_file(
    owner: Actor, meetings: dict[str, Meeting], confirmed: Confirmed
) -> None:
    second, seen = threading.Event(), list[int]()

    def after(first: int) -> None:
        if first == FIRST:
            assert second.wait(20), "the second chunk waits for the first one"
            seen.append(aside(lambda: load(owner, started).done))
        elif first == FIRST + CHUNK:
            second.set()

    meetings["after"] = after
    started = confirmed(NUMBERS)
    jobs.run(started.id)
    assert seen == [0]
    assert counts(owner, started) == (OperationState.DONE, len(NUMBERS), 0, 0)
    assert written(owner, started) == NUMBERS


def test_a_number_at_the_end_of_one_chunk_and_the_beginning_of_the_next_is_added_once(
    owner: Actor, meetings: dict[str, Meeting], confirmed: Confirmed
) -> None:
    """Whichever of them is written first."""
    firsts, both = list[int](), threading.Barrier(2)

    def before(first: int) -> None:
        firsts.append(first)
        if first in {FIRST, 79250000003}:
            both.wait(20)

    lines = [*NUMBERS[:CHUNK], NUMBERS[CHUNK - 1], 79250000003, "нет", *NUMBERS[CHUNK:]]
    started = confirmed(lines)
    meetings["before"] = before
    jobs.run(started.id)
    assert len(firsts) == len(set(firsts)), "a chunk was given up"
    assert counts(owner, started) == (OperationState.DONE, len(NUMBERS), 2, 1)
    assert written(owner, started) == NUMBERS


def test_who_adds_numbers_of_two_chunks_at_that_moment_is_not_waited_for_in_a_circle(
    owner: Actor, meetings: dict[str, Meeting], confirmed: Confirmed, owner_dsn: str
) -> None:
    """The first chunk waits for him, who has added one of its numbers, he for the second one, and that for its turn."""
    one, two = FIRST + 1, FIRST + CHUNK + 1
    his, mine = threading.Event(), threading.Event()
    insert = (
        "INSERT INTO blacklist_entry (customer_id, phone, source, reason, author_name, created_at)"
        " VALUES (%s, %s, 'hand', 'его', '', now())"
    )

    def somebody() -> None:
        with psycopg.connect(owner_dsn) as connection:
            connection.execute(insert, (owner.customer_id, one))
            his.set()
            assert mine.wait(20)
            connection.execute(insert, (owner.customer_id, two))

    def before(first: int) -> None:
        if first == FIRST:
            assert mine.wait(20)

    def after(first: int) -> None:
        if first == FIRST + CHUNK:
            mine.set()

    started = confirmed(NUMBERS)
    meetings |= {"before": before, "after": after}
    with ThreadPoolExecutor(1) as people:
        he = people.submit(somebody)
        assert his.wait(20)
        jobs.run(started.id)
        he.result(20)
    assert counts(owner, started) == (OperationState.DONE, len(NUMBERS) - 2, 2, 0)
    assert written(owner, started) == [number for number in NUMBERS if number not in {one, two}]


def test_two_imports_of_the_same_numbers_at_once_add_each_of_them_once(
    owner: Actor, meetings: dict[str, Meeting], confirmed: Confirmed
) -> None:
    both = [confirmed(NUMBERS), confirmed(NUMBERS[::-1])]
    together = threading.Barrier(2)

    def carry_out(started: Operation) -> None:
        together.wait(20)
        jobs.run(started.id)

    with ThreadPoolExecutor(2) as workers:
        list(workers.map(carry_out, both))
    states, done, known, failed = zip(*(counts(owner, started) for started in both), strict=True)
    assert states == (OperationState.DONE, OperationState.DONE)
    assert (sum(done), sum(known), sum(failed)) == (len(NUMBERS), len(NUMBERS), 0)
    with unit_of_work(scope(owner)) as session:
        there = session.scalars(sa.select(BlacklistEntry.phone).where(BlacklistEntry.phone >= FIRST)).all()
    assert sorted(there) == NUMBERS


def test_a_stop_leaves_a_beginning_of_the_file_and_nothing_of_what_was_being_written(
    owner: Actor, meetings: dict[str, Meeting], confirmed: Confirmed
) -> None:
    third, fourth = FIRST + 2 * CHUNK, FIRST + 3 * CHUNK
    both, stopped = threading.Barrier(3), threading.Event()

    def after(first: int) -> None:
        if first in {third, fourth}:
            both.wait(20)
            assert stopped.wait(20)

    def stop() -> None:
        both.wait(20)
        with unit_of_work(scope(owner)) as session:
            operation.cancel(session, started.id, actor=owner)
        stopped.set()

    started = confirmed(NUMBERS)
    meetings["after"] = after
    with ThreadPoolExecutor(1) as people:
        he = people.submit(stop)
        jobs.run(started.id)
        he.result(20)
    assert counts(owner, started) == (OperationState.CANCELLED, 2 * CHUNK, 0, 0)
    assert written(owner, started) == NUMBERS[: 2 * CHUNK]


def test_a_refusal_leaves_what_was_before_it_and_its_reason(
    owner: Actor, meetings: dict[str, Meeting], confirmed: Confirmed
) -> None:
    def before(first: int) -> None:
        if first == FIRST + 3 * CHUNK:
            raise Invalid("blacklist.bad")

    started = confirmed(NUMBERS)
    meetings["before"] = before
    jobs.run(started.id)
    assert counts(owner, started) == (OperationState.FAILED, 3 * CHUNK, 0, 0)
    assert load(owner, started).error_code == "blacklist.bad"
    assert written(owner, started) == NUMBERS[: 3 * CHUNK]


def test_an_obstacle_that_is_gone_again_costs_nothing_but_time(
    owner: Actor, meetings: dict[str, Meeting], confirmed: Confirmed
) -> None:
    tries = list[int]()

    def before(first: int) -> None:
        tries.append(first)
        if tries.count(first) == 1 and first in {FIRST, FIRST + 3 * CHUNK}:
            raise ConnectionError

    started = confirmed(NUMBERS)
    meetings["before"] = before
    jobs.run(started.id)
    assert counts(owner, started) == (OperationState.DONE, len(NUMBERS), 0, 0)
    assert written(owner, started) == NUMBERS


def test_an_operation_whose_chunks_take_long_is_not_taken_for_a_silent_one(
    owner: Actor, meetings: dict[str, Meeting], confirmed: Confirmed
) -> None:
    swept = list[int]()
    started = confirmed(NUMBERS)
    meetings["before"] = lambda first: swept.append(aside(lambda: sweep_later(3_600)))
    jobs.run(started.id)
    assert swept == [0] * len(swept)
    assert len(swept) >= len(NUMBERS) / CHUNK
    assert counts(owner, started) == (OperationState.DONE, len(NUMBERS), 0, 0)


def test_two_workers_at_one_import_write_and_count_each_number_once(
    owner: Actor, meetings: dict[str, Meeting], confirmed: Confirmed, owner_dsn: str
) -> None:
    """The first one was silent so long that the sweep gave the operation to a second one; then it goes on."""
    started = confirmed(NUMBERS)
    with ThreadPoolExecutor(1) as workers:
        second: list[Future[None]] = []

        def before(first: int) -> None:
            if first == FIRST + 2 * CHUNK and not second:
                with psycopg.connect(owner_dsn) as connection:
                    connection.execute("UPDATE operation SET state = 'queued' WHERE id = %s", (started.id,))
                second.append(workers.submit(take_over))
                assert wait_for(started_again, 20)

        def take_over() -> None:
            # While a chunk is counted the operation is not to be had; the sweep would come again.
            while not started_again():
                jobs.run(started.id)

        def started_again() -> bool:
            with psycopg.connect(owner_dsn) as connection:
                row = connection.execute("SELECT state FROM operation WHERE id = %s", (started.id,)).fetchone()
            return row != ("queued",)

        meetings["before"] = before
        jobs.run(started.id)
        second[0].result(20)
    assert counts(owner, started) == (OperationState.DONE, len(NUMBERS), 0, 0)
    assert written(owner, started) == NUMBERS
