"""Phones of a list file, one record at a time (rules B1-B5)."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, count, islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from callcab.lib import phone
from callcab.lib.csv_io import text, workbook
from callcab.lib.csv_io.source import Limits, Source, open_source
from callcab.lib.csv_io.table import SAMPLE_ROWS, Layout, find_columns

MAX_RAW = 120
_DEFAULT = Limits()
# Rows that a person is shown of a table.
_SHOWN = 5

Row = tuple[int, list[str]]
# Line and text.
Cell = tuple[int, str]


class Record(NamedTuple):
    """One phone cell of a data row.

    place   0, 1, 2 ... without gaps, the same on every reading of the file: what a stopped import goes on from
    line    physical line of the text, or row of the sheet, from 1
    phone   set when the cell is a number, else `reason` is (rule T11)
    raw     the cell as it stands, shortened
    """

    place: int
    line: int
    phone: phone.Phone | None
    reason: str | None
    raw: str


class TableRow(NamedTuple):
    """A row that is not blank, with all its cells as text; ``line`` as in `Record`."""

    line: int
    cells: list[str]


def sniff(file: str | Path | BinaryIO, limits: Limits = _DEFAULT) -> Layout:
    """Tell what the file is and where its phones stand. Raises FileError for a file that is refused whole."""
    with ExitStack() as stack:
        source = open_source(file, limits, stack)
        return _layout(source, limits)


def read_phones(file: str | Path | BinaryIO, skip_records: int = 0, limits: Limits = _DEFAULT) -> Iterator[Record]:
    """Yield the records of a CSV, TXT, XLSX or ZIP file in constant memory.

    file          a path, or a binary file, which stays open
    skip_records  leave out records of a smaller place, without reading their numbers
    raises        FileError, at the call and before any record: what is refused whole gives nothing
    """
    source, layout, stack = _open(file, limits)
    cells = islice(_phone_cells(_rows(source, layout, limits), layout), skip_records, None)
    return _closing(stack, _records(cells, skip_records))


def read_numbers(
    file: str | Path | BinaryIO, skip_records: int = 0, limits: Limits = _DEFAULT
) -> Iterator[int | Record]:
    """As `read_phones`, but a record that is a number is the number alone, its eleven digits.

    For lists that keep nothing else: what is made for each of a million lines takes longer than reading them.
    """
    source, layout, stack = _open(file, limits)
    if source.archive is None and not layout.separator and layout.phone_columns == (0,) and not skip_records:
        return _closing(stack, _plain_numbers(text.blocks(source.file, layout.encoding), layout, limits))
    cells = islice(_phone_cells(_rows(source, layout, limits), layout), skip_records, None)
    return _closing(stack, _numbers(cells, skip_records))


def read_rows(file: str | Path | BinaryIO, skip_rows: int = 0, limits: Limits = _DEFAULT) -> Iterator[TableRow]:
    """Yield the rows of a list file that are not blank, its header among them, in constant memory.

    skip_rows  leave out so many of them
    raises     as `read_phones`
    """
    source, layout, stack = _open(file, limits)
    rows = (TableRow(line, cells) for line, cells in _rows(source, layout, limits) if not _is_blank(cells))
    return _closing(stack, islice(rows, skip_rows, None))


def first_rows(file: str | Path | BinaryIO) -> list[TableRow]:
    """As many rows as a person needs to see what the columns are. Raises as `read_phones`."""
    return list(islice(read_rows(file), SAMPLE_ROWS))


def as_shown(
    header: Sequence[str], rows: Sequence[TableRow], behind: int
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """The titles of all columns, and a few rows behind the line ``behind``, all as wide as the widest of them."""
    data = [row.cells for row in rows if row.line > behind]
    width = max((len(cells) for cells in (*data, header)), default=1)
    titles, *sample = ((*cells, *[""] * (width - len(cells))) for cells in (header, *data[:_SHOWN]))
    return tuple(cell.strip() for cell in titles), tuple(sample)


def _layout(source: Source, limits: Limits) -> Layout:
    encoding = separator = ""
    if source.archive is not None:
        count = workbook.examine(source.archive, limits)
    else:
        encoding, count = text.examine(source.file, limits)
        separator = text.find_separator(source.file, encoding)
    draft = Layout(source.kind, encoding, separator, (), 0, (), count)
    sample = list(islice((row for row in _rows(source, draft, limits) if not _is_blank(row[1])), SAMPLE_ROWS))
    columns, header_line, header = find_columns(sample)
    return Layout(source.kind, encoding, separator, columns, header_line, header, count)


def _rows(source: Source, layout: Layout, limits: Limits) -> Iterator[Row]:
    if source.archive is not None:
        return workbook.rows(source.archive, limits)
    return text.rows(text.blocks(source.file, layout.encoding), layout.separator, limits)


def _open(file: str | Path | BinaryIO, limits: Limits) -> tuple[Source, Layout, ExitStack]:
    """A file that may be read; raises FileError now, not with the first of its rows."""
    with ExitStack() as stack:
        source = open_source(file, limits, stack)
        layout = _layout(source, limits)
        return source, layout, stack.pop_all()


def _is_blank(cells: list[str]) -> bool:
    return not "".join(cells).strip()


def _records(cells: Iterable[Cell], first: int) -> Iterator[Record]:
    for place, (line, raw) in enumerate(cells, first):
        try:
            yield Record(place, line, phone.parse(raw), None, raw[:MAX_RAW])
        except phone.PhoneError as error:
            yield Record(place, line, None, error.reason, raw[:MAX_RAW])


def _numbers(cells: Iterable[Cell], first: int) -> Iterator[int | Record]:
    number = phone.number
    for place, (line, raw) in enumerate(cells, first):
        try:
            yield number(raw)
        except phone.PhoneError as error:
            yield Record(place, line, None, error.reason, raw[:MAX_RAW])


def _plain_numbers(blocks: Iterator[text.Block], layout: Layout, limits: Limits) -> Iterator[int | Record]:
    """As `_numbers` of a text without columns, a block at a time: most lines are a number in a usual spelling."""
    place = 0
    for start, block in blocks:
        if '"' in block:
            # What is quoted may go on in the next line.
            rows = text.rows(chain([(start, block)], blocks), layout.separator, limits)
            yield from _numbers(_phone_cells(rows, layout), place)
            return
        first = max(start, layout.header_line + 1)
        lines = block.split("\n")[first - start :]
        for line, raw, number in zip(count(first), lines, phone.plain_numbers(lines), strict=False):
            if number:
                yield number
            elif raw.strip():
                yield from _numbers([(line, raw)], place)
            else:
                continue
            place += 1


def _phone_cells(rows: Iterable[Row], layout: Layout) -> Iterator[Cell]:
    """Line and text of each phone cell that is not empty; a row with none gives one empty text, a blank row nothing."""
    columns, header = layout.phone_columns, layout.header_line
    for line, cells in rows:
        if line <= header:
            continue
        found = False
        for column in columns:
            if column < len(cells) and cells[column].strip():
                found = True
                yield line, cells[column]
        if not found and not _is_blank(cells):
            yield line, ""


def _closing(stack: ExitStack, records: Iterable[Any]) -> Iterator[Any]:
    """The records, and then the end of what was opened for them."""
    with stack:
        yield from records
