"""Which language a page speaks: the person's choice, else Russian."""

from flask import Flask, request
from flask_babel import Babel
from flask_login import current_user

LANGUAGES = ("ru", "en")
COOKIE = "language"


def init_app(app: Flask) -> None:
    app.config["BABEL_DEFAULT_LOCALE"] = "ru"
    app.config["BABEL_DOMAIN"] = "callcab"
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(app.config["TRANSLATIONS"])
    Babel(app, locale_selector=current_language)


def current_language() -> str:
    """`ru` or `en`: the signed-in person's setting, else the cookie of the log-in page, else Russian."""
    if current_user and current_user.is_authenticated:
        chosen = getattr(current_user, "language", "ru")
    else:
        chosen = request.cookies.get(COOKIE, "ru")
    return chosen if chosen in LANGUAGES else "ru"
