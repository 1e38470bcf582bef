"""Who asks, and whether he may: scope of the request, actor for the audit log, pages that declare a permission."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, abort, current_app, g, redirect, request
from flask_admin import BaseView
from flask_login import current_user
from werkzeug.wrappers import Response

from callcab.scope import Actor
from callcab.web import carried
from callcab.web.carried import carry
from callcab.web.database import db
from callcab.web.listing.access import may, on_side, request_customer_id, request_scope

__all__ = [
    "Page",
    "allow_upload",
    "current_actor",
    "current_customer_id",
    "current_scope",
    "init_app",
    "may",
    "requires",
]

current_scope = request_scope
current_customer_id = request_customer_id


def init_app(app: Flask) -> None:
    """Confine the request's session as soon as it is known who asks; after the IP wall, before any view."""
    app.before_request(_confine_request)


# Endpoint -> largest body and largest text in bytes; everything else keeps the limits of the application.
_UPLOADS: dict[str, tuple[int, int]] = {}


def allow_upload(endpoint: str, *, body: int, text: int) -> None:
    """Let this view take a large body from people who are signed in.

    The token's check reads the form before any view runs, so the limit has to be known here.
    """
    _UPLOADS[endpoint] = (body, text)


def _confine_request() -> None:
    who = current_user._get_current_object()
    if not who.is_authenticated:
        return
    if request.endpoint in _UPLOADS:
        request.max_content_length, request.max_form_memory_size = _UPLOADS[request.endpoint]
    carry(carried.who, who)
    db.session().assume(request_scope())
    if who.zone:
        carry(carried.zone, ZoneInfo(who.zone))


def current_actor() -> Actor:
    """The person of this request, as services and the audit log see him."""
    return Actor(
        name=current_user.name,
        role=current_user.role,
        user_id=current_user.id,
        customer_id=current_user.customer_id,
        address=g.get("client_address", ""),
        request_id=g.get("request_id", ""),
    )


def requires(permission: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Guard a view function of a page that itself is open to more people; 403 without the permission."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not may(permission):
                abort(403)
            return view(*args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]  # read by the access sweep
        return guarded

    return decorate


class Page(BaseView):
    """A page of the back office or the cabinet that is no list. Without a permission nobody may open it."""

    permission = ""
    menu_hidden = False

    def is_visible(self) -> bool:
        return not self.menu_hidden

    def is_accessible(self) -> bool:
        return on_side(self.admin.url) and may(self.permission)

    def inaccessible_callback(self, name: str, **kwargs: Any) -> Response:
        return refuse()


def refuse() -> Response:
    """Strangers go to the log-in page; a person of the wrong side or role gets 403, and is told nothing more."""
    if not current_user.is_authenticated:
        return current_app.login_manager.unauthorized()  # type: ignore[attr-defined, no-any-return]
    abort(403)


def home_of_user() -> Response:
    """Where the person works: support in the back office, customers in the cabinet."""
    return redirect("/admin/" if current_user.is_staff else "/cabinet/", 303 if request.method == "POST" else 302)
