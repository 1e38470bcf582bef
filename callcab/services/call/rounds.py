"""Asking for a campaign's next dialling round: one is queued at a time, however often it is asked for."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from callcab import queue
from callcab.db import CabSession
from callcab.lib import clock
from callcab.models import Campaign, CampaignState
from callcab.services import bulk

UNDER_WAY = (CampaignState.RUNNING, CampaignState.WAITING)
# A round that was asked for and has not begun after this was lost by the queue.
LOST = timedelta(seconds=15)


def ask(session: CabSession, campaign_ids: Sequence[int]) -> list[int]:
    """Ask for a round of each campaign that is under way and has none queued; returns those asked for. The jobs leave
    after the commit."""
    if not campaign_ids:
        return []
    now = clock.now()
    # Locked in one order: two batches of events may ask for the same campaigns.
    locked = (
        sa.select(Campaign.id)
        .where(Campaign.id == bulk.any_of(sorted(campaign_ids)), Campaign.state.in_(UNDER_WAY), _unasked(now))
        .order_by(Campaign.id)
        .with_for_update(key_share=True)
        .cte("locked")
    )
    asked = session.scalars(
        sa.update(Campaign)
        .where(Campaign.id == locked.c.id)
        .values(dial_asked_at=now)
        .returning(Campaign.id)
        .execution_options(synchronize_session=False)
    ).all()
    for campaign_id in asked:
        queue.later(session, "campaign.dial", campaign_id=campaign_id)
    return list(asked)


def ask_locked(session: CabSession, campaigns: Sequence[Campaign]) -> None:
    """As ``ask``, of campaigns that are locked and fresh. The caller flushes."""
    now = clock.now()
    for campaign in campaigns:
        asked, begun = campaign.dial_asked_at, campaign.dialled_at
        unasked = asked is None or (begun is not None and begun >= asked) or asked < now - LOST
        if campaign.state in UNDER_WAY and unasked:
            campaign.dial_asked_at = now
            queue.later(session, "campaign.dial", campaign_id=campaign.id)


def begin(campaign: Campaign) -> None:
    """Note that a round of a locked campaign begins: from now on another may be asked for."""
    asked = campaign.dial_asked_at
    # Never before it was asked for: clocks of two machines may differ.
    campaign.dialled_at = max(clock.now(), asked) if asked else clock.now()


def _unasked(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(
        Campaign.dial_asked_at.is_(None),
        Campaign.dialled_at >= Campaign.dial_asked_at,
        Campaign.dial_asked_at < now - LOST,
    )
