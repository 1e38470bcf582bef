"""Somebody asked not to be called any more: on the customer's list at once, and no call to him goes on (rule C1)."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from callcab import queue
from callcab.db import CabSession
from callcab.lib import clock
from callcab.models import BlacklistEntry, BlacklistSource, Call, IvrAction, IvrRule
from callcab.services import bulk


class OptOut(NamedTuple):
    """Who pressed what, in a call of a campaign or in one that he made himself."""

    customer_id: int
    phone: int
    digit: str
    call_id: int | None = None
    inbound_call_id: int | None = None


def opt_out(session: CabSession, wishes: Sequence[OptOut]) -> None:
    """Put callees or callers on their customers' blacklists for good, and end the calls that are on their way to them.

    Flushed. An entry that would expire one day becomes a lasting one, and one that an import brought stays when the
    import is undone: the person himself asked for it.
    """
    unique = {(wish.customer_id, wish.phone): wish for wish in wishes}
    # In one order: two batches may hold the same person.
    ordered = [unique[key] for key in sorted(unique)]
    if not ordered:
        return
    now = clock.now()
    entry = insert(BlacklistEntry).values(
        [
            {
                "customer_id": wish.customer_id,
                "phone": wish.phone,
                "source": BlacklistSource.IVR,
                "reason": f"IVR {wish.digit}",
                "author_name": "",
                "call_id": wish.call_id,
                "inbound_call_id": wish.inbound_call_id,
                "created_at": now,
            }
            for wish in ordered
        ]
    )
    session.execute(
        entry.on_conflict_do_update(
            index_elements=[BlacklistEntry.customer_id, BlacklistEntry.phone],
            set_={"expires_at": None, "operation_id": None},
        )
    )
    own = [wish.call_id for wish in ordered if wish.call_id is not None]
    for customer_id in sorted({wish.customer_id for wish in ordered}):
        mine = [wish.phone for wish in ordered if wish.customer_id == customer_id]
        stop_calls(session, customer_id, mine, but=own)


def stop_calls(session: CabSession, customer_id: int | None, phones: Iterable[int], *, but: Sequence[int] = ()) -> int:
    """End unanswered calls to numbers that were put on a list (None: the platform's); returns how many.

    Those not dialled yet are refused by the gate anyway, which reads the list right before; this is for the telephones
    that ring already. They are hung up after the commit, but for those named: whoever pressed hears the goodbye.
    """
    wanted = sorted(set(phones))
    condition = Call.customer_id == customer_id if customer_id is not None else sa.true()
    found = session.scalars(
        sa.select(Call.id)
        .where(condition, Call.ended_at.is_(None), Call.answered_at.is_(None), Call.phone == bulk.any_of(wanted))
        .where(Call.id != bulk.all_of(but))
        .order_by(Call.id)
    ).all()
    for call_id in found:
        queue.later(session, "call.hang_up", call_id=call_id)
    return len(found)


def opt_out_digits(session: CabSession, campaign_ids: Iterable[int]) -> set[tuple[int, str]]:
    """Which digits of which campaigns mean «do not call me any more»: pairs of campaign and digit."""
    rules = session.execute(
        sa.select(IvrRule.campaign_id, IvrRule.digit).where(
            IvrRule.campaign_id == bulk.any_of(sorted(set(campaign_ids))), IvrRule.action == IvrAction.BLACKLIST
        )
    )
    return {(campaign_id, digit) for campaign_id, digit in rules}
