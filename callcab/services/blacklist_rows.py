"""The rows of a blacklist by their numbers, many at once: looked up, added, put in force again.

``customer_id`` None is the platform's list, as in ``blacklist``.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.models import BlacklistEntry
from callcab.services import bulk, row_total

# From so many on they are looked up first.
MANY = 1_000
_ADD = (
    "INSERT INTO blacklist_entry (customer_id, phone, phone_reversed, source, reason, author_id, author_name,"
    " operation_id, call_id, created_at)"
    " SELECT :customer, number, CAST(reverse(CAST(number AS text)) AS int8), :source, :reason, :author, :name,"
    " :operation, :call, :now FROM unnest(CAST(:numbers AS bigint[])) AS number"
)
_ADD_NEW = sa.text(_ADD)
_ADD_UNLESS_THERE = sa.text(_ADD + " ON CONFLICT (customer_id, phone) DO NOTHING RETURNING phone")


def insert(
    session: CabSession, customer_id: int | None, wanted: Sequence[int], values: dict[str, Any]
) -> Sequence[int]:
    """Add those that do not stand on the list yet; returns those that do.

    To write a row that could be there already costs more than to look for it first, and where the list has nothing
    between the least and the greatest of them one look does for all. Only when somebody else adds the same numbers at
    the same moment, each is written with that care.
    """
    if len(wanted) >= MANY:
        there = set(_there(session, customer_id, wanted))
        new = [number for number in wanted if number not in there] if there else wanted
        with suppress(sa.exc.IntegrityError), session.begin_nested():
            session.execute(_ADD_NEW, {**values, "numbers": bulk.listed(new)})
            return sorted(there)
    added = set(session.scalars(_ADD_UNLESS_THERE, {**values, "numbers": bulk.listed(wanted)}))
    return [number for number in wanted if number not in added]


def _there(session: CabSession, customer_id: int | None, wanted: Sequence[int]) -> Sequence[int]:
    between = BlacklistEntry.phone.between(min(wanted), max(wanted))
    first = sa.select(BlacklistEntry.phone).where(_of(customer_id), between).order_by(BlacklistEntry.phone).limit(1)
    if session.scalar(first) is None:
        return ()
    return session.scalars(looked_up(customer_id, wanted, BlacklistEntry.phone)).all()


def looked_up(customer_id: int | None, numbers: Sequence[int], column: Any, *more: Any) -> sa.Select[Any]:
    """A column of those of the numbers that stand on the list and meet the conditions."""
    wanted = bulk.each_of(numbers)
    one = sa.select(column).where(_of(customer_id), BlacklistEntry.phone == wanted.c.number, *more).offset(0).lateral()
    return sa.select(one.c[column.key]).select_from(wanted).join(one, sa.true())


def _update(session: CabSession, customer_id: int | None, numbers: Sequence[int], when: Any, **values: Any) -> int:
    ids = looked_up(customer_id, numbers, BlacklistEntry.id, when).scalar_subquery()
    changed = session.execute(
        sa.update(BlacklistEntry)
        .where(BlacklistEntry.id == sa.func.any(sa.func.array(ids)), when)
        .values(values)
        .execution_options(synchronize_session=False)
    )
    return bulk.written(changed)


def revive(session: CabSession, customer_id: int | None, numbers: Sequence[int]) -> int:
    """An entry past its time forbids nothing: added again, it holds for good; returns how many."""
    return _update(session, customer_id, numbers, BlacklistEntry.expires_at <= clock.now(), expires_at=None)


def release(session: CabSession, customer_id: int | None, numbers: Sequence[int], operation_id: int | None) -> None:
    """What is added once more outlives the undoing of the import that brought it first."""
    _update(session, customer_id, numbers, BlacklistEntry.operation_id != (operation_id or 0), operation_id=None)


def known_of(session: CabSession, customer_id: int | None, numbers: Sequence[int]) -> set[int]:
    """Those of the numbers that stand on the list and are in force."""
    if customer_id is not None and not row_total.Kept(BlacklistEntry)(session, customer_id):
        return set()  # An empty list, as most that are filled from a file.
    in_force = sa.or_(BlacklistEntry.expires_at.is_(None), BlacklistEntry.expires_at > clock.now())
    return set(session.scalars(looked_up(customer_id, numbers, BlacklistEntry.phone, in_force)))


def _of(customer_id: int | None) -> sa.ColumnElement[bool]:
    return BlacklistEntry.customer_id.is_(None) if customer_id is None else BlacklistEntry.customer_id == customer_id
