"""What a page asks for again and again: who is there, his language, his zone, the token of his forms.

Flask's ``g`` and ``current_user`` find the request anew each time; a context variable is read in a tenth of that. Each
is set once the request knows it and forgotten at its end.
"""

from contextvars import ContextVar, Token
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from flask import Flask

Value = TypeVar("Value")

who: ContextVar[Any] = ContextVar("who", default=None)
zone: ContextVar[ZoneInfo | None] = ContextVar("zone", default=None)
texts: ContextVar[Any] = ContextVar("texts", default=None)
token: ContextVar[str | None] = ContextVar("token", default=None)

# How to forget what the present request carries, this list last; None where no request would ever forget it.
_tokens: ContextVar[list[tuple[ContextVar[Any], Token[Any]]] | None] = ContextVar("tokens", default=None)


def init_app(app: Flask) -> None:
    """Before everything that may carry something."""
    app.before_request(_begin)
    app.teardown_request(_forget)


def carry(variable: ContextVar[Value], value: Value) -> None:
    """Set it until the end of the request; without one nothing is set."""
    tokens = _tokens.get()
    if tokens is not None:
        tokens.append((variable, variable.set(value)))


def _begin() -> None:
    tokens: list[tuple[ContextVar[Any], Token[Any]]] = []
    tokens.append((_tokens, _tokens.set(tokens)))


def _forget(error: BaseException | None) -> None:
    for variable, token in reversed(_tokens.get() or ()):
        variable.reset(token)
