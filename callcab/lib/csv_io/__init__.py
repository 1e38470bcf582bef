"""List files: phones in from CSV, TXT, XLSX or ZIP, tables out as CSV (rules B1-B9)."""

from callcab.lib.csv_io.reading import (
    Record,
    TableRow,
    as_shown,
    first_rows,
    read_numbers,
    read_phones,
    read_rows,
    sniff,
)
from callcab.lib.csv_io.revision import version
from callcab.lib.csv_io.source import FileError, Limits
from callcab.lib.csv_io.table import Layout
from callcab.lib.csv_io.writing import CsvWriter, safe_cell

__all__ = [
    "CsvWriter",
    "FileError",
    "Layout",
    "Limits",
    "Record",
    "TableRow",
    "as_shown",
    "first_rows",
    "read_numbers",
    "read_phones",
    "read_rows",
    "safe_cell",
    "sniff",
    "version",
]
