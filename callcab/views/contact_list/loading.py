"""From what was sent to an import: a text is counted at once, a table first shows its columns."""

from dataclasses import dataclass
from typing import Any

from callcab.db import CabSession
from callcab.models import BlacklistSource, Operation, StoredFile
from callcab.services import contact_list, stored_file
from callcab.services.contact_list import Columns, Guess
from callcab.web import uploads
from callcab.web.access import current_customer_id


@dataclass(frozen=True)
class Taken:
    """What comes next: the columns of the file ``file_id``, or the counts of an operation."""

    file_id: int | None = None
    operation: Operation | None = None


def take(session: CabSession, list_id: int) -> Taken:
    """Keep what the form holds. Raises FileError for a file that is refused whole, DomainError."""
    source, file = uploads.keep_input(session, current_customer_id() or 0)
    if source is BlacklistSource.FILE:
        return Taken(file_id=file.id)
    return Taken(operation=_start(session, "contact_list.paste", file, {"list_id": list_id, "source": source.value}))


def load_table(session: CabSession, list_id: int, file_id: int, columns: Columns) -> Operation:
    """Begin the import of a table that was kept by ``take``. Raises Invalid with the field at fault, NotFound."""
    customer_id = current_customer_id() or 0
    row = contact_list.get(session, list_id, customer_id=customer_id)
    file = stored_file.get(session, file_id, customer_id=customer_id)
    clean = contact_list.check_columns(columns, row)
    params = {"list_id": list_id, "source": BlacklistSource.FILE.value, "columns": clean.stored()}
    return _start(session, "contact_list.import", file, params)


def read_columns(sent: Any, guess: Guess) -> Columns:
    """What a person chose on the page of columns; what can't be read is as it was proposed."""
    width = len(guess.titles)
    place = uploads.chosen_place(sent.get("phone", ""), width)
    phone = guess.columns.phone if place is None else place
    names = {str(place): sent.get(f"variable_{place}", "") for place in range(width)}
    header = guess.columns.header or (guess.first_line if sent.get("header") else 0)
    return Columns(phone, header, names)


def _start(session: CabSession, name: str, file: StoredFile, params: dict[str, Any]) -> Operation:
    customer_id = current_customer_id() or 0
    return uploads.start_import(session, name, file, {"customer_id": customer_id, **params}, customer_id=customer_id)
