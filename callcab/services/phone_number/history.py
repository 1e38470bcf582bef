"""The history of a number, and finding it for a change."""

from typing import Any

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib.errors import NotFound
from callcab.models import NumberEvent, PhoneNumber
from callcab.scope import Actor
from callcab.services import audit


def note(session: CabSession, number: PhoneNumber, kind: str, *, actor: Actor, **data: Any) -> None:
    """Add to the history of a number; the customer who holds it now sees the line. Not flushed."""
    customer_id = data.pop("customer_id", number.customer_id)
    session.add(NumberEvent(number_id=number.id, customer_id=customer_id, kind=kind, actor=actor.name, data=data))


def locked(session: CabSession, number_id: int) -> PhoneNumber:
    """The number, locked and fresh. Raises NotFound("number.not_found")."""
    number = session.scalar(
        sa.select(PhoneNumber)
        .where(PhoneNumber.id == number_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if number is None:
        raise NotFound("number.not_found")
    return number


def record(
    session: CabSession,
    action: str,
    number: PhoneNumber,
    actor: Actor,
    before: dict[str, Any],
    after: dict[str, Any],
    reason: str = "",
) -> None:
    """Audit a change of a number, which makes a new version of it. Flushed."""
    number.version += 1
    audit.record(
        session,
        action,
        actor=actor,
        customer_id=number.customer_id,
        object_type="phone_number",
        object_id=number.id,
        before=before,
        after=after,
        reason=reason,
    )
    session.flush()
