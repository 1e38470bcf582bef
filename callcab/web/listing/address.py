"""Addresses of a list: the same request with something changed, and signed cursors."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from callcab.lib import tokens
from callcab.services.listing import ListSpec, jump, where

_PURPOSE = "list-cursor"
# Where in the list one stands; any change of the request starts from its first page again.
_PLACE = ("after", "before", "page", "end", jump.ARGUMENT)


class CursorSigner:
    """Seals cursors with the application's key."""

    def __init__(self, key: str) -> None:
        self._key = key

    def sign(self, text: str) -> str:
        return tokens.sign(self._key, _PURPOSE, text)

    def unsign(self, token: str) -> str | None:
        try:
            return tokens.unsign(self._key, _PURPOSE, token)
        except (tokens.TokenError, ValueError):
            return None


class Typed:
    """Arguments of an address. A name that is not there is asked for often, and costs werkzeug's an exception each."""

    def __init__(self, args: MultiDict[str, str]) -> None:
        self._lists = args.to_dict(flat=False)

    def get(self, key: str, default: str = "") -> str:
        found = self._lists.get(key)
        return found[0] if found else default

    def getlist(self, key: str) -> list[str]:
        return self._lists.get(key, [])


class Request:
    """The arguments of a list request that mean something, in a stable order; junk is dropped."""

    def __init__(self, spec: ListSpec, args: MultiDict[str, str]) -> None:
        typed = Typed(args)
        self._quoted: dict[tuple[str, str], str] = {}
        self.place = {name: typed.get(name) for name in _PLACE if typed.get(name)}
        if not args:
            self.pairs: list[tuple[str, str]] = []
            return
        known = ["search", *(name for item in spec.filters for name in item.params)]
        known += [*where.names(spec, typed), "sort", "size"]
        self.pairs = [
            (name, value.replace("\x00", "")[:200]) for name in known for value in typed.getlist(name) if value
        ]

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What a saved view keeps of it: search, filters and order; not the place, not the size of a page."""
        return [(name, value) for name, value in self.pairs if name != "size"]

    def url(
        self, *, drop: Iterable[str | tuple[str, str]] = (), add: Iterable[tuple[str, str]] = (), **changes: Any
    ) -> str:
        """``?…`` with changes; ``drop`` takes argument names, or (name, value) for one of several, ``add`` one more."""
        gone = set(drop)
        kept = [
            self._said(pair)
            for pair in self.pairs
            if pair[0] not in gone and pair not in gone and pair[0] not in changes
        ]
        more = [*add, *((name, str(value)) for name, value in changes.items() if value not in (None, ""))]
        return "?" + "&".join([*kept, urlencode(more)] if more else kept)

    def _said(self, pair: tuple[str, str]) -> str:
        """The pair as part of an address; a page has a dozen addresses with it."""
        known = self._quoted.get(pair)
        if known is None:
            known = self._quoted[pair] = urlencode([pair])
        return known

    def stay(self, **changes: Any) -> str:
        """The same, with the page that one is on."""
        return self.url(**{**self.place, **changes})

    def hidden(self, without: Iterable[str]) -> list[tuple[str, str]]:
        """Pairs for hidden inputs of another form of the same list."""
        gone = {*without, *_PLACE}
        return [pair for pair in self.pairs if pair[0] not in gone]

    @property
    def query(self) -> str:
        """The request without a place, for the address of actions."""
        return urlencode(self.pairs)


def first(values: Mapping[str, Any], name: str) -> str:
    """A form value without NUL, cut to a sane length."""
    return str(values.get(name) or "").replace("\x00", "")[:200]
