"""Files that come by themselves: made, paused and deleted by their owner, started by the timetable."""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.errors import DomainError, Forbidden, Invalid, LimitReached, NotFound
from callcab.models import (
    Customer,
    CustomerStatus,
    ExportSchedule,
    Operation,
    OperationState,
    Period,
    SavedView,
    User,
    UserStatus,
)
from callcab.permissions import allowed
from callcab.scope import Actor
from callcab.services import audit, listing, operation
from callcab.services.lock import take_turn

# Of one person.
LIMIT = 20
# Started in one transaction of the timetable.
AT_ONCE = 10
# The longest way to the next moment: the last day of a month after another one.
_DAYS_AHEAD = 63


class _Pairs:
    """What a saved view keeps, as the arguments of an address."""

    def __init__(self, pairs: Sequence[Sequence[str]]) -> None:
        self._pairs = [(str(name), str(value)) for name, value in pairs]

    def get(self, key: str, default: str) -> str:
        return next(iter(self.getlist(key)), default)

    def getlist(self, key: str) -> list[str]:
        return [value for name, value in self._pairs if name == key]


def next_moment(period: Period, day: int | None, hour: int, zone: ZoneInfo, after: datetime) -> datetime:
    """The first such hour of the zone's clock behind ``after``."""
    today = after.astimezone(zone).date()
    moments = (
        datetime.combine(on, time(hour), zone)
        for on in (today + timedelta(days=ahead) for ahead in range(_DAYS_AHEAD))
        if _fits(period, day, on)
    )
    return next(moment for moment in moments if moment > after)


def _fits(period: Period, day: int | None, on: date) -> bool:
    if period is Period.DAILY:
        return True
    if period is Period.WEEKLY:
        return on.isoweekday() == day
    return on.day == min(day or 1, monthrange(on.year, on.month)[1])


def create(
    session: CabSession, view: SavedView, *, values: Mapping[str, Any], customer_id: int | None, actor: Actor
) -> ExportSchedule:
    """Have a view that the actor sees written out again and again. Flushed, audited.

    values  ``period``, ``day``, ``hour``, ``only_new`` and ``params`` of the operation (format, columns)
    raises  Forbidden, LimitReached ``export_schedule.limit``, Invalid ``list.stale`` or ``export_schedule.day``
    """
    period, day = Period(values["period"]), values["day"]
    if period is Period.DAILY:
        day = None
    elif day is None or not 1 <= day <= (7 if period is Period.WEEKLY else 31):
        raise Invalid("export_schedule.day", field="day")
    if not allowed(actor.role, operation.names()[f"{view.list_name}.export"].permission_for(customer_id)):
        raise Forbidden("forbidden")
    zone = operation.zone_of(session, customer_id)
    _state_of(view, zone)
    take_turn(session, "export_schedule", actor.user_id)
    if (session.scalar(sa.select(sa.func.count()).where(ExportSchedule.owner_id == actor.user_id)) or 0) >= LIMIT:
        raise LimitReached("export_schedule.limit", limit=LIMIT)
    row = ExportSchedule(
        saved_view_id=view.id,
        owner_id=actor.user_id,
        customer_id=customer_id,
        period=period,
        day=day,
        hour=values["hour"],
        params=dict(values["params"]),
        only_new=bool(values["only_new"]),
        next_at=next_moment(period, day, values["hour"], zone, clock.now()),
    )
    session.add(row)
    session.flush()
    _note(session, "export_schedule.create", row, actor, after={"name": view.name, "period": period.value})
    return row


def may_change(row: ExportSchedule, actor: Actor) -> bool:
    """One's own, and colleagues' for those whose views may be everybody's."""
    return row.owner_id == actor.user_id or allowed(actor.role, "view.share")


def pause(session: CabSession, schedule_id: int, *, actor: Actor) -> ExportSchedule:
    """Nothing comes until it goes on; one that stopped keeps its reason. Flushed, audited. NotFound, Forbidden."""
    row = _taken(session, schedule_id, actor)
    if row.paused:
        return row
    row.paused, row.stopped = True, ""
    _note(session, "export_schedule.pause", row, actor)
    session.flush()
    return row


def resume(session: CabSession, schedule_id: int, *, actor: Actor) -> ExportSchedule:
    """It goes on at its next moment: what a pause left out is not made up for. Flushed, audited."""
    row = _taken(session, schedule_id, actor)
    if not row.paused:
        return row
    row.paused, row.stopped = False, ""
    row.next_at = next_moment(row.period, row.day, row.hour, operation.zone_of(session, row.customer_id), clock.now())
    _note(session, "export_schedule.resume", row, actor)
    session.flush()
    return row


def delete(session: CabSession, schedule_id: int, *, actor: Actor) -> None:
    """No more files; those that came stay under «Операции». Flushed, audited."""
    row = _taken(session, schedule_id, actor)
    _note(session, "export_schedule.delete", row, actor)
    session.delete(row)
    session.flush()


def of_view(session: CabSession, view_id: int) -> int:
    """How many schedules go with a view when it is deleted."""
    return session.scalar(sa.select(sa.func.count()).where(ExportSchedule.saved_view_id == view_id)) or 0


