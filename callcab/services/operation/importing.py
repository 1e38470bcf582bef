"""One chunk of an import: counting (preview) or writing."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from callcab.db import CabSession
from callcab.lib.errors import NotFound
from callcab.models import Operation, OperationState, StoredFile
from callcab.scope import Actor
from callcab.services import stored_file
from callcab.services.operation import counted
from callcab.services.operation.catalogue import Tally, import_of

if TYPE_CHECKING:
    from callcab.services.operation.running import Run


@dataclass
class Input:
    """The file as far as this try has read it, in chunks; ``at`` is the number of records taken.

    The chunk ``ahead`` is read with the one before it: a last one that is full is known to be the last.
    """

    chunks: Iterator[list[Any]]
    at: int

    def __post_init__(self) -> None:
        self.ahead = next(self.chunks, [])

    def take(self) -> list[Any]:
        records, self.ahead = self.ahead, next(self.chunks, [])
        self.at += len(records)
        return records


def chunk(session: CabSession, operation: Operation, run: "Run", actor: Actor) -> tuple[Tally, bool]:
    """Hand the next records to the section. Raises NotFound ``file.gone``, FileError."""
    work, cursor = import_of(operation.name), operation.cursor or {}
    source = source_of(session, operation, run)
    records = source.take()
    counting = operation.state is OperationState.PREVIEW
    tally = hand_over(session, operation, records, actor, run.memory) if records else Tally()
    operation.cursor = {**cursor, "at": source.at}
    if counting and work.restore is not None:
        _keep(session, operation, run, source, records, work.chunk)
    return tally, bool(source.ahead)


def hand_over(
    session: CabSession, operation: Operation, records: list[Any], actor: Actor, memory: dict[str, Any]
) -> Tally:
    """Have the section count or write these records; flushed."""
    work = import_of(operation.name)
    handler = work.preview if operation.state is OperationState.PREVIEW else work.apply
    tally = Tally.of(handler(session, records, {**operation.params, "operation_id": operation.id}, actor, memory))
    session.flush()
    return tally


def source_of(session: CabSession, operation: Operation, run: "Run") -> Input:
    """The file from where the last committed chunk ended. Raises NotFound ``file.gone``, FileError."""
    at: int = (operation.cursor or {}).get("at", 0)
    if run.input is None or run.input.at != at:
        run.input = Input(_chunks(session, operation, run, at), at)
    return run.input


def _keep(session: CabSession, operation: Operation, run: "Run", source: Input, records: list[Any], size: int) -> None:
    """What was read, for the writing. What does not fill one chunk is read again sooner than it is kept."""
    if run.counted is None and len(records) == size:
        run.counted = counted.Counted(size)
    if run.counted is None:
        return
    run.counted.add(records)
    if not source.ahead:
        run.counted.keep(session, operation, _file(session, operation))


def _chunks(session: CabSession, operation: Operation, run: "Run", at: int) -> Iterator[list[Any]]:
    """From record ``at`` on: as counting kept them, where it did, else from the file."""
    work = import_of(operation.name)
    if work.restore is not None and operation.state is not OperationState.PREVIEW:
        kept = counted.chunks(session, operation, at, work.chunk, work.restore, run.files)
        if kept is not None:
            return kept
    records = work.read(stored_file.path(_file(session, operation)), at)
    close = getattr(records, "close", None)
    if close is not None:
        run.files.callback(close)
    return iter(lambda: list(islice(records, work.chunk)), [])


def _file(session: CabSession, operation: Operation) -> StoredFile:
    file = session.get(StoredFile, operation.input_file_id) if operation.input_file_id else None
    if file is None:
        raise NotFound("file.gone")
    return file
