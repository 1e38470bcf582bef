"""CSV for spreadsheets: UTF-8 with BOM, semicolons, CRLF, and no cell that a spreadsheet would run (rule B9)."""

import csv
import io
import re
from collections.abc import Iterable
from typing import Protocol

_FLUSH_AT = 1 << 16
_PHONE = re.compile(r"\+7(?:\(\d{3}\)\d{3}-\d\d-\d\d|\d{10})", re.ASCII)
# The full-width forms become the plain ones in some programs.
_DANGEROUS = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
_INVISIBLE = " \u00a0\u200b\u200c\u200d\u2060\ufeff\u200e\u200f"


class ByteSink(Protocol):
    """Anything that takes bytes."""

    def write(self, data: bytes, /) -> object: ...


def safe_cell(value: object) -> str:
    """Return the text of a cell. Free text that a spreadsheet would take for a formula gets a leading apostrophe.

    Numbers that are not text (int, Decimal) and phones stay as they are; None is an empty cell.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    first = value.lstrip(_INVISIBLE)[:1]
    if first in _DANGEROUS and first and _PHONE.fullmatch(value) is None:
        return "'" + value
    return value


class CsvWriter:
    """Writes rows to a binary file in blocks; call `close` (or leave the `with` block) to write the last one.

    The file itself stays open: it belongs to the caller.
    """

    def __init__(self, file: ByteSink, header: Iterable[object] = ()) -> None:
        self._file = file
        self._buffer = io.StringIO(newline="")
        self._csv = csv.writer(self._buffer, delimiter=";", lineterminator="\r\n")
        self._buffer.write("\ufeff")
        self.count = 0
        cells = [safe_cell(cell) for cell in header]
        if cells:
            self._csv.writerow(cells)

    def row(self, values: Iterable[object]) -> None:
        """Add one row; every cell goes through `safe_cell`."""
        self._csv.writerow([safe_cell(value) for value in values])
        self.count += 1
        if self._buffer.tell() >= _FLUSH_AT:
            self.flush()

    def rows(self, many: Iterable[Iterable[object]]) -> None:
        """Add many rows, none of them kept in memory."""
        for values in many:
            self.row(values)

    def flush(self) -> None:
        """Hand what is buffered to the file."""
        self._file.write(self._buffer.getvalue().encode())
        self._buffer.seek(0)
        self._buffer.truncate()

    def close(self) -> None:
        self.flush()

    def __enter__(self) -> "CsvWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
