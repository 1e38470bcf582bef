"""Which language a page speaks (the person's choice, else Russian), and its words.

``gettext`` and ``lazy_gettext`` are Flask-Babel's in half the time of a list: a page has two hundred texts, and there
each looks for the request, its language and its catalogue anew.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import flask_babel
from babel import Locale
from flask import Flask, g, request
from flask_babel.speaklater import LazyString
from flask_login import current_user
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

from callcab.web import carried
from callcab.web.carried import carry

LANGUAGES = ("ru", "en")
COOKIE = "language"


def init_app(app: Flask) -> None:
    app.config["BABEL_DEFAULT_LOCALE"] = "ru"
    app.config["BABEL_DOMAIN"] = "callcab"
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(app.config["TRANSLATIONS"])
    flask_babel.Babel(app, locale_selector=_current_locale)
    app.jinja_env.globals["_"] = _of_template


def _current_locale() -> Locale:
    return _locale(current_language())


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language)


def current_language() -> str:
    """`ru` or `en`: the signed-in person's setting, else the cookie of the log-in page, else Russian."""
    who = carried.who.get() or (current_user and current_user._get_current_object())
    chosen = who.language if who and who.is_authenticated else request.cookies.get(COOKIE, "ru")
    return chosen if chosen in LANGUAGES else "ru"


def page_language() -> str:
    """The language that texts are in now: for ``<html lang>``, and for what is kept for each language."""
    kept = carried.texts.get()
    locale = getattr(kept, "babel_locale", None) or flask_babel.get_locale()
    return locale.language if locale else "ru"


def gettext(text: str, **variables: Any) -> str:
    """The text in the language of the page; ``%(name)s`` are filled in when there are any."""
    found = _catalogue().get(text, text)
    return found % variables if variables else found


def lazy_gettext(text: str, **variables: Any) -> LazyString:
    """As ``gettext``, in the language of whoever reads it when it is shown."""
    return LazyString(gettext, text, **variables)


@pass_eval_context
def _of_template(context: EvalContext, text: str, **variables: Any) -> str:
    """``_('…')`` of templates: always a format string, and its variables are escaped."""
    return _filled(context, _catalogue().get(text, text), variables)


def text_filter(language: str) -> Callable[[EvalContext, str], str]:
    """``'…'|text`` of templates in this language, which is the page's: as ``_('…')`` without variables."""

    @pass_eval_context
    def of_template(context: EvalContext, text: str) -> str:
        return _filled(context, _texts(language).get(text, text), {})

    return of_template


def _filled(context: EvalContext, found: str, variables: Mapping[str, Any]) -> str:
    if context.autoescape:
        found = Markup(found)  # noqa: S704 - our own texts
    return found % variables if variables or "%" in found else found


def _catalogue() -> dict[str, str]:
    """Our translations of the present language, kept beside Flask-Babel's own locale until that is another."""
    kept = carried.texts.get()
    try:
        if kept.locale_of_texts is kept.babel_locale:
            texts: dict[str, str] = kept.texts
            return texts
    except AttributeError:
        # Nobody asked before in this request, or there is none.
        pass
    locale = flask_babel.get_locale()
    if locale is None:
        return {}
    babel, texts = g._flask_babel, _texts(locale.language)
    babel.locale_of_texts, babel.texts = locale, texts
    if kept is not babel:
        carry(carried.texts, babel)
    return texts


@cache
def _texts(language: str) -> dict[str, str]:
    """The catalogue of the present language as plain texts, without those that have a plural."""
    known: dict[Any, str] = flask_babel.get_translations()._catalog
    return {key: text for key, text in known.items() if key and isinstance(key, str)}
