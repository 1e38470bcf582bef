"""From a domain error to the words, the status and the page that a person sees. Nothing else ever reaches a page."""

import logging
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response, flash, g, jsonify, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from callcab.lib.errors import Conflict, DomainError, Unavailable
from callcab.web import formatters, texts
from callcab.web.language import gettext as _

log = logging.getLogger(__name__)
TEXTS = texts.load()


def message(error: DomainError) -> str:
    """The sentence of an error in the reader's language."""
    text = TEXTS.get(error.code)
    if text is None:
        log.error("no sentence for the error code", extra={"code": error.code})
        return _("Не получилось выполнить действие (%(code)s). Сообщите этот код в поддержку.", code=error.code)
    return str(text) % {key: _shown(value) for key, value in error.params.items()}


def _shown(value: Any) -> str:
    if isinstance(value, Decimal):
        return formatters.money(value)
    if isinstance(value, datetime):
        return formatters.moment(value)
    return str(value)


def flash_error(error: DomainError) -> None:
    """Show the sentence on the next page; errors stay until closed."""
    flash(message(error), "error")


def translate(error: sa.exc.SQLAlchemyError) -> DomainError:
    """A database refusal as a domain error: races end in a constraint, outages in a lost connection."""
    if isinstance(error, sa.exc.IntegrityError):
        return Conflict("conflict")
    return Unavailable("unavailable")


def init_app(app: Flask) -> None:
    """Install the handlers; error pages answer in the form that was asked for (page, fragment or JSON)."""
    app.register_error_handler(DomainError, _domain)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(sa.exc.SQLAlchemyError, _database)
    app.register_error_handler(Exception, _unexpected)


def wants_json() -> bool:
    return request.path.startswith("/api/")


def _domain(error: DomainError) -> tuple[Response | str, int] | Response:
    return answer(error.status, error.code, message(error), error.params)


def _database(error: sa.exc.SQLAlchemyError) -> Any:
    log.exception("the database refused or is away")
    return _domain(translate(error))


def _http(error: HTTPException) -> Any:
    if error.response is not None or (error.code or 500) < 400:
        return error
    code = error.code or 500
    if isinstance(error, CSRFError):
        return answer(400, "csrf", _("Страница устарела. Откройте её заново и повторите действие."), {})
    sentence = {
        400: _("Запрос составлен неверно."),
        403: _("Доступ запрещен"),
        404: _("Такой страницы или записи нет."),
        405: _("Так этот адрес не открывается."),
        413: _("Файл или форма слишком велики."),
        429: _("Слишком много попыток. Подождите и повторите."),
    }.get(code, _("Не получилось выполнить запрос."))
    advice = _("У вашей роли нет права на эту страницу. Если оно нужно, попросите владельца или администратора.")
    response = answer(code, f"http.{code}", sentence, {}, advice=advice if code == 403 else "")
    retry = error.get_headers() if code == 429 else []
    for name, value in retry:
        if name.lower() == "retry-after":
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Any:
    log.exception("unexpected error")
    return answer(500, "internal", _("На нашей стороне ошибка. Мы уже знаем о ней; повторите позже."), {})


def answer(status: int, code: str, sentence: str, params: dict[str, Any], *, advice: str = "") -> Response:
    """The error in the form that the caller reads; a page carries the request id for support, and what to do now."""
    request_id = g.get("request_id", "")
    if wants_json():
        body = {"type": "about:blank", "title": sentence, "status": status, "code": code, "request_id": request_id}
        response = jsonify(body)
        response.mimetype = "application/problem+json"
    else:
        page = render_template(
            "errors/error.html", status=status, sentence=sentence, advice=advice, request_id=request_id
        )
        response = Response(page, mimetype="text/html")
    response.status_code = status
    if status == 503:
        response.headers["Retry-After"] = "10"
    return response
