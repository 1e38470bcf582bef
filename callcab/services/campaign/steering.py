"""Starting, pausing, resuming and stopping a campaign."""

from collections.abc import Sequence

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.errors import Conflict, Forbidden, Invalid, NotFound
from callcab.models import Campaign, CampaignState, Customer, CustomerStatus, Purpose
from callcab.scope import Actor
from callcab.services import audit
from callcab.services.call import rounds
from callcab.services.campaign.schedule import is_early
from callcab.services.decision import is_over
from callcab.services.phone_number.lease import release_campaign


def start(session: CabSession, campaign_id: int, *, actor: Actor, customer_id: int | None = None) -> Campaign:
    """Start a draft; the number is taken and calls begin in a job after the commit. Flushed.

    customer_id  whose campaign it must be; empty for support
    raises       NotFound, Conflict("campaign.state"), Forbidden("customer.blocked"), Invalid("campaign.no_consent")
    """
    campaign = _move(session, campaign_id, customer_id, (CampaignState.DRAFT,), CampaignState.WAITING)
    _check_customer(session, campaign)
    campaign.started_at = clock.now()
    campaign.wait_reason = _first_reason(campaign)
    return _moved(session, campaign, "campaign.start", CampaignState.DRAFT, actor)


def pause(session: CabSession, campaign_id: int, *, actor: Actor, customer_id: int | None = None) -> Campaign:
    """Begin no more calls; those that are up go on, the number is kept. Flushed. NotFound, Conflict."""
    campaign = _move(session, campaign_id, customer_id, rounds.UNDER_WAY, CampaignState.PAUSED)
    campaign.wait_reason = None
    return _moved(session, campaign, "campaign.pause", CampaignState.RUNNING, actor)


def resume(session: CabSession, campaign_id: int, *, actor: Actor, customer_id: int | None = None) -> Campaign:
    """Go on with a paused campaign. Flushed. Raises as ``start``."""
    campaign = _move(session, campaign_id, customer_id, (CampaignState.PAUSED,), CampaignState.WAITING)
    _check_customer(session, campaign)
    campaign.wait_reason = _first_reason(campaign)
    return _moved(session, campaign, "campaign.resume", CampaignState.PAUSED, actor)


def stop(session: CabSession, campaign_id: int, *, actor: Actor, customer_id: int | None = None) -> Campaign:
    """End a campaign for good and give its number back; calls that are up end by themselves. Flushed.

    Needs a system or staff scope when the campaign holds a number of the pool. NotFound, Conflict("campaign.state").
    """
    sources = (CampaignState.DRAFT, *rounds.UNDER_WAY, CampaignState.PAUSED)
    campaign = _move(session, campaign_id, customer_id, sources, CampaignState.STOPPED)
    campaign.wait_reason = None
    campaign.finished_at = clock.now()
    session.flush()
    release_campaign(session, campaign.id)
    return _moved(session, campaign, "campaign.stop", None, actor)


def _move(
    session: CabSession,
    campaign_id: int,
    customer_id: int | None,
    sources: Sequence[CampaignState],
    target: CampaignState,
) -> Campaign:
    statement = sa.select(Campaign).where(Campaign.id == campaign_id).with_for_update()
    if customer_id is not None:
        statement = statement.where(Campaign.customer_id == customer_id)
    campaign = session.scalar(statement.execution_options(populate_existing=True))
    if campaign is None:
        raise NotFound("campaign.not_found")
    if campaign.state not in sources:
        raise Conflict("campaign.state", state=campaign.state.value)
    campaign.state = target
    campaign.version += 1
    return campaign


def _first_reason(campaign: Campaign) -> str:
    return "campaign.scheduled" if is_early(campaign, clock.now()) else "campaign.starting"


def _check_customer(session: CabSession, campaign: Campaign) -> None:
    customer = session.get_one(Customer, campaign.customer_id)
    if customer.status is CustomerStatus.BLOCKED:
        raise Forbidden("customer.blocked", reason=customer.block_reason)
    if campaign.purpose is Purpose.ADVERTISING and not campaign.consent_note.strip():
        raise Invalid("campaign.no_consent", field="consent_note")
    if is_over(campaign, clock.now(), customer.zone):
        raise Invalid("campaign.over", field="last_day")


def _moved(
    session: CabSession, campaign: Campaign, action: str, before: CampaignState | None, actor: Actor
) -> Campaign:
    audit.record(
        session,
        action,
        actor=actor,
        customer_id=campaign.customer_id,
        object_type="campaign",
        object_id=campaign.id,
        before={"state": before.value} if before else None,
        after={"state": campaign.state.value},
    )
    session.flush()
    if campaign.state is CampaignState.WAITING:
        rounds.ask(session, (campaign.id,))
    return campaign
