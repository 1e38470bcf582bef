"""Conditions joined by AND and OR: groups of the list's own filters, one level deep.

In an address ``where=or`` says how the groups are joined and ``g2=or`` how the second one's rows are;
``w3=2.not.source`` is the third row: in group 2, the opposite of the filter ``source``, whose arguments follow as
``w3.source=hand``. Rows are numbered from 1 without a gap.
"""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from callcab.services.listing.filters import Arguments, BadValue
from callcab.services.listing.spec import ListSpec

ROWS = 12
GROUPS = 4
AND, OR = "and", "or"
IS, NOT = "is", "not"
MARKS = tuple(f"w{number}" for number in range(1, ROWS + 1))

Where = Mapping[str, Any]


class Under:
    """The arguments of one row, by the names that its filter knows."""

    def __init__(self, args: Arguments, mark: str) -> None:
        self._args = args
        self._mark = mark

    def get(self, key: str, default: str) -> str:
        return self._args.get(f"{self._mark}.{key}", default)

    def getlist(self, key: str) -> list[str]:
        return self._args.getlist(f"{self._mark}.{key}")


def read_head(spec: ListSpec, text: str) -> tuple[int, bool, str] | None:
    """Group, opposite or not, and key of the filter, from `2.not.source`; None when it says nothing of this list."""
    group, _, rest = text.partition(".")
    sign, _, key = rest.partition(".")
    if group not in map(str, range(1, GROUPS + 1)) or sign not in (IS, NOT) or key not in spec.by_key:
        return None
    return int(group), sign == NOT, key


def names(spec: ListSpec, args: Arguments) -> list[str]:
    """The arguments of the address that make up the conditions, in order."""
    found: list[str] = []
    for mark in MARKS:
        text = args.get(mark, "")
        if not text:
            break
        head = read_head(spec, text)
        if head is not None:
            found += [mark, *(f"{mark}.{name}" for name in spec.by_key[head[2]].params)]
    return ["where", *(f"g{number}" for number in range(1, GROUPS + 1)), *found] if found else []


def parse(spec: ListSpec, args: Arguments, zone: ZoneInfo) -> tuple[Where | None, dict[str, str]]:
    """The conditions as JSON types, None without any; and codes of slips by argument."""
    groups: dict[int, list[dict[str, Any]]] = {}
    errors: dict[str, str] = {}
    for mark in MARKS:
        text = args.get(mark, "")
        if not text:
            break
        head = read_head(spec, text)
        if head is None:
            errors[mark] = "bad_choice"
            continue
        group, opposite, key = head
        try:
            value = spec.by_key[key].parse(Under(args, mark), zone)
        except BadValue as slip:
            errors[f"{mark}.{slip.field}"] = slip.code
            continue
        if value is None:
            errors[f"{mark}.{spec.by_key[key].params[0]}"] = "value_missing"
            continue
        groups.setdefault(group, []).append({"key": key, "not": opposite, "value": value})
    if not groups:
        return None, errors
    read = [{"join": join(args, f"g{group}"), "rows": rows} for group, rows in sorted(groups.items())]
    return {"join": join(args, "where"), "groups": read}, errors


def join(args: Arguments, name: str) -> str:
    """How the parts are joined; AND unless the address says otherwise."""
    return OR if args.get(name, "") == OR else AND


def condition(spec: ListSpec, where: Where) -> sa.ColumnElement[bool]:
    """As SQL. Raises KeyError, ValueError or TypeError for stored conditions gone stale."""
    groups = [_joined(group["join"], [_row(spec, row) for row in group["rows"]]) for group in where["groups"]]
    return _joined(where["join"], groups)


def _row(spec: ListSpec, row: Mapping[str, Any]) -> sa.ColumnElement[bool]:
    found = spec.by_key[row["key"]].condition(row["value"])
    # An empty cell is not what was asked for, so it is among the opposite.
    return sa.not_(sa.func.coalesce(found, sa.false())) if row["not"] else found


def _joined(how: str, parts: list[sa.ColumnElement[bool]]) -> sa.ColumnElement[bool]:
    if how not in (AND, OR) or not parts:
        raise ValueError("not a way to join conditions")
    return sa.or_(*parts) if how == OR else sa.and_(*parts)