def run_due(session: CabSession) -> Sequence[ExportSchedule]:
    """Start what is due; moments that were missed make one file together. For the timetable; returns what was due.

    What can't be started (the view is out of date, the owner may not any more) is paused, and ``stopped`` says why.
    """
    now = clock.now()
    due = session.scalars(
        sa.select(ExportSchedule)
        .where(~ExportSchedule.paused, ExportSchedule.next_at <= now)
        .options(orm.joinedload(ExportSchedule.view))
        .order_by(ExportSchedule.next_at)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True, of=ExportSchedule)
    ).all()
    for row in due:
        zone = operation.zone_of(session, row.customer_id)
        row.next_at = next_moment(row.period, row.day, row.hour, zone, now)
        try:
            with session.begin_nested():
                row.last_operation_id = _start(session, row, zone).id
        except DomainError as refusal:
            row.paused, row.stopped = True, refusal.code[:64]
    session.flush()
    return due


def addressee(session: CabSession, operation_id: int, state: OperationState) -> tuple[User, SavedView] | None:
    """Who waits for the file of an operation that ended so, and of which view; None when nobody does."""
    return _reader(
        session,
        sa.and_(
            ExportSchedule.last_operation_id == operation_id,
            sa.exists().where(Operation.id == operation_id, Operation.state == state),
        ),
    )


def reader(session: CabSession, row: ExportSchedule) -> tuple[User, SavedView] | None:
    """Who is told about a schedule, and of which view; None when he may not come in any more."""
    return _reader(session, ExportSchedule.id == row.id)


def _reader(session: CabSession, which: sa.ColumnElement[bool]) -> tuple[User, SavedView] | None:
    found = session.execute(
        sa.select(User, SavedView)
        .select_from(ExportSchedule)
        .join(User, User.id == ExportSchedule.owner_id)
        .join(SavedView, SavedView.id == ExportSchedule.saved_view_id)
        .outerjoin(Customer, Customer.id == ExportSchedule.customer_id)
        .where(which, User.status == UserStatus.ACTIVE, Customer.status.is_distinct_from(CustomerStatus.BLOCKED))
    ).one_or_none()
    return None if found is None else (found[0], found[1])


def _start(session: CabSession, row: ExportSchedule, zone: ZoneInfo) -> Operation:
    view, owner = row.view, session.get_one(User, row.owner_id)
    customer = None if row.customer_id is None else session.get_one(Customer, row.customer_id)
    if owner.status is not UserStatus.ACTIVE or (customer and customer.status is CustomerStatus.BLOCKED):
        raise Forbidden("forbidden")
    state = _state_of(view, zone)
    params = {**row.params, "schedule": row.id}
    last = _last_file(session, row)
    if row.only_new and last is not None and operation.can_continue(listing.get(view.list_name), state):
        state = operation.narrowed(state, last)
        params["only_new"] = True
    return operation.start(
        session,
        kind="export",
        name=f"{view.list_name}.export",
        spec_name=view.list_name,
        state=listing.to_json(state),
        ids=None,
        params=params,
        expected=None,
        actor=Actor(owner.name, owner.role, owner.id, owner.customer_id),
        customer_id=row.customer_id,
    )


def _state_of(view: SavedView, zone: ZoneInfo) -> listing.ListState:
    """What the view shows. Invalid ``list.stale`` when the list no longer knows all of it: no file must hold more."""
    spec = listing.get(view.list_name)
    pairs = _Pairs(view.query)
    state = listing.parse(spec, pairs, zone=zone)
    known = {"search", "sort", "size", *(name for item in spec.filters for name in item.params)}
    known |= set(listing.where.names(spec, pairs))
    if state.errors or {str(name) for name, _value in view.query} - known:
        raise Invalid("list.stale", name=view.list_name)
    return state


def _last_file(session: CabSession, row: ExportSchedule) -> datetime | None:
    found: datetime | None = session.scalar(
        sa.select(sa.func.max(Operation.created_at)).where(
            Operation.actor_id == row.owner_id,
            Operation.customer_id == row.customer_id if row.customer_id else Operation.customer_id.is_(None),
            Operation.state == OperationState.DONE,
            Operation.params["schedule"].as_integer() == row.id,
        )
    )
    return found


def _taken(session: CabSession, schedule_id: int, actor: Actor) -> ExportSchedule:
    """To be changed. NotFound ``export_schedule.not_found`` for a foreign one as well, Forbidden."""
    house = sa.true() if actor.customer_id is None else ExportSchedule.customer_id == actor.customer_id
    row: ExportSchedule | None = session.scalar(
        sa.select(ExportSchedule)
        .where(ExportSchedule.id == schedule_id, house)
        .with_for_update(of=ExportSchedule)
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound("export_schedule.not_found")
    if not may_change(row, actor):
        raise Forbidden("forbidden")
    return row


def _note(
    session: CabSession, action: str, row: ExportSchedule, actor: Actor, *, after: dict[str, Any] | None = None
) -> None:
    audit.record(
        session,
        action,
        actor=actor,
        customer_id=row.customer_id,
        object_type="export_schedule",
        object_id=row.id,
        after=after,
    )
