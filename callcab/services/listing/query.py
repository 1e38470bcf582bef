"""Statements of a list: which rows match, how many, one of them, all of them in chunks.

Every door of a list (page, count, details, action, export, look-up) starts from ``matching``, so that what one of them
hides the others hide too. The session's scope confines a customer as well (``callcab.scope``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.sql import ColumnElement, Select

from callcab.db import CabSession
from callcab.scope import SharedOrOwned
from callcab.services.listing import where
from callcab.services.listing.filters import ChoiceFilter, ReferenceFilter
from callcab.services.listing.identity import decode_id, with_ids
from callcab.services.listing.order import after_position, order_by, position_of
from callcab.services.listing.phone_search import PhoneSearch
from callcab.services.listing.shown import Shown, limit_of
from callcab.services.listing.spec import HitSearch, ListSpec
from callcab.services.listing.state import ListState

# Of a statement that is kept: the customer whose rows are listed.
CUSTOMER = sa.bindparam("customer_id", type_=sa.BigInteger)


@dataclass(frozen=True)
class Count:
    """How many rows match; ``capped`` means "at least this many"."""

    value: int
    capped: bool = False


@dataclass(frozen=True)
class Asked:
    """A request whose statement may be kept: it looks the same for all of its ``shape``, with these parameters."""

    shape: tuple[Any, ...]
    values: Mapping[str, Any]


def asked(spec: ListSpec, state: ListState) -> Asked | None:
    """The filters and the search of a request; None when one of them has a condition of its own for each value."""
    if state.errors or state.where:
        return None
    values: dict[str, Any] = {}
    for key, value in state.filters.items():
        named = spec.by_key[key].values(value)
        if named is None:
            return None
        values |= named
    shape: tuple[Any, ...] = tuple(values)
    if state.search and spec.search is not None:
        search = spec.kept_search
        more = None if search is None else search.shape(state.search)
        if search is None or more is None:
            return None
        shape += ("search", *more)
        values |= search.values(state.search)
    return Asked(shape, values)


def conditions(
    spec: ListSpec, state: ListState, customer_id: int | sa.BindParameter[int] | None, *, named: bool = False
) -> list[ColumnElement[bool]]:
    """All conditions of a request; a request with errors matches nothing. With ``named`` their parameters are those of
    ``asked``."""
    found = own_conditions(spec, customer_id)
    if state.errors:
        found.append(sa.false())
    found += [spec.by_key[key].condition(value, named=named) for key, value in state.filters.items()]
    if state.where is not None:
        found.append(where.condition(spec, state.where))
    if state.search and spec.search is not None:
        kept = spec.kept_search if named else None
        matched = kept(state.search, named=True) if kept else spec.search(state.search)
        found.append(sa.false() if matched is None else matched)
    return found


def own_conditions(spec: ListSpec, customer_id: int | sa.BindParameter[int] | None) -> list[ColumnElement[bool]]:
    """What holds for every row of the list that the customer is shown."""
    found: list[ColumnElement[bool]] = []
    if customer_id is not None and hasattr(spec.model, "customer_id"):
        mine = spec.model.customer_id == customer_id
        shared = issubclass(spec.model, SharedOrOwned)
        found.append(sa.or_(mine, spec.model.customer_id.is_(None)) if shared else mine)
    if spec.base is not None:
        found.append(spec.base())
    return found


def matching(spec: ListSpec, state: ListState, *, customer_id: int | None = None) -> Select[Any]:
    """``SELECT model WHERE …``, without order, limit and loader options."""
    return sa.select(spec.model).where(*conditions(spec, state, customer_id))


def selection(
    spec: ListSpec, state: ListState, *, ids: Sequence[int | str] | None = None, customer_id: int | None = None
) -> Select[Any]:
    """The rows an operation means: ticked ids, or all that match when ``ids`` is None.

    Ticked rows are read without search and filters (a row may have left the filter since), yet never without the
    list's own condition and the customer.
    """
    if ids is None:
        return matching(spec, state, customer_id=customer_id)
    return matching(spec, ListState(sort=spec.default_sort), customer_id=customer_id).where(with_ids(spec.model, ids))


def get_one(session: orm.Session, spec: ListSpec, row_id: str, *, customer_id: int | None = None) -> Any | None:
    """One row of the list by its id as text; None for an unreadable, unknown or foreign id alike."""
    if decode_id(row_id) is None:
        return None
    statement = selection(spec, ListState(), ids=[row_id], customer_id=customer_id)
    return session.scalars(statement.options(*spec.loaders)).one_or_none()


def count_matching(
    session: CabSession,
    spec: ListSpec,
    state: ListState,
    *,
    ids: Sequence[int | str] | None = None,
    customer_id: int | None = None,
    cap: int | None = None,
) -> Count:
    """Count the rows that match, exactly, or up to ``cap`` and one more look."""
    kept = None if ids is not None else _kept_total(session, spec, state, customer_id)
    if kept is not None:
        return Count(kept)
    if ids is None and cap is not None and spec.shown is not None:
        return capped(_count_shown(session, spec, spec.shown, state, customer_id, cap + 1), cap)
    rows = selection(spec, state, ids=ids, customer_id=customer_id).with_only_columns(*spec.key_columns)
    if cap is None:
        return Count(session.scalar(sa.select(sa.func.count()).select_from(rows.subquery())) or 0)
    return capped(session.scalar(sa.select(sa.func.count()).select_from(rows.limit(cap + 1).subquery())) or 0, cap)


def capped(found: int, cap: int) -> Count:
    """What was counted to one more than ``cap``."""
    return Count(min(found, cap), found > cap)


def _count_shown(
    session: CabSession, spec: ListSpec, shown: Shown, state: ListState, customer_id: int | None, most: int
) -> int:
    named = asked(spec, state)
    owner = None if customer_id is None else CUSTOMER
    statement = counting(session, spec, shown, state, owner, most, named=named is not None)
    values = {CUSTOMER.key: customer_id} | shown.select(session)[1] | dict(named.values if named else {})
    return session.connection().scalar(statement, values) or 0


def counting(
    session: CabSession,
    spec: ListSpec,
    shown: Shown,
    state: ListState,
    customer: sa.BindParameter[int] | None,
    most: int,
    *,
    named: bool,
) -> Select[Any]:
    """How many rows match, ``most`` at most, as a statement with the parameters of the session and of ``asked``."""
    search = hit_search(spec, state, counting=True) if named else None
    if search is None:
        return shown.counting(session, conditions(spec, state, customer, named=named), most=most)
    rows = search.hits(state.search, [*own_conditions(spec, customer), *shown.mine(session)])
    return sa.select(sa.func.count()).select_from(sa.select(rows).limit(limit_of(most)).subquery())


def plans_once(spec: ListSpec, state: ListState) -> bool:
    """Whether a page reads by the same indexes whatever the values are, so that PostgreSQL may keep its plan: a list in
    its own order, or a search for digits that few numbers have, each range of which is a question of its own."""
    if state.filters or state.where or state.errors or state.page is not None:
        return False
    return not state.search or (isinstance(spec.search, PhoneSearch) and spec.search.is_rare(state.search))


def hit_search(spec: ListSpec, state: ListState, *, counting: bool) -> HitSearch | None:
    """The search that finds or counts what it alone is asked for sooner than its condition does."""
    if not isinstance(spec.search, HitSearch) or not state.search or state.filters:
        return None
    return spec.search if spec.search.by_hits(state.search, counting=counting) else None


def _kept_total(session: orm.Session, spec: ListSpec, state: ListState, customer_id: int | None) -> int | None:
    """The exact total of a whole list, where triggers keep it."""
    whole, owner = whole_list(spec, state, customer_id)
    total = spec.total_of(owner) if whole else None
    return None if total is None else total(session, owner)


def whole_list(spec: ListSpec, state: ListState, customer_id: int | None) -> tuple[bool, int | None]:
    """Whether a whole list is asked for, and whose: support narrows to a customer by a filter and nothing else."""
    if state.errors or state.search or state.where:
        return False, None
    filters = [(spec.by_key[key], value) for key, value in state.filters.items()]
    if not filters:
        return True, customer_id
    item, value = filters[0]
    by_customer = isinstance(item, ReferenceFilter) and item.column is getattr(spec.model, "customer_id", None)
    return customer_id is None and len(filters) == 1 and by_customer, value


def facet_counts(
    session: orm.Session,
    spec: ListSpec,
    state: ListState,
    key: str,
    *,
    customer_id: int | None = None,
    cap: int = 10_000,
) -> Mapping[str, int]:
    """How many rows each choice of a ChoiceFilter would show under the other filters; nothing beyond ``cap`` rows.

    One look at no more than ``cap`` rows: a rare choice in a long list would otherwise read all of it. Not even that
    where a kept total says that there are more.
    """
    item = spec.by_key[key]
    if not isinstance(item, ChoiceFilter):
        raise TypeError(f"{key} has no choices")
    others = {name: value for name, value in state.filters.items() if name != key}
    rest = ListState(search=state.search, filters=others, where=state.where, errors=state.errors)
    if (_kept_total(session, spec, rest, customer_id) or 0) > cap:
        return {}
    flags = [item.condition_of(choice).label(f"choice_{place}") for place, choice in enumerate(item.allowed)]
    seen = matching(spec, rest, customer_id=customer_id).with_only_columns(*flags).limit(cap + 1).subquery()
    totals = [sa.func.count().filter(seen.c[flag.name]) for flag in flags]
    looked, *found = session.execute(sa.select(sa.func.count(), *totals).select_from(seen)).one()
    return {} if looked > cap else dict(zip(item.allowed, found, strict=True))


def iterate(
    session: orm.Session,
    spec: ListSpec,
    state: ListState,
    *,
    ids: Sequence[int | str] | None = None,
    customer_id: int | None = None,
    chunk: int = 1_000,
    start: Sequence[Any] | None = None,
) -> Iterator[Sequence[Any]]:
    """The rows of a selection in the order of the list, ``chunk`` at a time.

    Each chunk is a keyset step, so rows that appear or vanish meanwhile neither repeat nor push others out. ``start``
    is the position (``position_of``) of the last row already dealt with: a restarted worker goes on behind it.
    """
    statement = selection(spec, state, ids=ids, customer_id=customer_id).options(*spec.loaders)
    statement = statement.order_by(*order_by(spec, state.sort)).limit(chunk)
    position = start
    while True:
        step = statement if position is None else statement.where(after_position(spec, state.sort, position))
        rows = session.scalars(step).all()
        if rows:
            position = position_of(spec, state.sort, rows[-1])
            yield rows
        if len(rows) < chunk:
            return
