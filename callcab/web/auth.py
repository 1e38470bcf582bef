"""Who is this? The cookie's session or the bearer token of a request, and where strangers are sent."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode, urlsplit

import sqlalchemy as sa
from flask import Flask, Request, current_app, g, make_response, redirect, request, session
from flask import Response as FlaskResponse
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_login import AnonymousUserMixin, LoginManager, current_user
from itsdangerous import URLSafeTimedSerializer
from werkzeug.wrappers import Response

from callcab.config import Settings
from callcab.db import looking_up
from callcab.lib.ip_network import client_address
from callcab.scope import Scope
from callcab.services import api_token, ip_rule, password, session_record
from callcab.web import errors, limits
from callcab.web.language import gettext as _

SIGN_IN = Scope.system("sign-in")
API_ROLE = "api"
# Cookies that a process remembers, a kilobyte each.
COOKIES = 2_000
# Flask-Login reads the session's token under this name.
COOKIE_KEY = "_user_id"


@dataclass(frozen=True)
class Identity:
    """The person or program of a request: a light copy, never a row of the database.

    door           what the IP allow list says about this address
    session_id     of the cookie's session, None for a program
    token_id       of the API token, None for a person; ``scopes`` says what it may
    stamp_due      whether the session's or token's "last used" is to be written
    list_settings  how he wants lists drawn (``models.user``)
    viewed_lists   the lists in which he sees saved views
    balance        roubles of his customer as the request came; None for support and programs
    """

    id: int | None
    name: str
    email: str
    role: str
    language: str
    customer_id: int | None
    customer_name: str
    zone: str
    door: ip_rule.Verdict
    stamp_due: bool
    session_id: int | None = None
    token_id: int | None = None
    scopes: frozenset[str] = frozenset()
    has_second_factor: bool = False
    list_settings: Mapping[str, Any] = field(default_factory=dict)
    viewed_lists: Sequence[str] = ()
    balance: Decimal | None = None

    is_authenticated = True
    is_active = True
    is_anonymous = False

    @property
    def is_staff(self) -> bool:
        return self.customer_id is None

    def get_id(self) -> str:
        """For Flask-Login, which is never asked to store it: ``begin`` stores the token."""
        return str(self.session_id)


class Cookies(SecureCookieSessionInterface):
    """Flask's sessions in the cookie, signed by one serializer instead of one for each request.

    A cookie that was found genuine is known again as long as the process lives: it is what a browser sends with each
    request, and that a session is over is said by its record, never by the age of the cookie.
    """

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        known: URLSafeTimedSerializer | None = app.extensions.get("callcab.cookie_signer")
        if known is None:
            known = app.extensions["callcab.cookie_signer"] = super().get_signing_serializer(app)
        return known

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        known: dict[str, dict[str, Any]] = app.extensions.setdefault("callcab.cookies", {})
        value = request.cookies.get(self.get_cookie_name(app), "")
        if value in known:
            return self.session_class(known[value])
        opened = super().open_session(app, request)
        if opened:
            if len(known) >= COOKIES:
                known.clear()
            known[value] = dict(opened)
        return opened

    def save_session(self, app: Flask, session: SessionMixin, response: FlaskResponse) -> None:
        """Most pages change nothing in it, and then have to say no more than that they depend on it."""
        if session.modified or session.permanent:
            super().save_session(app, session, response)
        elif session.accessed:
            response.headers.add("Vary", "Cookie")


def init_app(app: Flask) -> None:
    """Install the loaders; everything behind them may ask ``current_user``."""
    settings: Settings = app.config["SETTINGS"]
    manager = LoginManager()
    # The session's record decides; a changing address is the business of the allow list.
    manager.session_protection = None
    manager.user_loader(_load_person)
    manager.request_loader(_load_program)
    manager.unauthorized_handler(to_sign_in)
    manager.init_app(app)
    app.before_request(_know_address)
    limits.init_app(app, settings)
    app.before_request(_demand_second_factor)
    password.dummy_hash()


def begin(token: str) -> None:
    """Make the browser hold this token and nothing it held before (AC-23)."""
    session.clear()
    session[COOKIE_KEY] = token


def end() -> None:
    """Make the browser forget everything."""
    session.clear()


def to_sign_in() -> Response:
    """Where a stranger is sent: pages to the log-in and back, swaps out of the page (rule U24), programs 401."""
    url = "/login"
    if request.path.startswith("/api/"):
        answer: Response = errors.answer(401, "token.missing", _("Нужен действующий ключ API."), {})
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
    for asks, tells in (("HX-Request", "HX-Redirect"), ("X-Fragment", "X-Location")):
        if request.headers.get(asks):
            answer = make_response("", 401)
            answer.headers[tells] = url
            return answer
    if request.accept_mimetypes.best_match(("text/html", "application/json")) == "application/json":
        return errors.answer(401, "signed_out", _("Сеанс завершён. Войдите снова."), {})
    if request.method != "GET":
        return redirect(url, 303)
    path = request.full_path if request.query_string else request.path
    return redirect(url if path == "/" else f"{url}?{urlencode({'next': path})}")


def local_path(text: str | None) -> str | None:
    """A path of this site to go on to, or None for whatever else somebody wrote into the link (AC-28)."""
    if not text or not text.startswith("/") or text[1:2] in ("/", "\\") or "\\" in text or not text.isprintable():
        return None
    parts = urlsplit(text)
    return None if parts.scheme or parts.netloc else text


def _know_address() -> None:
    """The client's address by our own proxies only (rule I7)."""
    settings: Settings = current_app.config["SETTINGS"]
    hops = request.environ.get("HTTP_X_FORWARDED_FOR")
    g.client_address = client_address(request.remote_addr or "", hops, settings.trusted_proxies)


