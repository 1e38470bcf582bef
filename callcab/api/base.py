"""What all endpoints share: who may, how errors look, how lists are paged."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import wraps
from typing import Any

import marshmallow as ma
import sqlalchemy as sa
from flask import Response, current_app, g, jsonify, request
from flask_login import current_user
from flask_smorest import Api, Blueprint
from werkzeug.exceptions import HTTPException

from callcab.lib.errors import Forbidden, Invalid
from callcab.web import errors
from callcab.web.auth import to_sign_in
from callcab.web.database import db
from callcab.web.language import gettext as _
from callcab.web.listing.address import CursorSigner

TITLE = "callcab"
VERSION = "v1"
PAGE = 50
LONGEST_PAGE = 200
# Names under which a token in the address would end up in logs of proxies; refused so that nobody gets used to it.
TOKEN_NAMES = ("token", "access_token", "api_key", "apikey", "key")


class ProgramApi(Api):
    """Errors are answered by the application's own handlers, alike everywhere."""

    def _register_error_handlers(self) -> None:
        """Nothing: ``callcab.web.errors`` answers."""


def make_blueprint(name: str, description: str) -> Blueprint:
    """A blueprint below /api/v1 that nobody enters without a token."""
    blueprint = Blueprint(f"api_{name}", name, url_prefix="/api/v1", description=description)
    blueprint.before_request(_enter)
    blueprint.register_error_handler(422, _unreadable)
    return blueprint


def needs(scope: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Guard an endpoint by a scope of the token; 403 without it."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if scope not in current_user.scopes:
                raise Forbidden("token.scope", scope=scope)
            return view(*args, **kwargs)

        guarded.permission = scope  # type: ignore[attr-defined]  # read by the access sweep
        return guarded

    return decorate


def allowance() -> str:
    """Requests a minute: plenty for a token, few for who has none and may be guessing (AC-40)."""
    return "600 per minute" if current_user.is_authenticated else "60 per minute"


def caller() -> str:
    """Whose requests are counted together."""
    if current_user.is_authenticated:
        return f"token:{current_user.token_id}"
    return f"address:{g.get('client_address', '')}"


def _enter() -> Response | None:
    if any(name in request.args for name in TOKEN_NAMES):
        return errors.answer(400, "token.in_address", _("Ключ передают в заголовке Authorization, не в адресе."), {})
    if not current_user.is_authenticated:
        return to_sign_in()  # type: ignore[return-value]
    return None


def _unreadable(error: HTTPException) -> Response:
    """422 with what is wrong by field."""
    response = errors.answer(422, "invalid", _("Проверьте поля запроса."), {})
    body = response.get_json()
    body["errors"] = getattr(error, "data", {}).get("messages", {})
    found = jsonify(body)
    found.status_code, found.mimetype = 422, "application/problem+json"
    return found


class PageArgs(ma.Schema):
    """Where in a list one is."""

    cursor = ma.fields.String(load_default="", metadata={"description": "next_cursor of the page before"})
    limit = ma.fields.Integer(load_default=PAGE, validate=ma.validate.Range(1, LONGEST_PAGE))


class PageSchema(ma.Schema):
    """The end of a page: the next one's cursor, empty on the last."""

    next_cursor = ma.fields.String()


def fetch(model: Any, args: dict[str, Any], *conditions: sa.ColumnElement[bool]) -> dict[str, Any]:
    """A page of the caller's own rows, newest first: ``{"items", "next_cursor"}``.

    Raises Invalid ``cursor.bad`` for a cursor that was not made here for this list.
    """
    statement = sa.select(model).where(model.customer_id == current_user.customer_id, *conditions)
    if args["cursor"]:
        at, row_id = _open(model, args["cursor"])
        statement = statement.where(sa.tuple_(model.created_at, model.id) < sa.tuple_(sa.literal(at), row_id))
    statement = statement.order_by(model.created_at.desc(), model.id.desc()).limit(args["limit"] + 1)
    rows: Sequence[Any] = db.session.scalars(statement).all()
    more = len(rows) > args["limit"]
    rows = rows[: args["limit"]]
    return {"items": rows, "next_cursor": _seal(model, rows[-1]) if more else ""}


def _seal(model: Any, row: Any) -> str:
    return _signer().sign(json.dumps([f"api:{model.__tablename__}", row.created_at.isoformat(), row.id]))


def _open(model: Any, cursor: str) -> tuple[datetime, int]:
    text = _signer().unsign(cursor)
    if text is None:
        raise Invalid("cursor.bad", field="cursor")
    try:
        name, at, row_id = json.loads(text)
        if name != f"api:{model.__tablename__}":
            raise ValueError
        return datetime.fromisoformat(at), int(row_id)
    except (ValueError, TypeError):
        raise Invalid("cursor.bad", field="cursor") from None


def _signer() -> CursorSigner:
    return CursorSigner(str(current_app.config["SECRET_KEY"]))
