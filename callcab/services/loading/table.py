"""A table of rows: which column holds what, each row looked at before any is written.

A section names its fields and gives two functions. ``judge(session, rows, params)`` says of each row what it is known
by, and "" (new), KNOWN or the code of why it is refused; ``write(session, rows, params, actor)`` stores new ones and
says which lines it had to refuse after all. The rest is an import like any other: counted first, written after the
person's word, in chunks, resumed after a crash (``services.operation``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from callcab.db import CabSession
from callcab.lib import csv_io
from callcab.lib.errors import Invalid, NotFound
from callcab.models import RowOutcome
from callcab.scope import Actor
from callcab.services import operation
from callcab.services.operation.catalogue import RowResult, Tally, Undo

KNOWN = "known"
_SHOWN = 120


@dataclass(frozen=True)
class Field:
    """What a column may hold; ``words`` are parts of a heading, in lower case, by which it is guessed."""

    key: str
    words: tuple[str, ...]
    required: bool = False


@dataclass(frozen=True)
class Columns:
    """How a table is read: rows up to the line ``header`` are no data; ``fields`` says in which column (from 0) each
    field stands; ``titles`` are the headings, for the file of refused rows."""

    header: int
    fields: dict[str, int]
    titles: tuple[str, ...] = ()

    def stored(self) -> dict[str, Any]:
        """As JSON, with the operation."""
        return asdict(self)


@dataclass(frozen=True)
class Guess:
    """What a table looks like: titles of its columns, a few rows, the reading that we propose, its first line."""

    titles: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...]
    columns: Columns
    first_line: int


@dataclass(frozen=True, slots=True)
class Row:
    """A data row; ``values`` are the cells of the chosen columns, stripped."""

    line: int
    cells: list[str]
    values: dict[str, str]


Judge = Callable[[CabSession, Sequence[Row], dict[str, Any]], list[tuple[str, str]]]
Write = Callable[[CabSession, Sequence[Row], dict[str, Any], Actor], Mapping[int, str]]


@dataclass(frozen=True)
class Table:
    """One kind of table; its operation has the same name.

    again   is told what known rows are known by: they stay when the load that brought them is undone
    """

    name: str
    fields: tuple[Field, ...]
    judge: Judge
    write: Write
    permission: str
    again: Callable[[CabSession, Sequence[str]], None] | None = None

    def preview(
        self, session: CabSession, records: Sequence[Any], params: dict[str, Any], actor: Actor, memory: dict[str, Any]
    ) -> Tally:
        """Count a chunk without writing."""
        return self._sorted(session, _rows(records, params), params, memory)[0]

    def apply(
        self, session: CabSession, records: Sequence[Any], params: dict[str, Any], actor: Actor, memory: dict[str, Any]
    ) -> Tally:
        """Write the new rows of a chunk."""
        tally, new, known = self._sorted(session, _rows(records, params), params, memory)
        if known and self.again is not None:
            self.again(session, known)
        refused = self.write(session, new, params, actor) if new else {}
        for row in new:
            if row.line in refused:
                _refuse(tally, row, refused[row.line])
                tally.done -= 1
        return tally

    def _sorted(
        self, session: CabSession, rows: list[Row], params: dict[str, Any], memory: dict[str, Any]
    ) -> tuple[Tally, list[Row], list[str]]:
        seen: set[str] = memory.setdefault("seen", set())
        tally, new, known = Tally(), [], list[str]()
        for row, (key, verdict) in zip(rows, self.judge(session, rows, params), strict=True):
            if verdict == KNOWN or (not verdict and key in seen):
                tally.known += 1
                known += [key] if verdict else []
            elif verdict:
                _refuse(tally, row, verdict)
            else:
                seen.add(key)
                new.append(row)
        tally.done = len(new)
        return tally, new, known


_tables: dict[str, Table] = {}


def register(table: Table, *, chunk: int, undo: Undo | None = None) -> None:
    """Offer a table; ``chunk`` rows are looked at and written in one transaction."""
    _tables[table.name] = table
    operation.register_import(
        table.name,
        table.preview,
        table.apply,
        permission=table.permission,
        read=csv_io.read_rows,
        chunk=chunk,
        undo=undo,
    )


def get(name: str) -> Table:
    """The table of that name. NotFound ``operation.unknown``."""
    operation.names()
    if name not in _tables:
        raise NotFound("operation.unknown", name=name)
    return _tables[name]


def guess(path: Path, table: Table) -> Guess:
    """Look at a table before it is loaded. Raises csv_io.FileError for a file that is refused whole."""
    rows = csv_io.first_rows(path)
    first = rows[0].cells if rows else []
    named = _named(first, table)
    header = rows[0].line if named else 0
    titles, sample = csv_io.as_shown(first if named else (), rows, header)
    places = named or {field.key: place for place, field in enumerate(table.fields) if place < len(titles)}
    return Guess(titles, sample, Columns(header, places, titles), rows[0].line if rows else 0)


def _named(cells: Sequence[str], table: Table) -> dict[str, int]:
    """Which columns the headings name; none when no required field is among them: then it is no header."""
    found: dict[str, int] = {}
    for field in table.fields:
        for place, cell in enumerate(cells):
            if place not in found.values() and any(word in cell.casefold() for word in field.words):
                found[field.key] = place
                break
    needed = {field.key for field in table.fields if field.required}
    return found if needed & found.keys() else {}


def check_columns(columns: Columns, table: Table) -> Columns:
    """The reading, if it can be used. Invalid ``loading.column_missing`` or ``loading.column_twice`` with the field."""
    for field in table.fields:
        if field.required and field.key not in columns.fields:
            raise Invalid("loading.column_missing", field=field.key)
    places = list(columns.fields.values())
    for key, place in columns.fields.items():
        if places.count(place) > 1:
            raise Invalid("loading.column_twice", field=key)
    return columns


def titled(params: Mapping[str, Any]) -> list[str] | None:
    """The headings of a loaded table; None of an operation that loaded none."""
    columns = params.get("columns")
    return list(columns["titles"]) if isinstance(columns, dict) and "titles" in columns else None


def _rows(records: Sequence[csv_io.TableRow], params: dict[str, Any]) -> list[Row]:
    columns = Columns(**params["columns"])
    return [
        Row(
            record.line,
            record.cells,
            {
                key: record.cells[place].replace("\x00", "").strip() if place < len(record.cells) else ""
                for key, place in columns.fields.items()
            },
        )
        for record in records
        if record.line > columns.header
    ]


def _refuse(tally: Tally, row: Row, reason: str) -> None:
    tally.failed += 1
    tally.rows.append(
        RowResult(
            outcome=RowOutcome.FAILED,
            reason=reason,
            text="; ".join(cell.strip() for cell in row.cells if cell.strip())[:_SHOWN],
            after={"line": row.line, "cells": [cell.replace("\x00", "") for cell in row.cells]},
        )
    )
