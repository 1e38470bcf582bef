"""Requests to be called back: left by a digit, seen to by a person."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.errors import NotFound
from callcab.models import (
    CallbackRequest,
    CallbackState,
    IvrAction,
    IvrRule,
    NumberKind,
    NumberState,
    PhoneNumber,
)
from callcab.scope import Actor
from callcab.services import audit, operation
from callcab.services.operation import ExportColumn


@dataclass(frozen=True)
class Pressed:
    """A digit that was heard: in a call of a campaign, or in an incoming one that its menu answered."""

    campaign_id: int
    digit: str
    customer_id: int
    phone: int
    call_id: int | None = None
    inbound_call_id: int | None = None


def take(session: CabSession, pressed: Sequence[Pressed]) -> int:
    """Keep the requests among the digits, one for a call; returns how many are new. Needs a system scope.

    A transfer that can't be made any more, because the number is no longer proved, is such a request too.
    """
    if not pressed:
        return 0
    rules = _asking(session, {item.campaign_id for item in pressed})
    rows = [
        {
            "campaign_id": item.campaign_id,
            "call_id": item.call_id,
            "inbound_call_id": item.inbound_call_id,
            "customer_id": item.customer_id,
            "phone": item.phone,
            "state": CallbackState.NEW,
            "done_name": "",
            "created_at": clock.now(),
        }
        for item in sorted(pressed, key=lambda item: (item.call_id or 0, item.inbound_call_id or 0))
        if (item.campaign_id, item.digit) in rules
    ]
    if not rows:
        return 0
    statement = insert(CallbackRequest).values(rows).on_conflict_do_nothing().returning(CallbackRequest.id)
    return len(session.scalars(statement).all())


def done(session: CabSession, request_id: int, *, actor: Actor) -> None:
    """Somebody called back. Repeating it changes nothing. Flushed. NotFound("callback.not_found")."""
    _move(session, request_id, CallbackState.DONE, actor)


def reopen(session: CabSession, request_id: int, *, actor: Actor) -> None:
    """It was not seen to after all. Repeating it changes nothing. Flushed. NotFound("callback.not_found")."""
    _move(session, request_id, CallbackState.NEW, actor)


def _move(session: CabSession, request_id: int, state: CallbackState, actor: Actor) -> None:
    row = session.scalar(
        sa.select(CallbackRequest)
        .where(CallbackRequest.id == request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound("callback.not_found")
    if row.state is state:
        return
    seen_to = state is CallbackState.DONE
    row.state = state
    row.done_at, row.done_by, row.done_name = (clock.now(), actor.user_id, actor.name) if seen_to else (None, None, "")
    audit.record(
        session,
        "callback.done" if seen_to else "callback.reopen",
        actor=actor,
        customer_id=row.customer_id,
        object_type="callback",
        object_id=request_id,
    )
    session.flush()


def _asking(session: CabSession, campaign_ids: Collection[int]) -> set[tuple[int, str]]:
    """The digits that mean «call me back», with their campaigns."""
    proved = sa.exists().where(
        PhoneNumber.customer_id == IvrRule.customer_id,
        PhoneNumber.phone == IvrRule.transfer_to,
        PhoneNumber.kind == NumberKind.PERSONAL,
        PhoneNumber.state == NumberState.VERIFIED,
    )
    wishes = sa.or_(IvrRule.action == IvrAction.CALLBACK, sa.and_(IvrRule.action == IvrAction.TRANSFER, ~proved))
    found = session.execute(
        sa.select(IvrRule.campaign_id, IvrRule.digit).where(IvrRule.campaign_id.in_(campaign_ids), wishes)
    )
    return {(row.campaign_id, row.digit) for row in found}


STATES = {item.value: f"callback_state.{item.value}" for item in CallbackState}
operation.register_export(
    "callback_request",
    (
        ExportColumn("created_at", CallbackRequest.created_at),
        ExportColumn("phone", CallbackRequest.phone, phone=True),
        ExportColumn("state", CallbackRequest.state, choices=STATES),
        ExportColumn("done_at", CallbackRequest.done_at),
        ExportColumn("done_name", CallbackRequest.done_name),
    ),
    permission="callback.export",
)
