"""Chunks of an import written by several transactions at a time: each writes its rows, waits for its turn, is counted.

What a chunk wrote and its counts are one commit, and commits come in the order of the file, as if there were one
transaction at a time: a killed worker, a stop or a refusal leaves a beginning of the file and the counts of it.
"""

import threading
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.models import Operation, OperationKind, OperationState
from callcab.services.operation.catalogue import Tally, import_of
from callcab.services.operation.importing import Input, hand_over, source_of
from callcab.services.operation.running import Run, actor_of, add, lock, move, without_waiting


class Interrupted(Exception):
    """A chunk can't be counted: one before it was not committed, or the operation went on or stopped without it."""


@dataclass(frozen=True)
class Chunk:
    """Records in a row, from the one ``at`` to the one ``until``; ``turn`` are the chunks before it since the start.

    ``repeated`` of them are not among ``records``, for a chunk that is being written has them: to write them as well
    would be to wait for that one.
    """

    turn: int
    at: int
    until: int
    records: list[Any]
    repeated: int
    is_last: bool


class Chunks:
    """What is left of a file, handed out to threads."""

    def __init__(self, source: Input) -> None:
        self._source = source
        self._changed = threading.Condition()
        self._taken = self._done = 0
        self._flying: dict[int, set[Any]] = {}
        self._stopped = False

    def take(self) -> Chunk | None:
        """The next chunk; None when all are taken, or nothing more is to be done."""
        with self._changed:
            at = self._source.at
            records = [] if self._stopped else self._source.take()
            if not records:
                return None
            turn, self._taken = self._taken, self._taken + 1
            these = set(records)
            written = set().union(*(these & others for others in self._flying.values()))
            new = [item for item in records if item not in written] if written else records
            self._flying[turn] = these
            return Chunk(turn, at, self._source.at, new, len(records) - len(new), not self._source.ahead)

    def wait_for(self, chunk: Chunk) -> None:
        """Until all chunks before it are committed. Raises Interrupted when that will not be."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._done == chunk.turn)
            if self._done != chunk.turn:
                raise Interrupted

    def committed(self, chunk: Chunk) -> None:
        """Say that it is committed."""
        with self._changed:
            self._done = chunk.turn + 1
            del self._flying[chunk.turn]
            self._changed.notify_all()

    def stop(self) -> None:
        """Take no more, wait for no more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


def is_writing(session: CabSession, operation_id: int) -> bool:
    """Whether it is an import that is past its counting."""
    return _writing(session.get(Operation, operation_id)) is not None


def _writing(operation: Operation | None) -> Operation | None:
    if operation is None or operation.undo_of_id is not None or operation.kind is not OperationKind.IMPORT:
        return None
    return operation if operation.state is OperationState.RUNNING else None


def chunks_left(session: CabSession, operation_id: int, run: Run) -> Chunks | None:
    """What is to be written of a running import; None when that is one chunk, or must not be done in parallel."""
    operation = _writing(session.get(Operation, operation_id))
    if operation is None:
        return None
    work = import_of(operation.name)
    left = (operation.total or 0) - (operation.cursor or {}).get("at", 0)
    if not work.parallel or left <= work.chunk:
        return None
    return Chunks(source_of(session, operation, run))


def write_chunk(session: CabSession, operation_id: int, chunk: Chunk) -> Tally:
    """Write the rows of a chunk, before its turn; flushed.

    Whoever waits for a row of somebody else's gives up after a second: that one may be waiting for the next chunk, and
    the next chunk waits for its turn, which the database does not know of. What a power cut takes back of all chunks
    but the last is written again, as what was not committed.
    """
    session.execute(sa.text("SET LOCAL lock_timeout TO '1s'"))
    if not chunk.is_last:
        without_waiting(session)
    # Held until the commit: the sweep takes it for what it is, an operation that somebody is at.
    operation = session.get_one(Operation, operation_id, with_for_update={"read": True, "key_share": True})
    tally = hand_over(session, operation, chunk.records, actor_of(session, operation), {})
    tally.known += chunk.repeated
    return tally


def count_chunk(session: CabSession, operation_id: int, chunk: Chunk, tally: Tally) -> None:
    """Count a chunk whose turn it is, in the transaction that wrote it; flushed. Raises Interrupted."""
    operation = lock(session, operation_id)
    if operation is None or operation.state is not OperationState.RUNNING:
        raise Interrupted
    cursor = operation.cursor or {}
    if cursor.get("at", 0) != chunk.at:
        raise Interrupted
    operation.cursor = {**cursor, "at": chunk.until}
    add(session, operation, tally)
    move(session, operation, more=not chunk.is_last)
