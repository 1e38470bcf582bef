"""What an operation must remember to be undone: the rows that it deletes, and the fields that it changes.

``remove`` and ``keep`` are for handlers that delete rows; what a handler says in ``RowResult.before`` and ``after`` is
kept by itself. ``params["operation_id"]`` is there for them.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.models import Operation, RowOutcome, UndoChunk
from callcab.services.operation.catalogue import RowResult

# Rows kept in one; undoing takes about as many in one transaction.
SIZE = 5_000
# Chunks that one transaction takes at most, however small they are.
FEW = 500


def remove(session: CabSession, model: Any, column: Any, values: Sequence[int], operation_id: int) -> Sequence[int]:
    """Delete the rows of ``model`` whose ``column`` is one of the values and keep them whole: their ids.

    One statement, about three times as long as deleting alone. Only rows that the session's scope lets it see.
    """
    return _keep(
        session, "DELETE FROM {table} WHERE {column} = ANY(:values) RETURNING *", model, column, values, operation_id
    )


def keep(session: CabSession, model: Any, column: Any, values: Sequence[int], operation_id: int) -> None:
    """Keep such rows whole and leave it to the caller to delete them, in the same transaction."""
    session.flush()
    _keep(session, "SELECT * FROM {table} WHERE {column} = ANY(:values)", model, column, values, operation_id)


def _keep(
    session: CabSession, source: str, model: Any, column: Any, values: Sequence[int], operation_id: int
) -> Sequence[int]:
    table = model.__table__.name
    # No word of a person in it: names of tables and columns come from the models.
    statement = (
        f"WITH found AS ({source.format(table=table, column=column.name)}),"  # noqa: S608
        " placed AS (SELECT found, id, customer_id,"
        " (row_number() OVER (PARTITION BY customer_id ORDER BY id) - 1) / :size AS part FROM found),"
        " kept AS (INSERT INTO undo_chunk (operation_id, table_name, first_id, customer_id, size, rows)"
        " SELECT :operation, :table, min(id), customer_id, count(*), json_agg(found ORDER BY id)"
        " FROM placed GROUP BY customer_id, part)"
        " SELECT id FROM found"
    )
    given = {"values": list(values), "size": SIZE, "operation": operation_id, "table": table}
    return session.scalars(sa.text(statement), given).all()


def keep_changes(session: CabSession, operation: Operation, model: Any, rows: Sequence[RowResult]) -> None:
    """Keep what was done to rows of ``model``, of those that say it. Not flushed."""
    changed = [
        (row.object_id, {"id": row.object_id, "before": row.before, "after": row.after})
        for row in rows
        if row.outcome is RowOutcome.DONE and row.object_id and row.before and row.after
    ]
    if changed:
        session.add(
            UndoChunk(
                operation_id=operation.id,
                table_name=model.__table__.name,
                first_id=min(row_id for row_id, _ in changed),
                customer_id=operation.customer_id,
                size=len(changed),
                rows=[change for _, change in changed],
            )
        )


def next_ids(session: CabSession, operation: Operation, model: Any, after: int) -> tuple[int, int]:
    """The next kept rows of a table behind ``after``: the first id of their last chunk, and how many they are; (0, 0) =
    none. Several small chunks make one step."""
    found = session.execute(
        _chunks(operation, model, after)
        .with_only_columns(UndoChunk.first_id, UndoChunk.size)
        .order_by(UndoChunk.first_id)
        .limit(FEW)
    )
    last = count = 0
    for first_id, size in found:
        if count and count + size > SIZE:
            break
        last, count = first_id, count + size
    return last, count


def kept_rows(session: CabSession, operation: Operation, model: Any, after: int, last: int) -> list[dict[str, Any]]:
    """The rows of those chunks."""
    chunks = session.scalars(
        _chunks(operation, model, after).where(UndoChunk.first_id <= last).order_by(UndoChunk.first_id)
    )
    return [row for chunk in chunks for row in chunk.rows]


def all_rows(session: CabSession, operation: Operation, model: Any) -> list[dict[str, Any]]:
    """Every kept row of a table. For a few thousand at most."""
    return [row for chunk in session.scalars(_chunks(operation, model, 0)) for row in chunk.rows]


def taken(session: CabSession, operation: Operation, model: Any) -> int | None:
    """How many kept rows would not find their place free: by the unique constraint of their table, None without one."""
    table = model.__table__
    unique = next((item for item in table.constraints if isinstance(item, sa.UniqueConstraint)), None)
    if unique is None:
        return None
    # Written so that the index of a column that is never empty serves.
    same = " AND ".join(
        f"there.{column.name} {'IS NOT DISTINCT FROM' if column.nullable else '='} kept.{column.name}"
        for column in unique.columns
    )
    statement = (
        f"SELECT count(*) FROM undo_chunk AS chunk, json_populate_recordset(CAST(NULL AS {table.name}), chunk.rows)"  # noqa: S608
        " AS kept WHERE chunk.operation_id = :operation AND chunk.table_name = :table"
        f" AND EXISTS (SELECT FROM {table.name} AS there WHERE {same})"
    )
    found: int = session.scalars(sa.text(statement), {"operation": operation.id, "table": table.name}).one()
    return found


def put_back(
    session: CabSession, operation: Operation, model: Any, after: int, last: int, needs: Sequence[Any]
) -> set[int]:
    """Insert the rows of those chunks as they were: the ids of those that found their place free.

    needs   columns that name a row of another table which must be there still
    """
    table = model.__table__
    keys = session.scalar(
        sa.select(UndoChunk.rows[0]).where(
            UndoChunk.operation_id == operation.id, UndoChunk.table_name == table.name, UndoChunk.first_id == last
        )
    )
    # A column that came after the deletion gets its default.
    names = ", ".join(column.name for column in table.columns if column.name in (keys or {}))
    wanted = "".join(
        f" AND EXISTS (SELECT FROM {target.table.name} WHERE {target.table.name}.{target.name} = kept.{need.name})"
        for need in needs
        for target in [key.column for key in need.property.columns[0].foreign_keys]
    )
    statement = (
        f"INSERT INTO {table.name} ({names}) SELECT {names} FROM (SELECT row.* FROM undo_chunk AS chunk,"  # noqa: S608
        f" json_populate_recordset(CAST(NULL AS {table.name}), chunk.rows) AS row"
        " WHERE chunk.operation_id = :operation AND chunk.table_name = :table"
        " AND chunk.first_id > :after AND chunk.first_id <= :last"
        " AND (CAST(:customer AS bigint) IS NULL OR chunk.customer_id = :customer)) AS kept"
        f" WHERE true{wanted} ON CONFLICT DO NOTHING RETURNING id"
    )
    given = {
        "operation": operation.id,
        "table": table.name,
        "after": after,
        "last": last,
        "customer": operation.customer_id,
    }
    return set(session.scalars(sa.text(statement), given))


def _chunks(operation: Operation, model: Any, after: int) -> sa.Select[UndoChunk]:
    found = sa.select(UndoChunk).where(
        UndoChunk.operation_id == operation.id,
        UndoChunk.table_name == model.__table__.name,
        UndoChunk.first_id > after,
    )
    if operation.customer_id is not None:
        found = found.where(UndoChunk.customer_id == operation.customer_id)
    return found
