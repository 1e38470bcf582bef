"""The audit log: every write of support, and what a customer does with money, access and deletion."""

from decimal import Decimal
from typing import Any

from callcab.db import CabSession
from callcab.models import AuditEvent
from callcab.scope import Actor


def record(
    session: CabSession,
    action: str,
    *,
    actor: Actor,
    customer_id: int | None,
    object_type: str,
    object_id: int | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> AuditEvent:
    """Add one event; ``action`` is ``object.verb`` and stays stable, since customers and programs read it.

    ``before`` and ``after`` hold changed fields only, never passwords, tokens or code values. Not flushed.
    """
    event = AuditEvent(
        actor_id=actor.user_id,
        actor_name=actor.name,
        actor_role=actor.role,
        action=action,
        object_type=object_type,
        object_id=object_id,
        customer_id=customer_id,
        before=plain(before),
        after=plain(after),
        reason=reason,
        address=actor.address,
        request_id=actor.request_id,
    )
    session.add(event)
    return event


def plain(values: dict[str, Any] | None) -> dict[str, Any] | None:
    """The values as JSON holds them: sums as text with kopecks, times as ISO 8601."""
    if values is None:
        return None
    return {key: _plain(value) for key, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value
