"""A person asked by a digit not to be called any more (rule C1): on the list at once, calls on their way to him end."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from callcab import queue
from callcab.db import CabSession
from callcab.lib import clock
from callcab.models import BlacklistEntry, BlacklistSource, Call, Campaign, IvrAction


def is_opt_out(campaign: Campaign, digit: str) -> bool:
    """Whether the campaign's menu takes the digit for «do not call me»."""
    return any(rule.digit == digit and rule.action is IvrAction.BLACKLIST for rule in campaign.rules)


def opt_out(
    session: CabSession,
    *,
    customer_id: int,
    phone: int,
    digit: str,
    call_id: int | None = None,
    inbound_call_id: int | None = None,
) -> None:
    """Put the person on the customer's list for good and end the calls that are on their way to him. Repeating it
    changes nothing."""
    entry = insert(BlacklistEntry).values(
        customer_id=customer_id,
        phone=phone,
        source=BlacklistSource.IVR,
        reason=f"IVR {digit}",
        author_name="",
        call_id=call_id,
        inbound_call_id=inbound_call_id,
        created_at=clock.now(),
    )
    # An entry that would expire one day becomes a lasting one: the person himself asked for it.
    session.execute(
        entry.on_conflict_do_update(
            index_elements=[BlacklistEntry.customer_id, BlacklistEntry.phone], set_={"expires_at": None}
        )
    )
    others = session.scalars(
        sa.select(Call.id).where(
            Call.customer_id == customer_id,
            Call.phone == phone,
            Call.ended_at.is_(None),
            Call.answered_at.is_(None),
            Call.id != (call_id or 0),
        )
    ).all()
    for other in others:
        queue.later(session, "call.hang_up", call_id=other)
