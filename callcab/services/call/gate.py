"""The last look before a telephone rings: what was allowed when the call was recorded may be forbidden by now.

The provider tells ``placed`` and dials only what is let through. The lists are read in that very transaction: an entry
that was committed before is never dialled (rule B8), one that comes later hangs up (``opting_out.stop_calls``).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
import sqlalchemy.orm
from sqlalchemy.dialects.postgresql import JSONB

from callcab.db import CabSession
from callcab.models import Call, Campaign, Customer, Outcome
from callcab.services import bulk, decision
from callcab.services.call.ending import End
from callcab.services.call.locking import Live

# When a contact is looked at again whom no rule gives a time.
LOOK_AGAIN = timedelta(minutes=10)


class Recorded(NamedTuple):
    """A call that is about to be dialled, as the gate looks at it."""

    id: int
    campaign_id: int
    phone: int


def refusals(session: CabSession, calls: Sequence[Recorded], *, now: datetime) -> dict[int, decision.Decision]:
    """Those calls that must not be dialled any more, by id. Reads only; needs a system scope."""
    by_campaign: dict[int, list[Recorded]] = {}
    for call in calls:
        by_campaign.setdefault(call.campaign_id, []).append(call)
    found: dict[int, decision.Decision] = {}
    # Held until all are judged, so that they are read once.
    owned = _campaigns(session, sorted(by_campaign))
    for campaign, _ in owned:
        mine = by_campaign[campaign.id]
        callees = [decision.Callee(call.phone) for call in mine]
        answers = decision.look_again(
            session, customer_id=campaign.customer_id, campaign=campaign, callees=callees, now=now
        )
        found |= {call.id: answer for call, answer in zip(mine, answers, strict=True) if not answer.allowed}
    return found


def turn_away(call: Live, answer: decision.Decision, now: datetime) -> End:
    """The end of a call that was not let through: unpaid, and no attempt of its contact."""
    if answer.verdict == decision.NEVER:
        return End(call, Outcome.REQUEST_REFUSED, refused=answer.code)
    # What stands in the way of the whole campaign is over when its next round comes this far.
    wait = LOOK_AGAIN if answer.verdict == decision.LATER else timedelta(0)
    return End(call, Outcome.REQUEST_REFUSED, again_at=answer.retry_at or now + wait)


def keep_traces(session: CabSession, answers: Mapping[int, decision.Decision]) -> None:
    """The trace that refused a call takes the place of the one that had allowed it."""
    if not answers:
        return
    new = bulk.rows(
        "new",
        id=(bulk.NUMBER, list(answers)),
        decision=(bulk.TEXT, [answer.as_json() for answer in answers.values()]),
    )
    session.execute(
        sa.update(Call)
        .where(Call.id == new.c.id)
        .values(decision=sa.cast(new.c.decision, JSONB))
        .execution_options(synchronize_session=False)
    )


def _campaigns(session: CabSession, ids: Sequence[int]) -> list[tuple[Campaign, Customer]]:
    """The campaigns with their customers as they are now."""
    found = session.execute(
        sa.select(Campaign, Customer)
        .join(Customer, Customer.id == Campaign.customer_id)
        .where(Campaign.id == bulk.any_of(ids))
        .order_by(Campaign.id)
        .options(sa.orm.lazyload(Campaign.rules))
        .execution_options(populate_existing=True)
    )
    return [(campaign, customer) for campaign, customer in found]
