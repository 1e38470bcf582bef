"""From what was sent to an import: a text is counted at once, a table first shows its columns."""

from dataclasses import dataclass
from typing import Any

from flask import abort

from callcab.db import CabSession
from callcab.lib import csv_io
from callcab.lib.errors import DomainError
from callcab.models import BlacklistSource, Operation, StoredFile
from callcab.services import contact_list, stored_file
from callcab.services import operation as operations
from callcab.services.contact_list import Columns, Guess
from callcab.views.blacklist import INLINE_BYTES, SOURCES, UPLOAD_LIMIT, count_now, read_input
from callcab.web.access import current_actor, current_customer_id
from callcab.web.database import db

WAYS = [(item.value, SOURCES[item]) for item in (BlacklistSource.HAND, BlacklistSource.CLIPBOARD, BlacklistSource.FILE)]


@dataclass(frozen=True)
class Taken:
    """What comes next: the columns of the file ``file_id``, or the counts of an operation."""

    file_id: int | None = None
    operation: Operation | None = None


def take(session: CabSession, list_id: int) -> Taken:
    """Keep what the form holds. Raises FileError for a file that is refused whole, DomainError."""
    source, stream, name = read_input()
    customer_id = current_customer_id() or 0
    file = stored_file.upload(
        session,
        stream,
        name=name,
        content_type="application/octet-stream",
        customer_id=customer_id,
        created_by=current_actor().user_id,
        limit=UPLOAD_LIMIT,
    )
    if source is BlacklistSource.FILE:
        # A file that can't be read is refused whole, here and now (rule B5); nothing stays of it, nor of the list.
        csv_io.sniff(stored_file.path(file))
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


def file_or_404(text: str, customer_id: int) -> StoredFile:
    """The kept file of the address; 404 for a foreign, unknown or expired one."""
    file_id = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    try:
        file = stored_file.get(db.session(), file_id, customer_id=customer_id)
        csv_io.sniff(stored_file.path(file))
    except (DomainError, csv_io.FileError):
        abort(404)
    return file


def read_columns(sent: Any, guess: Guess) -> Columns:
    """What a person chose on the page of columns; what can't be read is as it was proposed."""
    places = range(len(guess.titles))
    text = sent.get("phone", "")
    phone = int(text) if text.isascii() and text.isdigit() and int(text) in places else guess.columns.phone
    names = {str(place): sent.get(f"variable_{place}", "") for place in places}
    header = guess.columns.header or (guess.first_line if sent.get("header") else 0)
    return Columns(phone, header, names)


def _start(session: CabSession, name: str, file: StoredFile, params: dict[str, Any]) -> Operation:
    customer_id = current_customer_id() or 0
    made = operations.start_import(
        session,
        name=name,
        file=file,
        params={"customer_id": customer_id, **params},
        actor=current_actor(),
        customer_id=customer_id,
    )
    if file.size <= INLINE_BYTES:
        count_now(session, made)
    return made
