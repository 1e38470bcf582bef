"""The order of a list and the step behind a row: keyset paging on (sort column, primary key).

The row comparison ``(a, id) < (x, y)`` is one index range for PostgreSQL; the spelling with OR is not (rule U6). Empty
cells of a nullable column come last in both directions and need a second condition.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from callcab.services.listing.spec import ListSpec, Sort


def _sort_of(spec: ListSpec, sort: str) -> tuple[Sort, bool]:
    text = sort or spec.default_sort
    return spec.sorts[text.removeprefix("-")], text.startswith("-")


def _columns(spec: ListSpec, sort: str) -> tuple[list[Any], bool]:
    """Order columns without repeats: sorting by the key itself needs no tie-breaker."""
    chosen, descending = _sort_of(spec, sort)
    return [chosen.column, *(key for key in spec.key_columns if key.key != chosen.column.key)], descending


def order_columns(spec: ListSpec, sort: str) -> list[Any]:
    """What a position is made of: the sort column, then what breaks ties."""
    return _columns(spec, sort)[0]


def order_by(spec: ListSpec, sort: str, *, backwards: bool = False, found: FromClause | None = None) -> list[Any]:
    """ORDER BY of the list, or of the same list read from its end; over ``found``, which has the columns, if given."""
    if found is not None:
        return _order(spec, sort, backwards, found)
    if (sort, backwards) not in spec.orders:
        spec.orders[sort, backwards] = _order(spec, sort, backwards, None)
    return spec.orders[sort, backwards]


def _order(spec: ListSpec, sort: str, backwards: bool, found: FromClause | None) -> list[Any]:
    chosen, _ = _sort_of(spec, sort)
    columns, descending = _columns(spec, sort)
    if found is not None:
        columns = [found.c[column.key] for column in columns]
    downward = descending != backwards
    parts = [column.desc() if downward else column.asc() for column in columns]
    if chosen.nullable:
        parts[0] = parts[0].nulls_first() if backwards else parts[0].nulls_last()
    return parts


def position_of(spec: ListSpec, sort: str, row: Any) -> list[Any]:
    """Where a row stands, as JSON types."""
    columns, _ = _columns(spec, sort)
    return position([getattr(row, column.key) for column in columns])


def position(values: Sequence[Any]) -> list[Any]:
    """The same of the values of ``order_columns``."""
    return [_dump(value) for value in values]


def after_position(
    spec: ListSpec, sort: str, position: Sequence[Any], *, backwards: bool = False
) -> ColumnElement[bool]:
    """The condition "behind this position". Raises ValueError for a position that is not one of this order."""
    return after(spec, sort, read_position(spec, sort, position), backwards=backwards)


def after(spec: ListSpec, sort: str, values: Sequence[Any], *, backwards: bool = False) -> ColumnElement[bool]:
    """The same of the values that ``read_position`` gave."""
    columns = order_columns(spec, sort)
    bound = [
        None if value is None else sa.literal(value, each.type) for each, value in zip(columns, values, strict=True)
    ]
    return behind(spec, sort, bound, backwards=backwards)


def read_position(spec: ListSpec, sort: str, position: Sequence[Any]) -> list[Any]:
    """The values of ``order_columns`` that a position stands for. Raises ValueError as ``after_position``."""
    columns = order_columns(spec, sort)
    if len(position) != len(columns):
        raise ValueError("not a position of this list")
    chosen, _ = _sort_of(spec, sort)
    if None in (position[1:] if chosen.nullable else position):
        raise ValueError("an empty cell in a column that has none")
    return [_load(column, value) for column, value in zip(columns, position, strict=True)]


def behind(
    spec: ListSpec, sort: str, values: Sequence[Any], *, backwards: bool = False, found: FromClause | None = None
) -> ColumnElement[bool]:
    """``after_position`` of values that are parameters already, None for an empty cell; over ``found``, which has the
    columns, if given."""
    chosen, _ = _sort_of(spec, sort)
    columns, descending = _columns(spec, sort)
    if found is not None:
        columns = [found.c[column.key] for column in columns]
    downward = descending != backwards
    if not chosen.nullable:
        return _behind(columns, values, downward)
    first = columns[0]
    if values[0] is None:
        ties = sa.and_(first.is_(None), _behind(columns[1:], values[1:], downward))
        return sa.or_(ties, first.is_not(None)) if backwards else ties
    filled = _behind(columns, values, downward)
    return filled if backwards else sa.or_(filled, first.is_(None))


def _behind(columns: Sequence[Any], values: Sequence[Any], downward: bool) -> ColumnElement[bool]:
    left: Any = columns[0] if len(columns) == 1 else sa.tuple_(*columns)
    right: Any = values[0] if len(columns) == 1 else sa.tuple_(*values)
    found: ColumnElement[bool] = left < right if downward else left > right
    return found


def _dump(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return str(value)
    return value if value is None or isinstance(value, bool | int) else str(value)


def _load(column: Any, value: Any) -> Any:
    if value is None:
        return None
    kind = column.type.python_type
    try:
        if issubclass(kind, datetime):
            return datetime.fromisoformat(value)
        return value if isinstance(value, kind) else kind(value)
    except (TypeError, ArithmeticError) as slip:
        raise ValueError("not a position of this list") from slip
