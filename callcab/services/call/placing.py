"""Handing recorded calls over to the provider.

The calls, their reservations and their contacts' states are committed before the provider hears of it; the provider's
answer comes after. Whatever dies in between, the reference keeps a call from ringing twice.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib import phone as phones
from callcab.models import Call, CallEvent, CallState, Campaign, CampaignState, Contact, MachineAction, Outcome
from callcab.providers.telephony.base import CallKind, CallRequest
from callcab.services import bulk, label, prompt
from callcab.services.call.ending import End, finish, locked
from callcab.services.call.locking import store
from callcab.services.call.rounds import UNDER_WAY
from callcab.services.call.scenario import scenario_of
from callcab.services.pricing import LONGEST_SECONDS

RING_SECONDS = 30
# When the provider took nothing, the contacts are due again after this.
TRY_AGAIN = timedelta(seconds=15)


def placements(session: CabSession, call_ids: Sequence[int]) -> list[CallRequest]:
    """The requests to hand over, without those of calls that were begun or ended meanwhile. Reads only."""
    columns = (Call.provider_ref, Call.phone, Call.from_phone, Call.campaign_id, Contact.variables)
    calls = session.execute(
        label.join(sa.select(*columns, label.spoken().label("caller_name")))
        .join(Contact, Contact.id == Call.contact_id)
        .where(Call.id == bulk.any_of(call_ids), Call.state == CallState.PLACED, Call.deadline_at > clock.now())
        .order_by(Call.id)
    ).all()
    wanted = sorted({call.campaign_id for call in calls})
    known = {campaign_id: session.get_one(Campaign, campaign_id) for campaign_id in wanted}
    scenarios = {campaign.id: scenario_of(session, campaign) for campaign in known.values()}
    return [
        CallRequest(
            reference=str(call.provider_ref),
            to=phones.from_int(call.phone),
            scenario=prompt.spoken(scenarios[call.campaign_id], call.variables),
            kind=CallKind.CAMPAIGN,
            caller_id=phones.from_int(call.from_phone) if call.from_phone else None,
            caller_name=call.caller_name,
            ring_seconds=RING_SECONDS,
            longest_seconds=LONGEST_SECONDS,
            detect_machine=known[call.campaign_id].machine_action is not MachineAction.PLAY,
        )
        for call in calls
    ]


def unplaced(session: CabSession, *, now: datetime, limit: int = 500) -> list[int]:
    """Calls recorded a while ago of which the provider said nothing: their worker died in between (F-05)."""
    return list(
        session.scalars(
            sa.select(Call.id)
            .where(Call.ended_at.is_(None), Call.state == CallState.PLACED)
            .where(Call.created_at < now - timedelta(seconds=15), Call.deadline_at > now + timedelta(seconds=30))
            .where(~_told())
            .order_by(Call.deadline_at)
            .limit(limit)
        )
    )


def give_up(session: CabSession, call_ids: Sequence[int], *, code: str) -> None:
    """The provider took none of these calls: end them unpaid and let their campaigns wait (F-15). Flushed.

    The contacts keep their attempts and are due again soon. A call of which the provider said something was
    taken after all, and is left alone.
    """
    calls, campaigns = locked(session, call_ids)
    silent = set(session.scalars(sa.select(Call.id).where(Call.id == bulk.any_of([c.id for c in calls]), ~_told())))
    again_at = clock.now() + TRY_AGAIN
    ends = [
        End(call, Outcome.REQUEST_REFUSED, again_at=again_at)
        for call in calls
        if call.id in silent and call.state is CallState.PLACED
    ]
    finish(session, ends, campaigns)
    store(session, [end.call for end in ends])
    for campaign_id in {end.call.campaign_id for end in ends}:
        campaign = campaigns[campaign_id]
        if campaign.state in UNDER_WAY:
            campaign.state, campaign.wait_reason = CampaignState.WAITING, code
    session.flush()


def _told() -> sa.Exists:
    return sa.exists().where(CallEvent.call_id == Call.id)
