"""What operations can do, by name: a stored operation knows only the name."""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

from callcab.db import CabSession
from callcab.lib.csv_io import read_phones
from callcab.lib.errors import DomainError, NotFound
from callcab.models import Operation, OperationKind, RowOutcome
from callcab.scope import Actor
from callcab.services import audit
from callcab.services.operation.columns import ExportColumn, Words

SERVICES_PACKAGE = "callcab.services"
CHUNK = 1_000
IMPORT_CHUNK = 5_000
# Rows of an export that are in memory at once where each is an object: ten thousand of them take 10 MB.
LOADED_ROWS = 2_000
ARCHIVE_CHUNK = 20
# Up to so many rows are done within the request.
INLINE_ROWS = 200


@dataclass(frozen=True, slots=True)
class RowResult:
    """What happened to one row; ``reason`` is an error code, ``text`` what the person knows the row by."""

    object_id: int | None = None
    outcome: RowOutcome = RowOutcome.DONE
    reason: str = ""
    text: str = ""
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


@dataclass(slots=True)
class Tally:
    """What a chunk did: counts, and rows worth keeping. For set-based handlers that make no object per row."""

    done: int = 0
    known: int = 0
    skipped: int = 0
    failed: int = 0
    rows: list[RowResult] = field(default_factory=list)

    @classmethod
    def of(cls, found: "Tally | Sequence[RowResult]") -> "Tally":
        if isinstance(found, Tally):
            return found
        tally = cls(rows=list(found))
        for row in tally.rows:
            name = row.outcome.value
            setattr(tally, name, getattr(tally, name) + 1)
        return tally


Handler = Callable[[CabSession, Sequence[Any], dict[str, Any], Actor], Tally | Sequence[RowResult]]
ImportHandler = Callable[
    [CabSession, Sequence[Any], dict[str, Any], Actor, dict[str, Any]], Tally | Sequence[RowResult]
]
# A row of an archive: its file's name and bytes.
Member = Callable[[CabSession, Any], tuple[str, bytes]]
Reader = Callable[[Path, int], Iterator[Any]]
Restore = Callable[[Sequence[Any]], list[Any]]
# Where undoing has come to: the number of the table and an id of it; None before the first chunk and after the last.
Place = tuple[int, int] | None
Check = Callable[[CabSession, Operation, Actor], None]


@dataclass(frozen=True)
class Undo:
    """How an operation is undone, made by ``undo_kinds``: ``chunk(session, operation, place, actor)`` undoes a part in
    one transaction and says where the next one begins; ``check`` refuses who may not undo although he may start. What
    the page says of it is the sentence ``operation.undo.<way>``; ``skips(session, operation)`` is how many rows could
    not be undone as things are, None when counting them takes long; ``kept``: it needs what ``keeping`` kept."""

    way: str
    chunk: Callable[[CabSession, Operation, Place, Actor], tuple[Tally, Place]]
    skips: Callable[[CabSession, Operation], int | None]
    kept: bool = True
    check: Check | None = None


@dataclass(frozen=True)
class Work:
    """One registered operation."""

    name: str
    kind: OperationKind
    permission: str
    chunk: int
    platform: str | None = None
    handler: Handler | None = None
    columns: Sequence[ExportColumn] = ()
    member: Member | None = None
    inline: int = INLINE_ROWS
    undo: Undo | None = None
    reads: Sequence[Any] = ()

    def permission_for(self, customer_id: int | None) -> str:
        """What starting it needs, and so confirming it: more when it is about no single customer but about all."""
        return self.platform if self.platform is not None and customer_id is None else self.permission

    def columns_for(self, params: dict[str, Any]) -> Sequence[ExportColumn]:
        """Those that the person chose, in the order of the file; all when he did not choose."""
        wanted = params.get("columns")
        return [column for column in self.columns if column.key in wanted] if wanted else self.columns


@dataclass(frozen=True, kw_only=True)
class ImportWork(Work):
    """One that reads a file in; its fields are told where it is registered."""

    preview: ImportHandler
    apply: ImportHandler
    read: Reader
    restore: Restore | None = None
    parallel: bool = False


_works: dict[str, Work] = {}


def register(
    name: str,
    handler: Handler,
    *,
    permission: str,
    chunk: int = CHUNK,
    inline: int = INLINE_ROWS,
    undo: Undo | None = None,
    reads: Sequence[Any] = (),
) -> None:
    """Something done to rows: ``handler(session, rows, params, actor)`` gives a RowResult per row, or a Tally.

    Up to ``inline`` rows are done within the request: fewer where a row takes long. ``params["operation_id"]`` is there
    for what ``undo`` will need (``keeping``); without ``undo`` people are told beforehand that there is no way back.
    ``reads`` are the only columns that a set-based handler looks at, with ``id``: an object for each row takes longer
    than what is done to it.
    It is called with at most ``chunk`` rows in one transaction and must be harmless when a chunk is rolled back.
    A DomainError that it raises fails the whole operation; ``per_row`` turns one into the result of its row.
    """
    _add(Work(name, OperationKind.ACTION, permission, chunk, handler=handler, inline=inline, undo=undo, reads=reads))


