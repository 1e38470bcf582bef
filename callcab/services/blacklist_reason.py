"""Why a number stands on a blacklist, changed afterwards: one entry in its list, or the ticked ones together."""

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib.errors import Forbidden, Invalid, NotFound
from callcab.models import BlacklistEntry
from callcab.permissions import allowed
from callcab.scope import Actor
from callcab.services import audit, cell
from callcab.services.blacklist import LONGEST_REASON


def set_reason(
    session: CabSession, entry_id: int, *, value: str, actor: Actor, seen: str | None = None
) -> BlacklistEntry:
    """Change the reason of an entry. Flushed, audited where its customer reads it.

    seen    what the person saw (``cell.change``); None: whatever it was
    raises  NotFound ``blacklist.not_found``, Forbidden for the platform's entries unless he may decide for all
            customers, Invalid ``reason.missing`` for one of those, ``field.too_long``, Conflict ``cell.changed``
    """
    mine = sa.true() if actor.is_staff else BlacklistEntry.customer_id == actor.customer_id
    row = session.scalar(sa.select(BlacklistEntry).where(BlacklistEntry.id == entry_id, mine).with_for_update())
    if row is None:
        raise NotFound("blacklist.not_found")
    reason = cell.one_line(value, LONGEST_REASON)
    if row.customer_id is None and not allowed(actor.role, "blacklist.platform"):
        raise Forbidden("forbidden")
    if row.customer_id is None and not reason:
        raise Invalid("reason.missing", field="value")
    before = cell.change(row, "reason", value=reason, seen=cell.text_of(row.reason) if seen is None else seen)
    if before is not None:
        audit.record(
            session,
            "blacklist.reason",
            actor=actor,
            customer_id=row.customer_id,
            object_type="blacklist",
            object_id=row.id,
            before={"phone": str(row.phone), **before},
            after={"reason": reason},
        )
        session.flush()
    return row
