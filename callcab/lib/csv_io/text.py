"""CSV and TXT: encoding, separator, rows. A row at a time, a stray quote costs one line, never the rest."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from callcab.lib.csv_io.source import FileError, Limits

_BLOCK = 1 << 18
_LONGEST_LINE = 1 << 16
_LONGEST_CELL_LINES = 20
_SAMPLE_LINES = 200
SEPARATORS = (";", "\t", ",", "|")

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d+\s*[EeЕе][+-]?\d)|(?<=\d{10}),(?=0+(?!\d))", re.ASCII)

Row = tuple[int, list[str]]
# The number of its first line, and the text.
Block = tuple[int, str]


def examine(file: BinaryIO, limits: Limits) -> tuple[str, int]:
    """Read the whole file once; return (encoding, number of lines). Raises FileError empty, binary, too_many_rows.

    The whole of it, because one letter in the last line decides between UTF-8 and windows-1251.
    """
    file.seek(0)
    head = file.read(4)
    file.seek(0)
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16", _count_lines(file, limits, codecs.getincrementaldecoder("utf-16")("replace"))
    decoder = codecs.getincrementaldecoder("utf-8")()
    utf8, lines, blank = True, 0, True
    carriage = False
    while block := file.read(_BLOCK):
        if _CONTROL.search(block):
            raise FileError("binary")
        carriage = carriage or (b"\r" in block and b"\n" not in block)
        lines += block.count(b"\r" if carriage else b"\n")
        blank = blank and not block.strip(b" \t\r\n\xef\xbb\xbf")
        if utf8:
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                utf8 = False
    file.seek(0)
    if blank:
        raise FileError("empty")
    if lines > limits.rows:
        raise FileError("too_many_rows")
    return ("utf-8-sig" if utf8 else "cp1251"), lines + 1


def _count_lines(file: BinaryIO, limits: Limits, decoder: codecs.IncrementalDecoder) -> int:
    lines, blank = 0, True
    while block := file.read(_BLOCK):
        text = decoder.decode(block)
        if "\x00" in text:
            raise FileError("binary")
        blank = blank and not text.strip(" \t\r\n\ufeff")
        lines += max(text.count("\n"), text.count("\r"))
    file.seek(0)
    if blank:
        raise FileError("empty")
    if lines > limits.rows:
        raise FileError("too_many_rows")
    return lines + 1


def find_separator(file: BinaryIO, encoding: str) -> str:
    """Return the separator that splits the most lines of the beginning; "" for a plain list."""
    counts = dict.fromkeys(SEPARATORS, 0)
    for number, line in _lines(blocks(file, encoding)):
        if number == 1 and line.lower().startswith("sep=") and line[4:5] in SEPARATORS:
            return line[4:5]
        bare = _DECIMAL_COMMA.sub(".", _QUOTED.sub("", line) if '"' in line else line)
        for separator in SEPARATORS:
            counts[separator] += separator in bare
        if number >= _SAMPLE_LINES:
            break
    best = max(SEPARATORS, key=counts.__getitem__)
    return best if counts[best] else ""


def rows(blocks: Iterable[Block], separator: str, limits: Limits) -> Iterator[Row]:
    """Yield (number of the first physical line, cells). Blank lines come as rows without text."""
    lines = _lines(blocks)
    waiting: list[tuple[int, str]] = []
    while True:
        number, line = waiting.pop(0) if waiting else next(lines, (0, ""))
        if not number:
            return
        if number == 1 and separator and line.lower().strip() == f"sep={separator}":
            continue
        if separator == "," and ("E" in line.upper() or "Е" in line.upper() or ",0" in line):
            line = _DECIMAL_COMMA.sub(".", line)
        if '"' not in line:
            cells = line.split(separator) if separator else [line]
        elif _quote_state(line, separator) == "open":
            line, waiting = _join(line, waiting, lines, separator)
            cells = _split_quoted(line, separator)
        else:
            cells = _split_quoted(line, separator)
        if len(cells) > limits.columns:
            raise FileError("too_many_columns")
        yield number, cells


def blocks(file: BinaryIO, encoding: str) -> Iterator[Block]:
    """Yield the text in blocks of whole lines without the last one's end; an endless line is cut, its rest skipped."""
    file.seek(0)
    # TextIOWrapper would close the caller's file when it is collected.
    reader = io.TextIOWrapper(
        io.BufferedReader(_Borrowed(file), _BLOCK), encoding=encoding, errors="replace", newline=None
    )
    before, rest = 0, ""
    # Divided by the block: asking the reader for each line takes as long as all else that is done to it.
    while read := reader.read(_LONGEST_LINE):
        lines, end, rest = (rest + read).rpartition("\n")
        if end:
            yield before + 1, lines
            before += lines.count("\n") + 1
        rest = rest[:_LONGEST_LINE]
    if rest:
        yield before + 1, rest


def _lines(blocks: Iterable[Block]) -> Iterator[tuple[int, str]]:
    """Yield numbered lines without their ends (LF, CRLF, CR)."""
    for first, block in blocks:
        for number, line in enumerate(block.split("\n"), first):
            yield number, line[:_LONGEST_LINE]


class _Borrowed(io.RawIOBase):
    """Reads from a file that somebody else owns and will close."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _quote_state(line: str, separator: str) -> str:
    """Tell how the quotes of a line end: closed, open (the last cell goes on), broken (text behind a quote)."""
    position = 0
    while True:
        if line[position : position + 1] == '"':
            match = _QUOTED.match(line, position)
            if match is None:
                return "open"
            position = match.end()
            if position < len(line) and line[position] != separator:
                return "broken"
        following = line.find(separator, position) if separator else -1
        if following < 0:
            return "closed"
        position = following + 1


def _join(
    line: str, waiting: list[tuple[int, str]], lines: Iterator[tuple[int, str]], separator: str
) -> tuple[str, list[tuple[int, str]]]:
    """Add the next lines until the open cell ends; if it does not soon, the quote was a stray one."""
    taken: list[tuple[int, str]] = []
    joined = line
    while len(taken) < _LONGEST_CELL_LINES and len(joined) < _LONGEST_LINE:
        following = waiting.pop(0) if waiting else next(lines, None)
        if following is None:
            break
        taken.append(following)
        joined = f"{joined}\n{following[1]}"
        state = _quote_state(joined, separator) if '"' in following[1] else "open"
        if state == "closed":
            return joined, waiting
        if state == "broken":
            break
    return line.replace('"', ""), taken + waiting


def _split_quoted(line: str, separator: str) -> list[str]:
    if not separator:
        # A plain list: ="8925..." must stay as it is.
        return [line]
    try:
        return next(csv.reader(line.splitlines(keepends=True), delimiter=separator), [])
    except csv.Error:
        return line.replace('"', "").split(separator)
