"""What actions on many numbers would do: the refusals of ``pool``, ``resting``, ``stuck`` and ``personal`` as SQL."""

from typing import Any

import sqlalchemy as sa

from callcab.models import Campaign, CampaignState, NumberKind, NumberLease, NumberRental, NumberState, PhoneNumber
from callcab.services.operation import Rules
from callcab.services.phone_number.lease import awake
from callcab.services.phone_number.stuck import has_call, has_lease, is_stuck

PERSONAL = PhoneNumber.kind == NumberKind.PERSONAL
BLOCKED = PhoneNumber.state == NumberState.BLOCKED
BUSY = PhoneNumber.state == NumberState.BUSY


def holders(ids: sa.Select[Any]) -> sa.Select[str, CampaignState]:
    """The campaigns that call from one of these numbers."""
    return (
        sa.select(Campaign.name, Campaign.state)
        .join(NumberLease, NumberLease.campaign_id == Campaign.id)
        .where(NumberLease.released_at.is_(None), NumberLease.number_id.in_(ids))
    )


def release() -> Rules:
    idle = sa.or_(~BUSY, ~has_lease())
    return Rules([("number.not_busy", idle)], now=PhoneNumber.state, then=NumberState.FREE, campaigns=holders)


def release_stuck() -> Rules:
    refusals = [("number.call_up", has_lease(has_call())), ("number.not_stuck", ~is_stuck())]
    return Rules(refusals, now=PhoneNumber.state, then=NumberState.FREE)


def rest() -> Rules:
    return Rules([("number.kind_not_pool", PERSONAL), ("number.blocked", BLOCKED)], campaigns=holders)


def wake() -> Rules:
    return Rules([("number.not_resting", awake())])


def change_kind(kind: NumberKind) -> Rules:
    other = PhoneNumber.kind != kind
    refusals = [
        ("number.kind_not_pool", PERSONAL),
        ("number.busy", sa.and_(other, BUSY)),
        ("number.rented", sa.and_(other, PhoneNumber.rented_until.is_not(None))),
    ]
    return Rules(refusals, now=PhoneNumber.kind, then=kind)


def block() -> Rules:
    return Rules(
        [("number.blocked", BLOCKED)],
        now=PhoneNumber.state,
        then=NumberState.BLOCKED,
        sums={"rented": _counted(PhoneNumber.rented_until.is_not(None))},
        campaigns=holders,
    )


def unblock() -> Rules:
    kind = PhoneNumber.state.type
    free = sa.literal(NumberState.FREE, kind)
    then = sa.case((PERSONAL, sa.literal(NumberState.FAILED, kind)), else_=free)
    return Rules([("number.not_blocked", ~BLOCKED)], now=PhoneNumber.state, then=then)


def delete() -> Rules:
    rented = sa.exists().where(NumberRental.number_id == PhoneNumber.id)
    return Rules([("number.busy", has_lease()), ("number.has_rentals", rented)])


def delete_own() -> Rules:
    return Rules([("number.only_personal", ~PERSONAL), ("number.blocked", BLOCKED)])


def _counted(condition: sa.ColumnElement[bool]) -> Any:
    return sa.case((condition, 1), else_=0)
