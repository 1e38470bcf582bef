"""What people send to be read in: typed, pasted, or a file; kept first, then counted by an import."""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

from flask import Response, abort, request
from werkzeug.datastructures import FileStorage

from callcab.db import CabSession
from callcab.lib import csv_io
from callcab.lib.errors import DomainError, Invalid
from callcab.models import BlacklistSource, Operation, OperationRow, RowOutcome, StoredFile
from callcab.services import operation as operations
from callcab.services import stored_file
from callcab.services.listing import decode_id
from callcab.web.access import current_actor
from callcab.web.database import db
from callcab.web.telephony_words import BLACKLIST_SOURCES

UPLOAD_LIMIT = 100 * 1024 * 1024
TEXT_LIMIT = 2 * 1024 * 1024
# Up to so many bytes are counted within the request, so that the preview is there at once.
INLINE_BYTES = 64 * 1024
# As many refused rows as an operation keeps.
REJECTED_LIMIT = 10_000
WAYS = [
    (way.value, BLACKLIST_SOURCES[way])
    for way in (BlacklistSource.HAND, BlacklistSource.CLIPBOARD, BlacklistSource.FILE)
]


def keep_input(session: CabSession, customer_id: int | None) -> tuple[BlacklistSource, StoredFile]:
    """The way in that the form says, and what it holds as a file of the customer (None: of support).

    Raises Invalid for an empty form, FileError for a file that is refused whole, here and now (rule B5).
    """
    way, stream, name = _read_input()
    file = stored_file.upload(
        session,
        stream,
        name=name,
        content_type="application/octet-stream",
        customer_id=customer_id,
        created_by=current_actor().user_id,
        limit=UPLOAD_LIMIT,
    )
    if way is BlacklistSource.FILE:
        csv_io.sniff(stored_file.path(file))
    return way, file


def kept_or_404(text: str, customer_id: int | None) -> StoredFile:
    """The kept table that an address names; 404 for a foreign, unknown or expired one."""
    try:
        file = stored_file.get(db.session(), decode_id(text) or 0, customer_id=customer_id)
        csv_io.sniff(stored_file.path(file))
    except (DomainError, csv_io.FileError):
        abort(404)
    return file


def start_import(
    session: CabSession, name: str, file: StoredFile, params: dict[str, Any], *, customer_id: int | None
) -> Operation:
    """Have a kept file counted; a small one before the answer, so that the job finds nothing left to do."""
    made = operations.start_import(
        session, name=name, file=file, params=params, actor=current_actor(), customer_id=customer_id
    )
    if file.size <= INLINE_BYTES:
        attempt = operations.begin(session, made.id)
        with operations.Run(attempt) as run:
            while operations.step(session, made.id, run) is operations.Step.MORE:
                pass
    return made


def chosen_place(text: str, width: int) -> int | None:
    """The column (from 0) that a form names; None for one that a table of this width has not."""
    return {str(place): place for place in range(width)}.get(text)


def rejected_file(row: Operation, heading: Sequence[str], cells: Callable[[OperationRow], Sequence[Any]]) -> Response:
    """The refused rows of an import as CSV, to be put right and loaded again; ``cells`` makes the line of each."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    if heading:
        writer.writerow(heading)
    rows = operations.result_rows(db.session, row, outcome=RowOutcome.FAILED, after=0, limit=REJECTED_LIMIT)
    writer.writerows(cells(item) for item in rows)
    answer = Response("\ufeff" + text.getvalue(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="rejected-{row.id}.csv"'
    return answer


def _read_input() -> tuple[BlacklistSource, Any, str]:
    """Its way in, a binary stream, a file name."""
    way = request.form.get("way", "")
    if way == BlacklistSource.FILE.value:
        file: FileStorage | None = request.files.get("file")
        if file is None or not file.filename:
            raise Invalid("blacklist.no_file", field="file")
        return BlacklistSource.FILE, file.stream, file.filename
    source = BlacklistSource.CLIPBOARD if way == BlacklistSource.CLIPBOARD.value else BlacklistSource.HAND
    text = request.form.get("numbers", "").replace("\x00", "")
    if not text.strip():
        raise Invalid("blacklist.no_numbers", field="numbers")
    return source, io.BytesIO(text.encode("utf-8")), "numbers.txt"
