"""Files that are fetched while they are still being written: what is announced of them, and whether the rest comes."""

import errno
from dataclasses import asdict, dataclass

from callcab.db import CabSession
from callcab.lib.storage import Draft
from callcab.models import Operation, OperationState, StoredFile
from callcab.scope import Actor
from callcab.services.operation.reading import may_handle


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A file that is being written; ``key`` is the one that it keeps when it is whole."""

    key: str
    name: str
    content_type: str


class BrokenOff(ConnectionAbortedError):
    """The rest of a file will not come. To a web server it is a lost connection, so that it says no «end» either."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.ECONNRESET, reason)


def announce(operation: Operation, draft: Draft, name: str, content_type: str) -> None:
    """Offer what is written so far, in the commit of the chunk that wrote it; the draft is flushed, the row is not."""
    draft.flush()
    if operation.cursor is None:
        operation.cursor = {"file": asdict(Unfinished(draft.key, name, content_type))}


def announced(operation: Operation) -> Unfinished | None:
    """The file that this try of an export writes, once there is something of it."""
    found = (operation.cursor or {}).get("file")
    return Unfinished(**found) if found and operation.state is OperationState.RUNNING else None


def followed(operation: Operation, actor: Actor) -> Unfinished | None:
    """What is being written, for whoever may fetch it when it is whole."""
    return announced(operation) if may_handle(operation, actor) else None


def whole(session: CabSession, operation_id: int, key: str) -> StoredFile | None:
    """The file of this key once it is whole, None while it is being written. BrokenOff when it never will be."""
    operation = session.get(Operation, operation_id)
    if operation is None:
        raise BrokenOff("the operation is gone")
    file = announced(operation)
    if file is not None and file.key == key:
        return None
    done = session.get(StoredFile, operation.output_file_id) if operation.output_file_id is not None else None
    if done is None or done.key != key:
        raise BrokenOff("the file was given up")
    return done
