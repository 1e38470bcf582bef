"""A statement that is made once and asked for again and again, as the driver takes it.

SQLAlchemy looks at a statement each time anew, what it is made of and what its columns are: half of the time of asking.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg.pq.abc import PGresult
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import Select
from sqlalchemy.sql import util as sql_util
from sqlalchemy.sql.compiler import SQLCompiler

from callcab.prepared import Prepared, Records

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


def _label(statement: Select[Any]) -> str:
    """The table that it reads first."""
    return next((table.name for table in sql_util.find_tables(statement, include_joins=False)), "rows")


class Compiled:
    """``text`` with its parameters, and the same ``prepared``; what SQLAlchemy's types do to values and cells is done
    here too."""

    def __init__(self, statement: Select[Any], made: SQLCompiler, dialect: Dialect) -> None:
        self.text = str(made)
        self._dialect = dialect
        self._kinds = [each["type"] for each in statement.column_descriptions]
        self._cells: list[tuple[int, Turn]] | None = None
        self._parameters: list[_Parameter] = []
        for bind in dict.fromkeys(made.binds.values()):
            turn = bind.type.dialect_impl(dialect).bind_processor(dialect)
            value = bind.effective_value
            otherwise = turn(value) if turn is not None and not bind.required else value
            self._parameters.append(_Parameter(made.bind_names[bind], bind.key, bind.required, otherwise, turn))
        self.prepared = Prepared(_label(statement), self.text, [each.name for each in self._parameters])

    def read(self, records: Records, result: PGresult) -> Records:
        """What the types of its columns make of its records."""
        if self._cells is None:
            self._cells = self._turns(result)
        return [self._read(record, self._cells) for record in records] if self._cells else records

    def turned(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Its parameters of these values. KeyError for one that is missing."""
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

    def _turns(self, result: PGresult) -> list[tuple[int, Turn]]:
        """Of each column whose cells are not what the driver makes of them, what is done to them."""
        found = []
        for place, kind in enumerate(self._kinds):
            turn = kind.dialect_impl(self._dialect).result_processor(self._dialect, result.ftype(place))
            if turn is not None:
                found.append((place, turn))
        return found

    @staticmethod
    def _read(record: tuple[Any, ...], cells: list[tuple[int, Turn]]) -> tuple[Any, ...]:
        values = list(record)
        for place, turn in cells:
            values[place] = turn(values[place])
        return tuple(values)
