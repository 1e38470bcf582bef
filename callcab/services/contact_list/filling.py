"""Numbers into a list: from a pasted text, or from a table whose columns a person has looked at.

Counted first, written after the person's word, as every import (rules B1-B6). What a list has already stays as it is:
the first spelling of a person wins.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock, csv_io
from callcab.lib import phone as phones
from callcab.lib.errors import Invalid, LimitReached
from callcab.models import ContactList, ListEntry, RowOutcome
from callcab.scope import Actor
from callcab.services import blacklist, bulk, operation
from callcab.services.contact_list.editing import MOST_ENTRIES, get, remove_entries
from callcab.services.operation import ExportColumn
from callcab.services.operation.catalogue import RowResult, Tally
from callcab.services.operation.undo_kinds import unmaking

MOST_VARIABLES = 20
LONGEST_VARIABLE = 40
# A workbook's reader keeps 200 letters of a cell: what it had to cut is one letter too long here, and refused.
LONGEST_VALUE = 199


@dataclass(frozen=True)
class Columns:
    """How a table is read: its phones stand in the column ``phone`` (from 0), rows up to the line ``header`` are no
    data, and ``variables`` gives a name to each column whose cells are kept."""

    phone: int
    header: int
    variables: dict[str, str]

    def stored(self) -> dict[str, Any]:
        """As JSON, with the operation."""
        return asdict(self)


@dataclass(frozen=True)
class Guess:
    """What a table looks like to us: its columns' titles, a few rows, and the reading that we propose."""

    titles: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...]
    columns: Columns
    first_line: int


@dataclass(frozen=True, slots=True)
class _Person:
    """A record as it was read; ``phone`` is 0 when ``reason`` says why it can't be kept."""

    line: int
    raw: str
    phone: int
    reason: str
    variables: dict[str, str]


def guess(path: Path) -> Guess:
    """Look at a table before it is loaded. Raises csv_io.FileError for a file that is refused whole (rule B5)."""
    layout = csv_io.sniff(path)
    rows = csv_io.first_rows(path)
    titles, sample = csv_io.as_shown(layout.header, rows, layout.header_line)
    phone = layout.phone_columns[0] if layout.phone_columns else 0
    named = [(str(place), title[:LONGEST_VARIABLE]) for place, title in enumerate(titles) if title and place != phone]
    variables: dict[str, str] = {}
    for place, title in named:
        if title.casefold() not in {known.casefold() for known in variables.values()}:
            variables[place] = title
    proposed = Columns(phone, layout.header_line, dict(list(variables.items())[:MOST_VARIABLES]))
    return Guess(titles, sample, proposed, rows[0].line if rows else 0)


def check_columns(columns: Columns, row: ContactList) -> Columns:
    """The reading with clean names. Raises Invalid with the field ``variable_N``, LimitReached for too many names."""
    clean: dict[str, str] = {}
    for place, name in columns.variables.items():
        text = " ".join(name.replace("\x00", "").split())
        if not text or int(place) == columns.phone:
            continue
        field = f"variable_{place}"
        if len(text) > LONGEST_VARIABLE:
            raise Invalid("field.too_long", field=field, limit=LONGEST_VARIABLE)
        if text.casefold() in {known.casefold() for known in clean.values()}:
            raise Invalid("contact_list.name_twice", field=field, name=text)
        clean[place] = text
    if len({*row.variables, *clean.values()}) > MOST_VARIABLES:
        raise LimitReached("contact_list.too_many_variables", limit=MOST_VARIABLES)
    return Columns(columns.phone, columns.header, clean)


def preview_chunk(
    session: CabSession, records: Sequence[Any], params: dict[str, Any], actor: Actor, memory: dict[str, Any]
) -> Tally:
    """Count new, known and refused records without writing; a repeat in the file is known."""
    seen: set[int] = memory.setdefault("seen", set())
    people, tally = _people(records, params)
    fresh = {person.phone for person in people} - seen
    known = _known(session, params["list_id"], sorted(fresh))
    tally.done = len(fresh - known)
    tally.known = len(people) - tally.done
    seen |= fresh
    memory["new"] = memory.get("new", 0) + tally.done
    _check_room(get(session, params["list_id"], customer_id=params["customer_id"]), memory["new"])
    return tally


def apply_chunk(
    session: CabSession, records: Sequence[Any], params: dict[str, Any], actor: Actor, memory: dict[str, Any]
) -> Tally:
    """Write the records of a chunk; the list's own row is locked, so that its count is right."""
    row = get(session, params["list_id"], customer_id=params["customer_id"], lock=True)
    people, tally = _people(records, params)
    first: dict[int, dict[str, str]] = {}
    for person in people:
        first.setdefault(person.phone, person.variables)
    tally.done = add(session, row, first, params["operation_id"])
    tally.known = len(people) - tally.done
    return tally


