"""Bulk actions, imports and exports: one record each, done in chunks, resumed after any crash.

A section registers what it can do: ``register`` (something done to rows), ``register_import`` (a file read in),
``register_export`` (a list written out). A page starts it, a job carries it out; what a chunk did and where the next
one begins leave in the same commit, so a killed worker neither repeats nor loses a row.
"""

from callcab.services.operation.catalogue import (
    INLINE_ROWS,
    RowResult,
    Tally,
    export_columns,
    names,
    per_row,
    register,
    register_archive,
    register_export,
    register_import,
)
from callcab.services.operation.columns import ExportColumn
from callcab.services.operation.continuing import OVERLAP, can_continue, last_export, narrowed
from callcab.services.operation.following import BrokenOff, Unfinished, followed, whole
from callcab.services.operation.forecast import Forecast, Rules, forecast
from callcab.services.operation.parallel import Chunks, chunks_left, count_chunk, is_writing, write_chunk
from callcab.services.operation.reading import (
    downloads,
    get,
    may_confirm,
    may_download,
    may_handle,
    name_of_actor,
    note_download,
    result_rows,
)
from callcab.services.operation.running import (
    Run,
    Step,
    begin,
    fail,
    scope_of,
    step,
    when_failed,
    zone_of,
)
from callcab.services.operation.starting import cancel, confirm, inline_rows, run_inline, start, start_import
from callcab.services.operation.sweeping import sweep
from callcab.services.operation.undoing import (
    check_undo,
    is_undoable,
    may_undo,
    purge,
    undo,
    undo_skips,
    undo_until,
    undone_by,
    way_of,
)

__all__ = [
    "INLINE_ROWS",
    "OVERLAP",
    "BrokenOff",
    "Chunks",
    "ExportColumn",
    "Forecast",
    "RowResult",
    "Rules",
    "Run",
    "Step",
    "Tally",
    "Unfinished",
    "begin",
    "can_continue",
    "cancel",
    "check_undo",
    "chunks_left",
    "confirm",
    "count_chunk",
    "downloads",
    "export_columns",
    "fail",
    "forecast",
    "followed",
    "get",
    "inline_rows",
    "is_undoable",
    "is_writing",
    "last_export",
    "may_confirm",
    "may_download",
    "may_handle",
    "may_undo",
    "name_of_actor",
    "names",
    "narrowed",
    "note_download",
    "per_row",
    "purge",
    "register",
    "register_archive",
    "register_export",
    "register_import",
    "result_rows",
    "run_inline",
    "scope_of",
    "start",
    "start_import",
    "step",
    "sweep",
    "undo",
    "undo_skips",
    "undo_until",
    "undone_by",
    "way_of",
    "when_failed",
    "whole",
    "write_chunk",
    "zone_of",
]
