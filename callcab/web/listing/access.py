"""Who asks: permission, side, scope and customer of the request."""

from typing import Any

from flask import g, request
from flask_login import current_user

from callcab.permissions import allowed
from callcab.scope import Actor, Scope
from callcab.web import carried


def who() -> Any:
    """``current_user`` without its proxy: a page asks for him a hundred times."""
    return carried.who.get() or current_user._get_current_object()


def may(permission: str) -> bool:
    """Whether the person who is signed in holds the permission; nothing declared means no."""
    person = who()
    return bool(permission) and person.is_authenticated and allowed(person.role, permission)


def on_side(url: str) -> bool:
    """Whether the person belongs on this side: support below /admin, customers below /cabinet."""
    person = who()
    return person.is_authenticated and bool(person.is_staff) == url.startswith("/admin")


def request_scope() -> Scope:
    """The scope of writes on behalf of the person who is signed in."""
    person = who()
    return Scope.staff() if person.is_staff else Scope.tenant(person.customer_id)


def request_customer_id() -> int | None:
    """The customer whose rows are meant; None for support, who see all."""
    found: int | None = who().customer_id
    return found


def request_actor() -> Actor:
    """The person who is signed in, as services and the audit log see him."""
    person = who()
    return Actor(
        name=person.name,
        role=person.role,
        user_id=person.id,
        customer_id=person.customer_id,
        address=g.get("client_address", request.remote_addr or ""),
        request_id=g.get("request_id", ""),
    )
