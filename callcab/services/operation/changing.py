"""One chunk of an action over rows.

Rows are walked by id, whatever the list's own order: a deed that changes what the list is sorted by must not meet a row
twice. They are locked, so that a handler may look and then write.
"""

from collections.abc import Sequence
from typing import Any

from callcab.db import CabSession
from callcab.models import Operation
from callcab.scope import Actor
from callcab.services import listing
from callcab.services.operation import keeping
from callcab.services.operation.catalogue import Tally, Work, work_behind


def chunk(session: CabSession, operation: Operation, work: Work, actor: Actor) -> tuple[Tally, bool]:
    """Hand the next rows to the handler. Raises Invalid ``list.stale`` when the list changed its filters since."""
    assert work.handler is not None and operation.spec_name is not None  # noqa: S101 - an action has both
    spec = listing.get(operation.spec_name)
    state = listing.from_json(spec, operation.filter)
    cursor = operation.cursor or {}
    key = spec.model.id
    statement = listing.selection(spec, state, ids=operation.ids, customer_id=operation.customer_id)
    # One that an older version started has no beginning yet.
    statement = statement.where(key > cursor.get("last", 0), key <= cursor["until"])
    statement = statement.order_by(key).limit(work.chunk).with_for_update(of=spec.model)
    rows: Sequence[Any]
    if work.reads:
        rows = session.execute(statement.with_only_columns(*work.reads)).unique().all()
    else:
        rows = session.scalars(statement.options(*spec.loaders)).unique().all()
    if not rows:
        return Tally(), False
    last = rows[-1].id
    params = {**operation.params, "operation_id": operation.id}
    tally = Tally.of(work.handler(session, rows, params, actor))
    if work.undo is not None:
        keeping.keep_changes(session, operation, spec.model, tally.rows)
    session.flush()
    operation.cursor = {**cursor, "last": last}
    return tally, len(rows) == work.chunk


def undo_chunk(session: CabSession, operation: Operation, actor: Actor) -> tuple[Tally, bool]:
    """Undo the next part of the operation that this one undoes."""
    undo = work_behind(operation).undo
    assert undo is not None and operation.undo_of_id is not None  # noqa: S101 - looked at when it was started
    cursor = operation.cursor or {}
    undone = session.get_one(Operation, operation.undo_of_id)
    tally, place = undo.chunk(session, undone, cursor.get("place"), actor)
    session.flush()
    operation.cursor = {**cursor, "place": place}
    return tally, place is not None