def add(
    session: CabSession, row: ContactList, people: dict[int, dict[str, str]], operation_id: int | None = None
) -> int:
    """Add numbers with their variables to a locked list; returns how many were new. Raises LimitReached.

    A number that another import brought before outlives the undoing of that one from now on.
    """
    if not people:
        return 0
    made = session.execute(
        sa.text(
            "INSERT INTO list_entry (contact_list_id, customer_id, phone, variables, operation_id, created_at)"
            " SELECT :list, :customer, number, CAST(variables AS jsonb), :operation, :now"
            " FROM unnest(CAST(:numbers AS bigint[]), CAST(:variables AS text[])) WITH ORDINALITY"
            " AS given (number, variables, place) ORDER BY place ON CONFLICT (contact_list_id, phone) DO NOTHING"
        ),
        {
            "list": row.id,
            "customer": row.customer_id,
            "numbers": list(people),
            "variables": [json.dumps(values, ensure_ascii=False) for values in people.values()],
            "operation": operation_id,
            "now": clock.now(),
        },
    )
    new = bulk.written(made)
    if new < len(people):
        session.execute(
            sa.update(ListEntry)
            .where(ListEntry.contact_list_id == row.id, ListEntry.phone == bulk.any_of([*people]))
            .where(ListEntry.operation_id != (operation_id or 0))
            .values(operation_id=None)
            .execution_options(synchronize_session=False)
        )
    _check_room(row, new)
    names = {name: None for values in people.values() for name in values}
    row.entries += new
    row.variables = list(dict.fromkeys([*row.variables, *names]))
    session.flush()
    return new


def read_table(path: Path, skip: int) -> Iterator[csv_io.TableRow]:
    """Rows of a list file, header and all: the operation knows which line it is."""
    return csv_io.read_rows(path, skip)


def _check_room(row: ContactList, more: int) -> None:
    if row.entries + more > MOST_ENTRIES:
        raise LimitReached("contact_list.full", limit=MOST_ENTRIES)


def _known(session: CabSession, list_id: int, numbers: Sequence[int]) -> set[int]:
    here = sa.and_(ListEntry.contact_list_id == list_id, ListEntry.phone == bulk.any_of(numbers))
    return set(session.scalars(sa.select(ListEntry.phone).where(here)))


def _people(records: Sequence[Any], params: dict[str, Any]) -> tuple[list[_Person], Tally]:
    """Who can be kept, and a tally that holds the refused ones; a header is neither."""
    tally, kept = Tally(), []
    columns = Columns(**params["columns"]) if "columns" in params else None
    for record in records:
        person = _of_record(record) if columns is None else _of_row(record, columns)
        if person is None:
            continue
        if not person.reason:
            kept.append(person)
            continue
        tally.failed += 1
        line = {"line": person.line} if person.line else None
        tally.rows.append(RowResult(outcome=RowOutcome.FAILED, reason=person.reason, text=person.raw, after=line))
    return kept, tally


def _of_record(record: csv_io.Record) -> _Person:
    if record.phone is None:
        return _Person(record.line, record.raw, 0, f"phone.{record.reason}", {})
    return _callable(record.phone, record.line, record.raw, {})


def _of_row(row: csv_io.TableRow, columns: Columns) -> _Person | None:
    if row.line <= columns.header:
        return None
    raw = row.cells[columns.phone] if columns.phone < len(row.cells) else ""
    values = {
        name: row.cells[int(place)].strip()
        for place, name in columns.variables.items()
        if int(place) < len(row.cells) and row.cells[int(place)].strip()
    }
    if any(len(value) > LONGEST_VALUE for value in values.values()):
        return _Person(row.line, raw[:120], 0, "contact_list.value_too_long", {})
    try:
        return _callable(phones.parse(raw), row.line, raw[:120], values)
    except phones.PhoneError as error:
        return _Person(row.line, raw[:120], 0, f"phone.{error.reason}", {})


def _callable(phone: phones.Phone, line: int, raw: str, values: dict[str, str]) -> _Person:
    """The robot rings mobile and fixed numbers only (rule T9)."""
    if not phones.is_dialable(phone):
        return _Person(line, raw, 0, "number.not_dialable", {})
    return _Person(line, raw, phones.to_int(phone.e164), "", values)


def variables_text(row: ListEntry) -> str:
    """`Имя: Иван; Сумма: 100`, for the download."""
    return "; ".join(f"{name}: {value}" for name, value in row.variables.items())


for _name, _read in (("contact_list.import", read_table), ("contact_list.paste", blacklist.read_pasted)):
    operation.register_import(
        _name,
        preview_chunk,
        apply_chunk,
        permission="contact_list.edit",
        read=_read,
        undo=unmaking(ListEntry, remove_entries),
    )
operation.register_export(
    "list_entry",
    (
        ExportColumn("phone", ListEntry.phone, phone=True),
        ExportColumn("variables", variables_text),
        ExportColumn("created_at", ListEntry.created_at),
        ExportColumn("list", lambda row: row.contact_list.name),
    ),
    permission="contact_list.export",
)
