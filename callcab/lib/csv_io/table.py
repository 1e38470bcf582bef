"""Which columns of a table hold phones (rule B2)."""

import re
from dataclasses import dataclass

from callcab.lib import phone

_HEADER_WITHIN = 10
SAMPLE_ROWS = 100

_STRONG = re.compile(
    r"(?<![а-яё])тел(?!егр|о(?![а-яё])|ец)|(?<![а-яё])моб|(?<![а-яё])сот(?:ов|\.)"
    r"|(?<!i)(?<!smart)(?<!head)(?<!micro)phone|msisdn|mobile|(?<![a-z])(?:mob|tel)(?![a-z])",
    re.IGNORECASE,
)
_WEAK = re.compile(r"номер|(?<![a-z])number(?![a-z])", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?[\d\s().,-]*\d[\d\s().,-]*(?:E[+-]?\d+)?", re.IGNORECASE)

Row = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class Layout:
    """What a list file is.

    kind           text | xlsx
    encoding       of a text, else ""
    separator      of a text; "" is a plain list
    phone_columns  zero-based, in their order
    header_line    physical line (row) of the header; 0 = none
    header         its cells
    rows           about how many rows there are, for a progress bar
    """

    kind: str
    encoding: str
    separator: str
    phone_columns: tuple[int, ...]
    header_line: int
    header: tuple[str, ...]
    rows: int


def find_columns(sample: list[Row]) -> tuple[tuple[int, ...], int, tuple[str, ...]]:
    """Return (phone columns, line of the header or 0, cells of the header) from the first non-blank rows."""
    candidates: list[int] = []
    for index, (_, cells) in enumerate(sample):
        columns = _valid_columns(cells)
        if columns:
            return _decide(sample, candidates, index, columns)
        if index < _HEADER_WITHIN and _speaks_of_phones(cells):
            candidates.append(index)
    return _decide(sample, candidates, len(sample), [0])


def _decide(
    sample: list[Row], candidates: list[int], first: int, columns: list[int]
) -> tuple[tuple[int, ...], int, tuple[str, ...]]:
    """Take the first candidate whose columns really hold numbers: a title may speak of phones before the header."""
    data = [cells for _, cells in sample[first:]]
    for index in candidates:
        chosen = _header_columns(sample[index][1], data)
        if any(_holds_number(data, column) for column in chosen):
            return chosen, sample[index][0], tuple(sample[index][1])
    if candidates:
        number, cells = sample[candidates[0]]
        return _header_columns(cells, data), number, tuple(cells)
    return (columns[0],), 0, ()


def _header_columns(header: list[str], data: list[list[str]]) -> tuple[int, ...]:
    """Return all columns that speak of a phone; one that says only «номер» counts when numbers stand in it."""
    strong = [column for column, cell in enumerate(header) if _STRONG.search(cell)]
    weak = [column for column, cell in enumerate(header) if _WEAK.search(cell) and column not in strong]
    proven = [column for column in weak if _holds_number(data, column)]
    return tuple(sorted(strong + proven)) or tuple(weak)


def _holds_number(data: list[list[str]], column: int) -> bool:
    return any(column < len(cells) and _is_phone(cells[column]) for cells in data)


def _speaks_of_phones(cells: list[str]) -> bool:
    if any(_NUMBER.fullmatch(cell.strip()) for cell in cells):
        return False
    return any(_STRONG.search(cell) or _WEAK.search(cell) for cell in cells)


def _valid_columns(cells: list[str]) -> list[int]:
    return [column for column, cell in enumerate(cells) if _is_phone(cell)]


def _is_phone(cell: str) -> bool:
    try:
        phone.parse(cell)
    except phone.PhoneError:
        return False
    return True
