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
from callcab.services.operation.catalogue import Tally, Work

if TYPE_CHECKING:
    from callcab.services.operation.running import Run


@dataclass
class Input:
    """The file as far as this try has read it; ``at`` is the number of records taken."""

    records: Iterator[Any]
    at: int


def chunk(session: CabSession, operation: Operation, work: Work, run: "Run", actor: Actor) -> tuple[Tally, bool]:
    """Hand the next records to the section. Raises NotFound ``file.gone``, FileError."""
    assert work.preview is not None and work.apply is not None  # noqa: S101 - an import has both
    cursor = operation.cursor or {}
    at: int = cursor.get("at", 0)
    source = run.input
    if source is None or source.at != at:
        source = run.input = Input(_open(session, operation, work, run, at), at)
    records = list(islice(source.records, work.chunk))
    source.at += len(records)
    if not records:
        return Tally(), False
    handler = work.preview if operation.state is OperationState.PREVIEW else work.apply
    params = {**operation.params, "operation_id": operation.id}
    tally = Tally.of(handler(session, records, params, actor, run.memory))
    session.flush()
    operation.cursor = {**cursor, "at": source.at}
    return tally, len(records) == work.chunk


def _open(session: CabSession, operation: Operation, work: Work, run: "Run", at: int) -> Iterator[Any]:
    assert work.read is not None  # noqa: S101 - an import has it
    file = session.get(StoredFile, operation.input_file_id) if operation.input_file_id else None
    if file is None:
        raise NotFound("file.gone")
    records = work.read(stored_file.path(file), at)
    close = getattr(records, "close", None)
    if close is not None:
        run.files.callback(close)
    return records
