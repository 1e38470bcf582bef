"""Who asks: permission, side, scope and customer of the request."""

from typing import Any

from flask import g, request
from flask_login import current_user

from callcab.permissions import allowed
from callcab.scope import Actor, Scope
from callcab.web import carried


def _who() -> Any:
    # Asked a hundred times for a page.
    return carried.who.get() or current_user._get_current_object()


def may(permission: str) -> bool:
    """Whether the person who is signed in holds the permission; nothing declared means no."""
    who = _who()
    return bool(permission) and who.is_authenticated and allowed(who.role, permission)


def on_side(url: str) -> bool:
    """Whether the person belongs on this side: support below /admin, customers below /cabinet."""
    who = _who()
    return who.is_authenticated and bool(who.is_staff) == url.startswith("/admin")


def request_scope() -> Scope:
    """The scope of writes on behalf of the person who is signed in."""
    if current_user.is_staff:
        return Scope.staff()
    return Scope.tenant(current_user.customer_id)


def request_customer_id() -> int | None:
    """The customer whose rows are meant; None for support, who see all."""
    found: int | None = current_user.customer_id
    return found


def request_actor() -> Actor:
    """The person who is signed in, as services and the audit log see him."""
    return Actor(
        name=current_user.name,
        role=current_user.role,
        user_id=current_user.id,
        customer_id=current_user.customer_id,
        address=g.get("client_address", request.remote_addr or ""),
        request_id=g.get("request_id", ""),
    )
