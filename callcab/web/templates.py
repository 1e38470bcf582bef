"""The environment of templates: one for each language, in which texts are part of the compiled template.

A list has sixty texts; looking them up and calling for each of them was a twelfth of a page.
"""

from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any

from flask.templating import Environment
from jinja2 import Template
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from callcab.web.language import page_language, text_filter

# What follows the name in ``_('…')``.
_TEXT = ("lparen", "string", "rparen")


class Texts(Extension):
    """Turns each ``_('…')`` without variables into ``('…'|text)``: a filter of a constant is worked out when the
    template is compiled."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        tokens = list(stream)
        place = 0
        while place < len(tokens):
            token = tokens[place]
            following = tokens[place + 1 : place + 4]
            called = (token.type, token.value) == ("name", "_")
            if called and tuple(each.type for each in following) == _TEXT:
                yield from following[:2]
                yield Token(token.lineno, "pipe", "|")
                yield Token(token.lineno, "name", "text")
                yield following[2]
                place += 4
            else:
                yield token
                place += 1


class Templates(Environment):
    """Flask's environment, whose globals are all known before the first template is loaded."""

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._spoken: dict[str, Templates] = {}

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """A plain dict: a chain of two is asked name by name, for each import of each page."""
        return {**self.globals, **(d or {})}

    def get_template(self, name: Any, *place: Any, **options: Any) -> Template:
        """The template in the language of the page."""
        return Environment.get_template(self.in_language(), name, *place, **options)

    def select_template(self, names: Iterable[Any], *place: Any, **options: Any) -> Template:
        """The first that there is, in the language of the page."""
        return Environment.select_template(self.in_language(), names, *place, **options)

    def in_language(self) -> "Templates":
        """The environment in whose templates the texts are those of the page's language."""
        if self.overlayed:
            return self
        language = page_language()
        known = self._spoken.get(language)
        if known is None:
            known = self.overlay(extensions=[Texts])
            known.filters = {**self.filters, "text": text_filter(language)}
            self._spoken[language] = known
        return known
