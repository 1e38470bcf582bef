"""One order of locks for everything that touches a call: campaign, call, contact, customer's account."""

from typing import Any

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.models import Call, Campaign


def lock_campaign(session: CabSession, campaign_id: int) -> Campaign | None:
    """The campaign, locked and fresh."""
    return session.scalar(
        sa.select(Campaign)
        .where(Campaign.id == campaign_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def lock_call(session: CabSession, condition: Any) -> Call | None:
    """The call that meets ``condition``, locked after its campaign and fresh; None when there is none."""
    found = session.execute(sa.select(Call.id, Call.campaign_id).where(condition)).first()
    if found is None:
        return None
    lock_campaign(session, found.campaign_id)
    return session.scalar(
        sa.select(Call).where(Call.id == found.id).with_for_update().execution_options(populate_existing=True)
    )
