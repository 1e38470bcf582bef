"""REST for customers' programs: /api/v1, described at /api/docs and /api/openapi.json."""

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from callcab.api import account, base, blacklist, callbacks, check, docs, inbound_calls, numbers, payments
from callcab.api.base import TITLE, VERSION, ProgramApi
from callcab.web.limits import limit_all

BLUEPRINTS = (
    account.blueprint,
    blacklist.blueprint,
    callbacks.blueprint,
    check.blueprint,
    inbound_calls.blueprint,
    numbers.blueprint,
    payments.blueprint,
)


def register(app: Flask, csrf: CSRFProtect) -> None:
    """Register every endpoint. No token against forgery is asked, because no cookie is looked at (``web.auth``)."""
    app.config.update(API_TITLE=TITLE, API_VERSION=VERSION, OPENAPI_VERSION="3.0.3")
    api = ProgramApi(app)
    for blueprint in BLUEPRINTS:
        csrf.exempt(blueprint)
        limit_all(blueprint, base.allowance, base.caller)
        api.register_blueprint(blueprint)
    api.spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    app.extensions["callcab.api"] = api
    app.register_blueprint(docs.blueprint)
