"""Many rows in one statement: arrays as parameters, so that the text of a statement never depends on their number.

The database plans such a statement once, and nothing is built per row on our side.
"""

import json
from collections.abc import Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

NUMBER, TEXT, MOMENT, COUNT = sa.BigInteger(), sa.Text(), sa.DateTime(timezone=True), sa.Integer()
MONEY = sa.Numeric(14, 2)


def listed(values: Sequence[int]) -> str:
    """Numbers as PostgreSQL reads an array, for a cast: the driver takes ten times as long for each of a list."""
    return f"{{{','.join(map(str, values))}}}"


def _numbers(values: Sequence[int]) -> Any:
    # Without a type of its own the parameter is the array itself to the planner, not a text to be turned into one.
    return sa.cast(sa.bindparam(None, listed(values), type_=sa.types.NullType(), unique=True), ARRAY(NUMBER))


def any_of(values: Sequence[int]) -> Any:
    """``column == any_of(ids)``: is it one of these numbers."""
    return sa.func.any(_numbers(values))


def all_of(values: Sequence[int]) -> Any:
    """``column != all_of(ids)``: is it none of these numbers."""
    return sa.func.all(_numbers(values))


def each_of(values: Sequence[int]) -> sa.TableValuedAlias:
    """These numbers as a table with the column ``number``, each to be looked up for itself (LATERAL with OFFSET 0).

    Asked for any of many, the planner may read a whole list that has grown since it was counted last.
    """
    number = sa.column("number", NUMBER)
    return sa.func.unnest(_numbers(values)).table_valued(number, name="wanted").render_derived()


def any_text(values: Sequence[str]) -> Any:
    """``column == any_text(names)``: is it one of these texts."""
    return sa.func.any(sa.literal(list(values), ARRAY(TEXT)))


def rows(name: str, **columns: tuple[Any, Sequence[Any]]) -> sa.TableValuedAlias:
    """A table of the given columns (type, values), to select, insert or update from."""
    arrays = [sa.literal(list(values), ARRAY(kind)) for kind, values in columns.values()]
    named = [sa.column(column, kind) for column, (kind, _) in columns.items()]
    return sa.func.unnest(*arrays).table_valued(*named, name=name).render_derived()


def written(result: sa.Result[Any]) -> int:
    """How many rows an INSERT, UPDATE or DELETE of the session wrote."""
    return int(cast("sa.CursorResult[Any]", result).rowcount)


def json_of(value: Any) -> str:
    """A value as text, to be cast to JSONB in the statement."""
    return json.dumps(value, ensure_ascii=False)
