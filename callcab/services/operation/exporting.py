"""One chunk of an export: rows into a file that is offered as it grows, and kept only when it is whole (F-03, F-12)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.csv_io import CsvWriter
from callcab.lib.errors import Invalid
from callcab.lib.storage import Stored
from callcab.models import Operation
from callcab.services import listing, stored_file
from callcab.services.operation import following
from callcab.services.operation.archiving import Archive, add_members
from callcab.services.operation.catalogue import LOADED_ROWS, Work
from callcab.services.operation.columns import Words
from callcab.services.operation.lines import Lines

if TYPE_CHECKING:
    from callcab.services.operation.running import Run

KEPT_FOR = timedelta(hours=24)
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Rows of a sheet, without the heading.
XLSX_ROWS = 1_048_575


class Output(stored_file.Making):
    """The file being written, and how far the list has been read."""

    def __init__(self, heading: Sequence[str], *, as_xlsx: bool) -> None:
        super().__init__()
        self.position: list[Any] | None = None
        self.as_xlsx = as_xlsx
        self._csv = CsvWriter(self.draft, heading)
        self.lines: Lines | None = None
        self._book: Any = _workbook().Book(self.stack, heading) if as_xlsx else None

    def rows(self, cells: Iterable[Sequence[Any]]) -> None:
        if self._book is not None:
            self._book.rows(cells)
        else:
            self._csv.rows(cells)

    def raw(self, block: bytes) -> None:
        """Lines that PostgreSQL has written."""
        self._csv.flush()
        self.draft.write(block)

    def announce(self, operation: Operation, name: str, content_type: str) -> None:
        """Offer what there is of a text; a workbook has no beginning before its end."""
        if self._book is None:
            self._csv.flush()
            following.announce(operation, self.draft, name, content_type)

    def finish(self) -> Stored:
        if self._book is not None:
            self._book.copy_to(self.draft)
        else:
            self._csv.close()
        return super().finish()

    def drop(self, *, kept: bool) -> None:
        if self.lines is not None:
            self.lines.close()
        super().drop(kept=kept)


def _workbook() -> Any:
    """What writes workbooks: 2 MB that a dialer never needs."""
    return import_module("callcab.services.operation.workbook")


def chunk(session: CabSession, operation: Operation, work: Work, run: "Run", zone: ZoneInfo) -> bool:
    """Write the next rows; the last chunk names the file in the row of the operation."""
    output: Output | Archive
    if work.member is not None:
        ending, content_type = "zip", "application/zip"
        output, stored = add_members(session, operation, work, run)
    else:
        as_xlsx = operation.params.get("format") == "xlsx"
        ending = "xlsx" if as_xlsx else "csv"
        content_type = XLSX_TYPE if as_xlsx else "text/csv; charset=utf-8"
        output, stored = _rows(session, operation, work, run, zone, as_xlsx=as_xlsx)
    offered = following.announced(operation)
    name = offered.name if offered is not None else _file_name(work, ending, run.words, zone)
    if stored is None:
        output.announce(operation, name, content_type)
        return True
    file = stored_file.keep(
        session,
        stored,
        name=name,
        content_type=content_type,
        customer_id=operation.customer_id,
        created_by=operation.actor_id,
        lifetime=KEPT_FOR,
    )
    operation.output_file_id = file.id
    return False


def _rows(
    session: CabSession, operation: Operation, work: Work, run: "Run", zone: ZoneInfo, *, as_xlsx: bool
) -> tuple[Output, Stored | None]:
    """The next rows of a table; the whole file once there are no more."""
    assert operation.spec_name is not None  # noqa: S101 - an export has one
    spec = listing.get(operation.spec_name)
    state = listing.from_json(spec, operation.filter)
    columns = work.columns_for(operation.params)
    if not isinstance(run.output, Output):
        if as_xlsx and (operation.total or 0) > XLSX_ROWS:
            raise Invalid("operation.xlsx_too_long", limit=XLSX_ROWS)
        run.output = Output([item.heading(spec.name, run.words) for item in columns], as_xlsx=as_xlsx)
    output = run.output
    fast = not output.as_xlsx and all(column.is_plain for column in columns)
    writer = _lines if fast else _cells
    count, last = writer(session, operation, replace(work, columns=columns), output, state, zone, run.words)
    operation.done += count
    if last is not None:
        output.position = last
        return output, None
    return output, output.finish()


def _file_name(work: Work, ending: str, words: Words, zone: ZoneInfo) -> str:
    """What the operation is called on its page, and when: `Выгрузка счетов 2024-05-07 10-55.csv`."""
    code = f"job.{work.name}"
    title = words(code) if words(code) != code else work.name.partition(".")[0]
    return stored_file.clean_name(f"{title} {clock.now().astimezone(zone):%Y-%m-%d %H-%M}.{ending}")


Result = tuple[int, list[Any] | None]


def _cells(
    session: CabSession,
    operation: Operation,
    work: Work,
    output: Output,
    state: listing.ListState,
    zone: ZoneInfo,
    words: Words,
) -> Result:
    """Loaded rows, cell by cell."""
    spec = listing.get(str(operation.spec_name))
    size = min(work.chunk, LOADED_ROWS)
    rows = next(
        listing.iterate(
            session,
            spec,
            state,
            ids=operation.ids,
            customer_id=operation.customer_id,
            chunk=size,
            start=output.position,
        ),
        (),
    )
    output.rows([column.value(row, zone, words) for column in work.columns] for row in rows)
    last = listing.position_of(spec, state.sort, rows[-1]) if len(rows) == size else None
    return len(rows), last


def _lines(
    session: CabSession,
    operation: Operation,
    work: Work,
    output: Output,
    state: listing.ListState,
    zone: ZoneInfo,
    words: Words,
) -> Result:
    """Lines that PostgreSQL writes by itself, a part ahead."""
    if output.lines is None:
        spec = listing.get(str(operation.spec_name))
        chosen = listing.selection(spec, state, ids=operation.ids, customer_id=operation.customer_id)
        cells = [column.sql(zone, words) for column in work.columns]
        output.lines = Lines(session.scope, spec, state.sort, chosen, cells, work.chunk)
    part = output.lines.take()
    output.raw(part.text.encode())
    return part.rows, part.last
