"""Limits of requests per address and per token, counted in Valkey; without it in the memory of the process.

What must hold exactly (tries per account, calls per number) is counted in the database by the services.
"""

import math
import time
from collections.abc import Callable

from flask import Blueprint, Flask, Response, g, request
from flask_limiter import Limiter, RequestLimit

from callcab.config import Settings
from callcab.web import errors
from callcab.web.language import gettext as _


def _address() -> str:
    return str(g.get("client_address", ""))


def too_many(seconds: float) -> Response:
    """429 with the time to wait, in the form that was asked for."""
    response = errors.answer(429, "http.429", _("Слишком много попыток. Подождите и повторите."), {})
    response.headers["Retry-After"] = str(max(1, math.ceil(seconds)))
    return response


def _breached(limit: RequestLimit) -> Response:
    return too_many(limit.reset_at - time.time())


class Limits(Limiter):
    """Looks for limits before a request only where there are some."""

    def _check_request_limit(self, callable_name: str | None = None, in_middleware: bool = True) -> None:
        # A view that is limited by itself asks when it begins. Finding that out was a thirtieth of a page.
        if not in_middleware or request.blueprint in _limited:
            super()._check_request_limit(callable_name=callable_name, in_middleware=in_middleware)


limiter = Limits(key_func=_address, on_breach=_breached, in_memory_fallback_enabled=True, swallow_errors=True)
# Names of blueprints all of whose views share a limit.
_limited: set[str] = set()


def limit_all(blueprint: Blueprint, allowance: Callable[[], str], key: Callable[[], str]) -> None:
    """Let all views of a blueprint share the limit; a single view asks ``limiter`` itself."""
    limiter.limit(allowance, key_func=key)(blueprint)
    _limited.add(blueprint.name)


def init_app(app: Flask, settings: Settings) -> None:
    # The counting library has its own scheme for a Unix socket.
    storage = (settings.redis_url or "memory://").replace("unix://", "redis+unix://")
    app.config.setdefault("RATELIMIT_STORAGE_URI", storage)
    if settings.redis_url:
        # A dead Valkey must cost a page a moment, not seconds.
        app.config.setdefault("RATELIMIT_STORAGE_OPTIONS", {"socket_timeout": 1, "socket_connect_timeout": 1})
    limiter.init_app(app)
