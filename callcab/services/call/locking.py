"""One order of locks for everything that touches calls: campaigns, calls, contacts, numbers, accounts; each by id.

The locks leave other transactions free to refer to the rows: a new call or event needs no turn.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm

from callcab.db import CabSession
from callcab.models import Call, CallState, Campaign, Outcome
from callcab.services import bulk


@dataclass(slots=True)
class Live:
    """A locked call in memory, as batches change it; ``store`` writes it back. Lighter than the mapped row: the
    decision, most of its bytes, stays in the database."""

    id: int
    campaign_id: int
    contact_id: int
    customer_id: int
    phone: int
    reference: str
    reservation_id: int | None
    terms: dict[str, Any] | None
    deadline_at: datetime
    state: CallState
    outcome: Outcome | None
    digits: str
    answered_at: datetime | None
    ended_at: datetime | None
    seconds: int
    cost: Decimal


_COLUMNS = (
    Call.id,
    Call.campaign_id,
    Call.contact_id,
    Call.customer_id,
    Call.phone,
    Call.provider_ref,
    Call.reservation_id,
    Call.terms,
    Call.deadline_at,
    Call.state,
    Call.outcome,
    Call.digits,
    Call.answered_at,
    Call.ended_at,
    Call.seconds,
    Call.cost,
)


def lock_campaign(session: CabSession, campaign_id: int) -> Campaign | None:
    """The campaign, locked and fresh."""
    return lock_campaigns(session, (campaign_id,)).get(campaign_id)


def lock_campaigns(session: CabSession, campaign_ids: Iterable[int]) -> dict[int, Campaign]:
    """Campaigns by id, locked and fresh."""
    wanted = sorted(set(campaign_ids))
    if not wanted:
        return {}
    statement = (
        sa.select(Campaign)
        .where(Campaign.id == bulk.any_of(wanted))
        .order_by(Campaign.id)
        .with_for_update(key_share=True)
        .options(sa.orm.lazyload(Campaign.rules))
        .execution_options(populate_existing=True)
    )
    return {campaign.id: campaign for campaign in session.scalars(statement)}


def lock_calls(session: CabSession, call_ids: Iterable[int]) -> list[Live]:
    """Calls in the order of their ids, locked and fresh. Those that will end: after their campaigns."""
    statement = (
        sa.select(*_COLUMNS)
        .where(Call.id == bulk.any_of(sorted(set(call_ids))))
        .order_by(Call.id)
        .with_for_update(key_share=True)
    )
    return [Live(*row) for row in session.execute(statement)]


def store(session: CabSession, calls: Sequence[Live]) -> None:
    """Write changed calls back, one statement."""
    if not calls:
        return
    new = bulk.rows(
        "new",
        id=(bulk.NUMBER, [call.id for call in calls]),
        state=(bulk.TEXT, [call.state.value for call in calls]),
        outcome=(bulk.TEXT, [call.outcome.value if call.outcome else None for call in calls]),
        digits=(bulk.TEXT, [call.digits for call in calls]),
        answered_at=(bulk.MOMENT, [call.answered_at for call in calls]),
        ended_at=(bulk.MOMENT, [call.ended_at for call in calls]),
        seconds=(bulk.COUNT, [call.seconds for call in calls]),
        cost=(bulk.MONEY, [call.cost for call in calls]),
    )
    session.execute(
        sa.update(Call)
        .where(Call.id == new.c.id)
        .values({column.name: column for column in new.c if column.name != "id"})
        .execution_options(synchronize_session=False)
    )
