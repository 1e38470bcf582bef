"""The dialler's rounds: when one is due, whether the campaign may dial at all, and what it waits for.

One round at a time for each campaign: its row is locked, so that its lines are counted right. A round takes batches of
contacts until the lines are full (``recording``); nobody waits for a line, the next round is asked for when some are
free again.
"""

from datetime import timedelta

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.models import Call, Campaign, CampaignState, Contact, ContactState
from callcab.services.call import rounds
from callcab.services.call.ending import finish_campaign
from callcab.services.call.locking import lock_campaign
from callcab.services.call.placing import placements
from callcab.services.campaign.recording import Round, record
from callcab.services.campaign.schedule import is_early
from callcab.services.phone_number.lease import lease

# A campaign that waits, or has nobody left, is looked at again after this.
PATIENCE = timedelta(seconds=5)


def due(session: CabSession, *, limit: int = 500) -> list[int]:
    """Ask for rounds of campaigns that have something to do; returns those asked for. For the timetable.

    Somebody is due and a line is free; or it waits, and money or numbers may have come; or nobody is left.
    """
    now = clock.now()
    waiting = sa.exists().where(
        Contact.campaign_id == Campaign.id, Contact.state.in_((ContactState.NEW, ContactState.WAITING))
    )
    in_use = sa.select(sa.func.count()).where(
        Call.customer_id == Campaign.customer_id, Call.campaign_id == Campaign.id, Call.ended_at.is_(None)
    )
    silent = sa.func.coalesce(Campaign.dialled_at, Campaign.created_at)
    found = session.scalars(
        sa.select(Campaign.id)
        .where(Campaign.state.in_(rounds.UNDER_WAY))
        .where(sa.or_(Campaign.starts_at.is_(None), Campaign.starts_at <= now))
        .where(
            sa.or_(
                sa.and_(
                    Campaign.state == CampaignState.RUNNING,
                    waiting.where(Contact.next_at <= now),
                    in_use.scalar_subquery() < Campaign.lines,
                ),
                sa.and_(Campaign.state == CampaignState.WAITING, silent <= now - PATIENCE),
                sa.and_(~waiting, silent <= now - PATIENCE),
            )
        )
        .order_by(silent, Campaign.id)
        .limit(limit)
    ).all()
    return rounds.ask(session, found)


def dial(session: CabSession, campaign_id: int) -> Round:
    """One batch of a campaign; the caller places ``requests`` after the commit. Flushed. Needs a system scope."""
    campaign = lock_campaign(session, campaign_id)
    if campaign is None or campaign.state not in rounds.UNDER_WAY:
        return Round()
    rounds.begin(campaign)
    if is_early(campaign, clock.now()) or finish_campaign(session, campaign):
        return Round()
    caller = lease(session, campaign)
    if caller is None:
        _wait(campaign, "number.none_free")
        session.flush()
        return Round()
    campaign.state, campaign.wait_reason = CampaignState.RUNNING, None
    outcome = record(session, campaign, caller, lines=campaign.lines - _lines_in_use(session, campaign))
    if outcome.waits_for:
        _wait(campaign, outcome.waits_for)
    session.flush()
    if outcome.calls:
        outcome.requests = placements(session, outcome.calls)
    else:
        finish_campaign(session, campaign)
    return outcome


def wait_for_lines(session: CabSession, campaign_id: int, code: str) -> None:
    """Nothing can be dialled at present: a campaign under way says why it waits. Flushed."""
    campaign = lock_campaign(session, campaign_id)
    if campaign is not None and campaign.state in rounds.UNDER_WAY:
        rounds.begin(campaign)
        _wait(campaign, code)
        session.flush()


def _lines_in_use(session: CabSession, campaign: Campaign) -> int:
    used = sa.select(sa.func.count()).select_from(Call)
    used = used.where(Call.customer_id == campaign.customer_id, Call.campaign_id == campaign.id)
    return session.scalar(used.where(Call.ended_at.is_(None))) or 0


def _wait(campaign: Campaign, reason: str) -> None:
    campaign.state = CampaignState.WAITING
    campaign.wait_reason = reason[:48]
