"""Handing a recorded call over to the provider.

The call, its reservation and its contact's state are committed before the provider hears of it; the provider's answer
comes after. Whatever dies in between, the reference keeps one call from ringing twice.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib import phone as phones
from callcab.models import Call, CallEvent, CallState, Campaign, CampaignState, Contact, IvrAction, IvrRule, Outcome
from callcab.providers.telephony.base import Again, CallKind, CallRequest, Gather, HangUp, Play, Step
from callcab.services.call.ending import finish
from callcab.services.call.locking import lock_call
from callcab.services.pricing import LONGEST_SECONDS

RING_SECONDS = 30
GOODBYE = "Вы больше не получите звонков от этой компании. До свидания."


def placement(session: CabSession, call_id: int) -> CallRequest | None:
    """The request to hand over, or None when the call was begun or ended meanwhile. Reads only."""
    call = session.get(Call, call_id)
    if call is None or call.state is not CallState.PLACED or call.deadline_at <= clock.now():
        return None
    campaign = session.get_one(Campaign, call.campaign_id)
    return CallRequest(
        reference=str(call.provider_ref),
        to=phones.from_int(call.phone),
        scenario=scenario_of(campaign),
        kind=CallKind.CAMPAIGN,
        caller_id=phones.from_int(call.from_phone) if call.from_phone else None,
        ring_seconds=RING_SECONDS,
        longest_seconds=LONGEST_SECONDS,
    )


def scenario_of(campaign: Campaign) -> tuple[Step, ...]:
    """The campaign's menu: its prompt, and what each digit leads to."""
    if not campaign.rules:
        return (Play(campaign.prompt), HangUp())
    branches = {rule.digit: _branch(rule) for rule in campaign.rules}
    return (Gather(prompt=[Play(campaign.prompt)], branches=branches, otherwise=(HangUp(),), tries=1),)


def _branch(rule: IvrRule) -> Sequence[Step]:
    if rule.action is IvrAction.REPEAT:
        return (Again(),)
    if rule.action is IvrAction.HANGUP:
        return (HangUp(),)
    text = rule.prompt or (GOODBYE if rule.action is IvrAction.BLACKLIST else "")
    return (Play(text), HangUp()) if text else (HangUp(),)


def unplaced(session: CabSession, *, now: datetime, limit: int = 500) -> list[int]:
    """Calls recorded a while ago of which the provider said nothing: their worker died in between (F-05)."""
    return list(
        session.scalars(
            sa.select(Call.id)
            .where(Call.ended_at.is_(None), Call.state == CallState.PLACED)
            .where(Call.created_at < now - timedelta(seconds=15), Call.deadline_at > now + timedelta(seconds=30))
            .where(~sa.exists().where(CallEvent.call_id == Call.id))
            .order_by(Call.deadline_at)
            .limit(limit)
        )
    )


def give_up(session: CabSession, call_ids: Sequence[int], *, code: str) -> None:
    """The provider took none of these calls: end them unpaid and let the campaign wait (F-15). Flushed.

    The contact keeps its attempts; it is due again in a minute.
    """
    for call_id in sorted(call_ids):
        call = lock_call(session, Call.id == call_id)
        if call is None or call.state is not CallState.PLACED:
            continue
        finish(session, call, Outcome.REQUEST_REFUSED, seconds=0, counts=False)
        contact = session.get_one(Contact, call.contact_id)
        contact.next_at = clock.now() + timedelta(minutes=1)
        session.execute(
            sa.update(Campaign)
            .where(Campaign.id == call.campaign_id, Campaign.state == CampaignState.RUNNING)
            .values(state=CampaignState.WAITING, wait_reason=code)
        )
    session.flush()
