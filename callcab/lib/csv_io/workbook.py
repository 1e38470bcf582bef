"""The first sheet of an XLSX file, streamed.

Not through a spreadsheet library: those build the whole sheet in memory, as a rectangle, with each shared text copied
into each cell that names it, so a file of a few kilobytes can ask for gigabytes. Here one row is in memory at a time.
"""

import re
import zipfile
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import PurePosixPath
from typing import Any
from xml.parsers import expat

from callcab.lib.csv_io.source import FileError, Limits, unpack

Row = tuple[int, list[str]]

_MAX_TEXT = 200
_MAX_SHARED = 2_000_000
_CELL = re.compile(r"([A-Z]{1,3})(\d{1,7})", re.ASCII)
_BUILT_IN_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_NOT_DATE = re.compile(r'"[^"]*"|\\.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|general', re.IGNORECASE)
_DATE_LETTER = re.compile(r"[dmyhs]", re.IGNORECASE)


def examine(archive: zipfile.ZipFile, limits: Limits) -> int:
    """Unpack and check every part that will be read; return about how many rows there are. Raises FileError.

    After this the rows can be given out without fear that the file breaks in the middle.
    """
    sheet = _first_sheet(archive, limits)
    left, rows = limits.unpacked, 0
    for name in ("xl/sharedStrings.xml", "xl/styles.xml", sheet):
        member = _member(archive, name)
        if member is None:
            continue
        parser = _parser()
        for block in unpack(archive, member, left):
            left -= len(block)
            rows += block.count(b"<row") if name == sheet else 0
            _feed(parser, block)
        _feed(parser, b"", True)
    if rows > limits.rows:
        raise FileError("too_many_rows")
    return rows


def rows(archive: zipfile.ZipFile, limits: Limits) -> Iterator[Row]:
    """Yield (row number, cells as text). Dates and booleans come as words, so that they are never numbers (B4)."""
    shared = _shared_strings(archive, limits)
    reader = _SheetReader(shared, _date_styles(archive, limits), limits)
    member = _member(archive, _first_sheet(archive, limits))
    assert member is not None
    for block in unpack(archive, member, limits.unpacked):
        _feed(reader.parser, block)
        yield from reader.take()
    _feed(reader.parser, b"", True)
    yield from reader.take()


def _member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo | None:
    try:
        return archive.getinfo(name)
    except KeyError:
        return None


def _parser() -> Any:
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser


def _refuse_doctype(*_: object) -> None:
    raise FileError("bomb")


def _feed(parser: Any, block: bytes, last: bool = False) -> None:
    try:
        parser.Parse(block, last)
    except expat.ExpatError as error:
        raise FileError("unreadable") from error


def _elements(archive: zipfile.ZipFile, name: str, limits: Limits) -> list[tuple[str, dict[str, str]]]:
    """Return (local name, attributes by local name) of a small part, in order; [] if there is no such part."""
    member = _member(archive, name)
    if member is None:
        return []
    found: list[tuple[str, dict[str, str]]] = []
    parser = _parser()
    parser.StartElementHandler = lambda tag, attributes: found.append(
        (_local(tag), {_local(key): value for key, value in attributes.items()})
    )
    for block in unpack(archive, member, min(limits.unpacked, 8 << 20)):
        _feed(parser, block)
    _feed(parser, b"", True)
    return found


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _first_sheet(archive: zipfile.ZipFile, limits: Limits) -> str:
    """Return the part that holds the first sheet, as the workbook orders them."""
    sheets = [attributes for tag, attributes in _elements(archive, "xl/workbook.xml", limits) if tag == "sheet"]
    links = {
        attributes.get("Id"): attributes.get("Target", "")
        for tag, attributes in _elements(archive, "xl/_rels/workbook.xml.rels", limits)
        if tag == "Relationship"
    }
    target = links.get(sheets[0].get("id")) if sheets else None
    if not target:
        raise FileError("unreadable")
    path = target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)
    if _member(archive, path) is None:
        raise FileError("unreadable")
    return path