def register_import(
    name: str,
    preview: ImportHandler,
    apply: ImportHandler,
    *,
    permission: str,
    platform: str | None = None,
    read: Reader = read_phones,
    restore: Restore | None = None,
    chunk: int = IMPORT_CHUNK,
    parallel: bool = False,
    undo: Undo | None = None,
) -> None:
    """A file read in: ``preview`` counts without writing, ``apply`` writes.

    Both get ``(session, records, params, actor, memory)`` and give a Tally or RowResults, one count per record: done =
    new, known = there already, failed = refused. ``memory`` is a dict that lives as long as the reading of the file
    (repeats within the file); ``apply`` must do without it, since a killed worker loses it.
    ``read(path, skip)`` yields the records. With ``restore``, which makes records of what JSON leaves of them, writing
    takes what counting has read and reads nothing again (``counted``). ``parallel``: chunks may be written by several
    transactions at a time; a record that equals one of another such chunk is known (``callcab.jobs.parallel``).
    ``params["operation_id"]`` is there for the origin of a row. ``platform`` is the permission for a list without a
    customer, when that needs another one.
    """
    _add(
        ImportWork(
            name=name,
            kind=OperationKind.IMPORT,
            permission=permission,
            chunk=chunk,
            platform=platform,
            preview=preview,
            apply=apply,
            read=read,
            restore=restore,
            parallel=parallel,
            undo=undo,
        )
    )


def register_export(spec_name: str, columns: Sequence[ExportColumn], *, permission: str, chunk: int = 0) -> None:
    """A list written out with these columns; its operation is called ``<spec_name>.export``."""
    fast = all(column.is_plain for column in columns)
    size = chunk or (10_000 if fast else LOADED_ROWS)
    _add(Work(f"{spec_name}.export", OperationKind.EXPORT, permission, size, columns=tuple(columns)))


def register_archive(name: str, member: Member, *, permission: str, chunk: int = ARCHIVE_CHUNK) -> None:
    """Chosen rows as files in one ZIP: ``member(session, row)`` gives the name and the bytes of each."""
    _add(Work(name, OperationKind.EXPORT, permission, chunk, member=member, inline=0))


def _add(work: Work) -> None:
    if work.name in _works:
        raise ValueError(f"two operations are called {work.name}")
    _works[work.name] = work
    audit.allow(work.name)


def per_row(
    change: Callable[[CabSession, Any, dict[str, Any], Actor], RowResult | None], fields: Sequence[str] = ()
) -> Handler:
    """A handler that does one row after another; a refusal of the rules is rolled back and told for its row only.

    ``fields`` are those whose change is kept, before and after, for ``undo_kinds.reverting``.
    """

    def handler(session: CabSession, rows: Sequence[Any], params: dict[str, Any], actor: Actor) -> list[RowResult]:
        return [_one(session, row, params, actor) for row in rows]

    def _one(session: CabSession, row: Any, params: dict[str, Any], actor: Actor) -> RowResult:
        row_id, before = row.id, fields_of(row, fields)
        try:
            with session.begin_nested():
                result = change(session, row, params, actor)
            return result or _result(row_id, before, fields_of(row, fields))
        except DomainError as refusal:
            return RowResult(row_id, RowOutcome.FAILED, refusal.code)

    return handler


def _result(row_id: int, before: dict[str, Any], after: dict[str, Any]) -> RowResult:
    changed = [name for name in before if before[name] != after[name]]
    if not changed:
        return RowResult(row_id)
    return RowResult(
        row_id, before={name: before[name] for name in changed}, after={name: after[name] for name in changed}
    )


def fields_of(row: Any, names: Iterable[str]) -> dict[str, Any]:
    """The fields as JSON holds them: times in UTC, choices as their values."""
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.value if isinstance(value, Enum) else value


def work_of(name: str) -> Work:
    """The operation of that name. Raises NotFound ``operation.unknown``.

    A worker that never saw a page loads the sections here: every module of ``callcab.services``.
    """
    if name not in _works:
        _load()
    if name not in _works:
        raise NotFound("operation.unknown", name=name)
    return _works[name]


def import_of(name: str) -> ImportWork:
    """The import of that name. Raises as ``work_of``, and so for what is none."""
    work = work_of(name)
    if not isinstance(work, ImportWork):
        raise NotFound("operation.unknown", name=name)
    return work


def work_behind(operation: Operation) -> Work:
    """What it does; of an undoing, what the undone operation did. Raises as ``work_of``."""
    return work_of(operation.params["of"] if operation.undo_of_id is not None else operation.name)


def export_columns(name: str, words: Words) -> list[tuple[str, str]]:
    """Key and heading of each column that an export can have; none of an operation that writes no table."""
    work = work_of(name)
    return [(column.key, column.heading(name.rpartition(".")[0], words)) for column in work.columns]


def names() -> dict[str, Work]:
    """All operations, for sweeps."""
    _load()
    return dict(sorted(_works.items()))


def _load() -> None:
    package = importlib.import_module(SERVICES_PACKAGE)
    for module in pkgutil.walk_packages(package.__path__, f"{SERVICES_PACKAGE}."):
        importlib.import_module(module.name)
