"""A statement that is made once and asked for again and again, as the driver takes it.

SQLAlchemy looks at a statement each time anew, what it is made of and what its columns are: half of the time of asking.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import Select
from sqlalchemy.sql.compiler import SQLCompiler

Turn = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Parameter:
    """``key`` among the values given, ``name`` in the text."""

    name: str
    key: str
    required: bool
    otherwise: Any
    turn: Turn | None


def compiled(statement: Select[Any], dialect: Dialect) -> "Compiled | None":
    """The statement for the driver; None for one whose text depends on its values (a list of them after IN)."""
    made = statement.compile(dialect=dialect)
    if not isinstance(made, SQLCompiler) or made.post_compile_params or made.literal_execute_params:
        return None
    return Compiled(statement, made, dialect)


class Compiled:
    """``text`` with its parameters; what SQLAlchemy's types do to values and to cells is done here too."""

    def __init__(self, statement: Select[Any], made: SQLCompiler, dialect: Dialect) -> None:
        self.text = str(made)
        self._dialect = dialect
        self._kinds = [each["type"] for each in statement.column_descriptions]
        self._cells: list[tuple[int, Turn]] | None = None
        self._parameters: list[_Parameter] = []
        for bind in made.binds.values():
            turn = bind.type.dialect_impl(dialect).bind_processor(dialect)
            value = bind.effective_value
            otherwise = turn(value) if turn is not None and not bind.required else value
            self._parameters.append(_Parameter(made.bind_names[bind], bind.key, bind.required, otherwise, turn))

    def __call__(self, connection: psycopg.Connection[Any], values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Its records. KeyError for a value that is missing, psycopg's errors."""
        cursor = connection.execute(self.text, self._turned(values))
        records = cursor.fetchall()
        if self._cells is None:
            self._cells = self._turns(cursor)
        return [self._read(record, self._cells) for record in records] if self._cells else records

    def _turned(self, values: Mapping[str, Any]) -> dict[str, Any]:
        found = {}
        for each in self._parameters:
            if each.key in values:
                value = values[each.key]
                found[each.name] = value if each.turn is None else each.turn(value)
            elif each.required:
                raise KeyError(each.key)
            else:
                found[each.name] = each.otherwise
        return found

    def _turns(self, cursor: psycopg.Cursor[Any]) -> list[tuple[int, Turn]]:
        """Of each column whose cells are not what the driver makes of them, what is done to them."""
        found = []
        for place, (kind, column) in enumerate(zip(self._kinds, cursor.description or (), strict=True)):
            turn = kind.dialect_impl(self._dialect).result_processor(self._dialect, column.type_code)
            if turn is not None:
                found.append((place, turn))
        return found

    @staticmethod
    def _read(record: tuple[Any, ...], cells: list[tuple[int, Turn]]) -> tuple[Any, ...]:
        values = list(record)
        for place, turn in cells:
            values[place] = turn(values[place])
        return tuple(values)
