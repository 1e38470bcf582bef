"""What an action would do to the chosen rows, counted by the database before anything is done.

``Rules`` repeat as conditions what the handler refuses row by row; tests hold the two against each other. One statement
groups the selection, so that a million rows are a few numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.models import CampaignState

# Campaigns named in a forecast; the rest is counted.
NAMED = 10


@dataclass(frozen=True)
class Rules:
    """What happens to each row of a selection.

    refusals   error code and condition; the first one that holds is the row's
    same       the condition of rows that are as wanted already
    now, then  a column that changes, and what it becomes: a value or an expression; without ``same``, equal is the same
    sums       what is added up over the rows that are not refused, by a name of the section's own
    campaigns  SELECT of the chosen ids -> SELECT of name and state of the campaigns that would feel it
    at_once    all rows or none: one refusal keeps the others from being done
    """

    refusals: Sequence[tuple[str, sa.ColumnElement[bool]]] = ()
    same: sa.ColumnElement[bool] | None = None
    now: Any = None
    then: Any = None
    sums: Mapping[str, Any] = field(default_factory=dict)
    campaigns: Callable[[sa.Select[Any]], sa.Select[str, CampaignState]] | None = None
    at_once: bool = False


@dataclass(frozen=True)
class Forecast:
    """The counts. ``changes``: (value now, value then) -> rows that are not refused, those that are the same left out.

    campaigns  the first NAMED of those that would feel it; ``touched`` are all, ``calling`` of them at work
    """

    done: int
    same: int
    refused: Mapping[str, int]
    changes: Mapping[tuple[str, str], int]
    sums: Mapping[str, Decimal]
    campaigns: tuple[str, ...]
    touched: int
    calling: int
    at_once: bool

    @property
    def is_hindered(self) -> bool:
        """Whether nothing would be done because some rows are refused."""
        return self.at_once and bool(self.refused)


def forecast(session: CabSession, rows: sa.Select[Any], rules: Rules) -> Forecast:
    """Count what would become of the rows of ``rows``, a SELECT of one model."""
    done, same = 0, 0
    refused: dict[str, int] = {}
    changes: dict[tuple[str, str], int] = {}
    sums = dict.fromkeys(rules.sums, Decimal(0))
    for code, unchanged, now, then, count, *added in session.execute(_grouped(rows, rules)):
        if code:
            refused[code] = refused.get(code, 0) + count
            continue
        for name, amount in zip(rules.sums, added, strict=True):
            sums[name] += amount or 0
        if unchanged:
            same += count
            continue
        done += count
        if rules.now is not None:
            pair = (_text(now), _text(then))
            changes[pair] = changes.get(pair, 0) + count
    names, touched, calling = _campaigns(session, rows, rules)
    return Forecast(done, same, refused, changes, sums, names, touched, calling, rules.at_once)


def _grouped(rows: sa.Select[Any], rules: Rules) -> sa.Select[Any]:
    code = sa.case(*((when, code) for code, when in rules.refusals), else_="") if rules.refusals else sa.literal("")
    now = sa.literal("") if rules.now is None else rules.now
    then = sa.literal("") if rules.now is None else _then(rules)
    same = rules.same
    if same is None:
        same = sa.false() if rules.now is None else now == then
    # With the key the session confines the rows to its scope, whatever else is asked of them.
    columns = [_key(rows).label("id"), code.label("code"), same.label("same"), now.label("now"), then.label("then")]
    columns += [value.label(f"sum_{name}") for name, value in rules.sums.items()]
    seen = rows.with_only_columns(*columns).order_by(None).subquery()
    keys = (seen.c.code, seen.c.same, seen.c.now, seen.c.then)
    added = [sa.func.sum(seen.c[f"sum_{name}"]) for name in rules.sums]
    return sa.select(*keys, sa.func.count(), *added).group_by(*keys).order_by(*keys)


def _key(rows: sa.Select[Any]) -> Any:
    return rows.column_descriptions[0]["entity"].id


def _then(rules: Rules) -> Any:
    return rules.then if isinstance(rules.then, sa.ColumnElement) else sa.literal(rules.then, rules.now.type)


def _campaigns(session: CabSession, rows: sa.Select[Any], rules: Rules) -> tuple[tuple[str, ...], int, int]:
    if rules.campaigns is None:
        return (), 0, 0
    felt = rules.campaigns(rows.with_only_columns(_key(rows)).order_by(None)).subquery()
    name, state = felt.c
    counted = sa.select(sa.func.count(), sa.func.count().filter(state == CampaignState.RUNNING)).select_from(felt)
    touched, calling = session.execute(counted).one()
    names = session.scalars(sa.select(name).order_by(name).limit(NAMED)) if touched else ()
    return tuple(names), touched, calling


def _text(value: Any) -> str:
    return str(value.value if isinstance(value, Enum) else value)