def _demand_second_factor() -> Response | None:
    """Support without a second factor sees only the page to set it up, when it is required (AC-40)."""
    settings: Settings = current_app.config["SETTINGS"]
    if settings.staff_totp != "required" or not request.path.startswith("/admin"):
        return None
    if not current_user.is_authenticated or not current_user.is_staff or current_user.has_second_factor:
        return None
    return None if request.path.startswith("/admin/profile/") else redirect("/admin/profile/")


@contextmanager
def _finding_out() -> Iterator[None]:
    """While it is looked up who asks; the request's own session is confined only afterwards."""
    try:
        yield
    except sa.exc.SQLAlchemyError:
        # The error page asks for the language of the person; it must not ask the database again.
        g._login_user = AnonymousUserMixin()
        raise


def _load_person(token: str) -> Identity | None:
    """The person of the cookie. Cookies do not open the API, so that it needs no token against forgery (AC-26)."""
    if request.path.startswith("/api/v1"):
        return None
    with _finding_out():
        known = session_record.find(token, address=g.get("client_address", ""))
    if known is None:
        return None
    return Identity(
        id=known.user_id,
        name=known.name,
        email=known.email,
        role=known.role,
        language=known.language,
        customer_id=known.customer_id,
        customer_name=known.customer_name,
        zone=known.zone,
        door=known.door,
        stamp_due=session_record.stamp_due(known),
        session_id=known.session_id,
        has_second_factor=known.has_second_factor,
        list_settings=known.list_settings or {},
        viewed_lists=known.viewed_lists,
        balance=known.balance,
    )


def _load_program(incoming: Request) -> Identity | None:
    """The program of an ``Authorization: Bearer`` header; a token in the address is never looked at (AC-09)."""
    if not incoming.path.startswith("/api/v1"):
        return None
    kind, _space, text = incoming.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not text.strip():
        return None
    with _finding_out(), looking_up(SIGN_IN) as reader:
        holder = api_token.find(reader, text.strip())
        if holder is None:
            return None
        door = ip_rule.verdict(
            reader,
            customer_id=holder.customer_id,
            address=g.get("client_address", ""),
            open_until=holder.ip_open_until,
        )
    return Identity(
        id=None,
        name=holder.name,
        email="",
        role=API_ROLE,
        language=incoming.accept_languages.best_match(("ru", "en"), "ru"),
        customer_id=holder.customer_id,
        customer_name="",
        zone=holder.zone,
        door=door,
        stamp_due=holder.stamp_due,
        token_id=holder.token_id,
        scopes=holder.scopes,
    )
