"""Exports of only what is new: they begin where the last one of the same rows began."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from callcab.db import CabSession
from callcab.models import Operation, OperationState
from callcab.scope import Actor
from callcab.services.listing import DateTimeRange, ListSpec, ListState, to_json

# The filter by which a list is narrowed to what is new; a list without it has no "new".
CREATED = "created"
# What was being written while the last export read the list may have been committed behind it: a row told twice is
# better than one never told.
OVERLAP = timedelta(minutes=1)


def can_continue(spec: ListSpec, state: ListState) -> bool:
    """Whether "only what is new" means something: the list knows when rows were made, and nobody said since when."""
    return isinstance(spec.by_key.get(CREATED), DateTimeRange) and CREATED not in state.filters


def last_export(
    session: CabSession, spec: ListSpec, state: ListState, *, actor: Actor, customer_id: int | None
) -> datetime | None:
    """When this person last asked for a finished file of the same search and filters; None if never."""
    same: Any = sa.literal({key: value for key, value in to_json(state).items() if key != "sort"}, JSONB())
    path = sa.literal(["filters", CREATED], ARRAY(sa.Text))
    bare = Operation.filter.op("#-", return_type=JSONB())(path).op("-", return_type=JSONB())(sa.literal("sort"))
    whole = sa.or_(Operation.params.has_key("only_new"), ~Operation.filter["filters"].has_key(CREATED))
    found: datetime | None = session.scalar(
        sa.select(sa.func.max(Operation.created_at)).where(
            Operation.name == f"{spec.name}.export",
            Operation.state == OperationState.DONE,
            Operation.actor_id == actor.user_id,
            Operation.customer_id == customer_id if customer_id is not None else Operation.customer_id.is_(None),
            Operation.ids.is_(None),
            bare == same,
            whole,
        )
    )
    return found


def narrowed(state: ListState, last: datetime) -> ListState:
    """The same request, for rows made since the last file was asked for (less OVERLAP)."""
    return replace(state, filters={**state.filters, CREATED: {"from": (last - OVERLAP).isoformat(), "before": None}})
