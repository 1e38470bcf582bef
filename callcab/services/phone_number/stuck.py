"""Busy numbers that nobody needs: found, given back by hand, and by the timetable where nothing can go wrong.

``orphan``   busy, yet no campaign holds it
``over``     its campaign is finished or stopped, and no call of it is up
``silent``   its campaign is paused or goes on, but has not called for SILENT_FOR: a person decides
"""

from datetime import timedelta
from enum import StrEnum

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.errors import Conflict
from callcab.models import Call, Campaign, CampaignState, NumberKind, NumberLease, NumberState, PhoneNumber
from callcab.scope import Actor
from callcab.services.phone_number.history import note, record
from callcab.services.phone_number.pool import take_away, with_campaign

# Longer than any night between two calling days.
SILENT_FOR = timedelta(hours=24)
OVER = (CampaignState.FINISHED, CampaignState.STOPPED)


class Stuck(StrEnum):
    ORPHAN = "orphan"
    OVER = "over"
    SILENT = "silent"


def _busy() -> sa.ColumnElement[bool]:
    return sa.and_(PhoneNumber.kind == NumberKind.SHARED, PhoneNumber.state == NumberState.BUSY)


def has_lease(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """The condition of a number that a campaign holds, with more conditions on its lease."""
    return sa.exists().where(NumberLease.number_id == PhoneNumber.id, NumberLease.released_at.is_(None), *conditions)


def has_call() -> sa.ColumnElement[bool]:
    """The condition of a lease whose campaign has a call that is not over."""
    return _call(Call.ended_at.is_(None))


def _call(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.exists().where(Call.campaign_id == NumberLease.campaign_id, *conditions)


def _campaign_over() -> sa.ColumnElement[bool]:
    return sa.exists().where(Campaign.id == NumberLease.campaign_id, Campaign.state.in_(OVER))


def is_safe() -> sa.ColumnElement[bool]:
    """The condition of a number that may be given back without asking anybody."""
    over = has_lease(_campaign_over(), ~has_call())
    return sa.and_(_busy(), sa.or_(~has_lease(), over))


def is_stuck() -> sa.ColumnElement[bool]:
    """The condition of a number that support should look at."""
    since = clock.now() - SILENT_FOR
    quiet = ~_call(sa.or_(Call.ended_at.is_(None), Call.created_at > since))
    return sa.or_(is_safe(), sa.and_(_busy(), has_lease(NumberLease.taken_at <= since, quiet)))


def why(session: CabSession, number: PhoneNumber) -> Stuck | None:
    """Why a number is stuck; None when it is not."""
    if session.scalar(sa.select(PhoneNumber.id).where(PhoneNumber.id == number.id, is_stuck())) is None:
        return None
    state = session.scalar(
        sa.select(Campaign.state)
        .join(NumberLease, NumberLease.campaign_id == Campaign.id)
        .where(NumberLease.number_id == number.id, NumberLease.released_at.is_(None))
    )
    if state is None:
        return Stuck.ORPHAN
    return Stuck.OVER if state in OVER else Stuck.SILENT


def release_stuck(session: CabSession, number_id: int, *, actor: Actor, only_safe: bool = False) -> PhoneNumber:
    """Give a stuck number back; its campaign, if it goes on, takes another one. Flushed.

    The campaign is locked, so no call begins meanwhile, and the conditions are asked again under the lock.
    raises  NotFound, Conflict("number.call_up") while a call of it goes on, Conflict("number.not_stuck"),
            Conflict("number.changed")
    """
    number, taken = with_campaign(session, number_id)
    if taken is not None and session.scalar(
        sa.select(Call.id).where(Call.campaign_id == taken.campaign_id, Call.ended_at.is_(None)).limit(1)
    ):
        raise Conflict("number.call_up")
    condition = is_safe() if only_safe else is_stuck()
    if session.scalar(sa.select(PhoneNumber.id).where(PhoneNumber.id == number.id, condition)) is None:
        raise Conflict("number.not_stuck")
    reason = why(session, number)
    if taken is not None:
        take_away(session, number, taken, actor)
    else:
        number.state = NumberState.FREE
        note(session, number, "released", actor=actor)
    record(session, "number.release", number, actor, {"state": "busy"}, {"state": number.state.value, "stuck": reason})
    return number


def safe_ones(session: CabSession, *, limit: int = 200) -> list[int]:
    """Numbers that provably nobody uses. For the timetable, which gives each back in a transaction of its own."""
    return list(session.scalars(sa.select(PhoneNumber.id).where(is_safe()).order_by(PhoneNumber.id).limit(limit)))