def _date_styles(archive: zipfile.ZipFile, limits: Limits) -> frozenset[str]:
    """Return the style numbers (attribute `s` of a cell) that show a number as a date or a time."""
    dates = set(_BUILT_IN_DATES)
    styles: list[int] = []
    inside = False
    for tag, attributes in _elements(archive, "xl/styles.xml", limits):
        if tag == "numFmt" and _DATE_LETTER.search(_NOT_DATE.sub("", attributes.get("formatCode", ""))):
            dates.add(_whole(attributes.get("numFmtId")))
        elif tag in ("cellXfs", "cellStyles", "dxfs"):
            inside = tag == "cellXfs"
        elif tag == "xf" and inside:
            styles.append(_whole(attributes.get("numFmtId")))
    return frozenset(str(index) for index, code in enumerate(styles) if code in dates)


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


def _shared_strings(archive: zipfile.ZipFile, limits: Limits) -> list[str]:
    member = _member(archive, "xl/sharedStrings.xml")
    reader = _SharedReader()
    if member is not None:
        for block in unpack(archive, member, limits.unpacked):
            _feed(reader.parser, block)
        _feed(reader.parser, b"", True)
    return reader.texts


class _SharedReader:
    """Collects <si>; phonetic hints (<rPh>) are no text."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._parts: list[str] = []
        self._reading = self._hint = False
        self.parser = _parser()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = _local(tag)
        if name == "t":
            self._reading = not self._hint
        elif name == "rPh":
            self._hint = True

    def _end(self, tag: str) -> None:
        name = _local(tag)
        if name == "t":
            self._reading = False
        elif name == "rPh":
            self._hint = False
        elif name == "si":
            if len(self.texts) >= _MAX_SHARED:
                raise FileError("bomb")
            self.texts.append("".join(self._parts)[:_MAX_TEXT])
            self._parts = []

    def _text(self, data: str) -> None:
        if self._reading and len(self._parts) < _MAX_TEXT:
            self._parts.append(data[:_MAX_TEXT])


class _SheetReader:
    """Turns the events of a sheet into rows. Cells without an address stand next to the one before."""

    def __init__(self, shared: list[str], dates: frozenset[str], limits: Limits) -> None:
        self._shared, self._dates, self._limits = shared, dates, limits
        self._rows: list[Row] = []
        self._number = self._column = 0
        self._cells: list[str] = []
        self._kind = self._style = ""
        self._value: list[str] | None = None
        self._parts: list[str] = []
        self.parser = _parser()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def take(self) -> list[Row]:
        ready, self._rows = self._rows, []
        return ready

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = _local(tag)
        if name == "c":
            self._begin_cell(attributes)
        elif name in ("v", "t"):
            self._value = self._parts
        elif name == "row":
            self._number = _whole(attributes.get("r")) or self._number + 1
            self._cells, self._column = [], 0

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        match = _CELL.fullmatch(attributes.get("r", ""))
        self._column = _column_number(match.group(1)) if match else self._column + 1
        if self._column > self._limits.columns:
            raise FileError("too_many_columns")
        self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "0")
        self._parts = []

    def _end(self, tag: str) -> None:
        name = _local(tag)
        if name in ("v", "t"):
            self._value = None
        elif name == "c":
            text = self._cell_text("".join(self._parts)[:_MAX_TEXT])
            if text:
                self._cells += [""] * (self._column - len(self._cells))
                self._cells[self._column - 1] = text
        elif name == "row":
            self._rows.append((self._number, self._cells))

    def _text(self, data: str) -> None:
        if self._value is not None and len(self._value) < _MAX_TEXT:
            self._value.append(data[:_MAX_TEXT])

    def _cell_text(self, raw: str) -> str:
        if self._kind == "s":
            index = _whole(raw.strip())
            return self._shared[index] if index < len(self._shared) else ""
        if self._kind == "b":
            return "TRUE" if raw.strip() == "1" else "FALSE"
        if self._kind == "d":
            return f"date {raw}"
        if self._kind != "n" or not raw:
            return raw
        return f"date {raw}" if self._style in self._dates else number_text(raw)


def number_text(raw: str) -> str:
    """Write the stored number of a cell with all its digits: 7.9253944577E10 -> 79253944577 (rule B4)."""
    if raw.isdigit():
        return raw
    try:
        number = Decimal(raw.strip())
    except InvalidOperation:
        return raw
    if number.is_finite() and abs(number.adjusted()) < 30 and number == number.to_integral_value():
        return str(int(number))
    return raw


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
