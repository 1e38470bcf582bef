"""The audit log: every write of support, and what a customer does with money, access and deletion."""

from decimal import Decimal
from typing import Any

from callcab.db import CabSession
from callcab.models import AuditEvent
from callcab.scope import Actor

# Everything that is written down, but for operations, which are called by their own names. A test asks for the words of
# each in both languages.
_NAMES = """
    audio_recording.upload audio_recording.delete
    blacklist.add blacklist.delete blacklist.reason blacklist.restore
    callback.done callback.reopen
    campaign.create campaign.start campaign.pause campaign.resume campaign.stop campaign.clone campaign.test
    contact_list.create contact_list.edit
    customer.create customer.edit customer.block customer.unblock customer.mail customer.forget
    export_schedule.create export_schedule.pause export_schedule.resume export_schedule.delete
    invoice.issue invoice.cancel invoice.paid invoice.send
    ip.add ip.delete ip.clear ip.open ip.note
    ledger.check
    mail.retry
    number.add number.block number.unblock number.delete number.kind number.release number.rent number.verify
    number.verified number.lost number.expire number.prolong number.label number.note number.rest
    number.wake
    operation.cancel operation.confirm operation.download operation.undo
    payment.record payment.correct payment.reverse
    promo.issue promo.load promo.pause promo.resume promo.activate
    saved_view.share saved_view.delete
    seller.create seller.edit
    session.end
    tariff.create tariff.edit
    token.create token.revoke
    user.invite user.invite_again user.role user.disable user.enable user.profile user.password
    user.totp_on user.totp_off user.totp_reset
    verification.confirm
"""
ACTIONS = frozenset(_NAMES.split())
_operations: set[str] = set()


def allow(operation: str) -> None:
    """Let an operation be written down under its own name."""
    _operations.add(operation)


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
    """Add one event; ``action`` is ``object.verb`` and stays stable, since customers and programs read it. KeyError for
    one that ACTIONS does not name: what nobody has words for must not pass.

    ``before`` and ``after`` hold changed fields only, never passwords, tokens or code values. Not flushed.
    """
    if action not in ACTIONS and action not in _operations:
        raise KeyError(action)
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
