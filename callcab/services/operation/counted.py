"""What counting has read of a file, kept beside it until the import is written: so that nothing is read twice.

A file of lines of JSON: the first says what code read it and in chunks of how many, each other one is a chunk. It goes
when the file itself goes. Where it is missing, or another version read it, the file is read again.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any

from callcab.db import CabSession
from callcab.lib import clock, csv_io
from callcab.lib.errors import NotFound
from callcab.models import Operation, StoredFile
from callcab.services import stored_file
from callcab.services.operation.catalogue import Restore


class Counted(stored_file.Making):
    """The file being written while counting goes on, in chunks of ``size`` records."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.draft.write(_head(size))

    def add(self, records: Sequence[Any]) -> None:
        """The next chunk. StorageError ``no_room``."""
        self.draft.write(_line(records))

    def keep(self, session: CabSession, operation: Operation, source: StoredFile) -> None:
        """Complete the file, and name it in the row of the operation; flushed. ``source`` is the file that was read."""
        file = stored_file.keep(
            session,
            self.finish(),
            name="counted.json",
            content_type="application/json",
            customer_id=operation.customer_id,
            created_by=operation.actor_id,
            lifetime=None if source.expires_at is None else source.expires_at - clock.now(),
        )
        operation.cursor = {**(operation.cursor or {}), "counted": file.id}


def reference(operation: Operation) -> dict[str, Any] | None:
    """What of a counted import's cursor its writing begins with."""
    found = (operation.cursor or {}).get("counted")
    return {"counted": found} if found else None


def chunks(
    session: CabSession, operation: Operation, at: int, size: int, restore: Restore, files: ExitStack
) -> Iterator[list[Any]] | None:
    """The kept chunks behind the first ``at`` records; None where there are none of this size by this code."""
    number = (reference(operation) or {}).get("counted")
    file = session.get(StoredFile, number) if number else None
    if file is None or at % size:
        return None
    try:
        lines = files.enter_context(stored_file.path(file).open("rb"))
    except (NotFound, FileNotFoundError):
        return None
    if lines.readline() != _head(size):
        return None
    return (restore(json.loads(line)) for line in islice(lines, at // size, None))


def _head(size: int) -> bytes:
    return _line([csv_io.version(), size])


def _line(value: Sequence[Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
