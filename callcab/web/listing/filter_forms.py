"""The panel of filters and the chips above a list, drawn once for all who typed the same into the filters.

What else the address of a page holds, such as a search, differs from page to page and is put in last.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import current_app, request
from markupsafe import Markup, escape
from werkzeug.datastructures import MultiDict

from callcab.services.listing import ListState
from callcab.web.database import db
from callcab.web.language import page_language
from callcab.web.listing import panel
from callcab.web.listing.address import Request
from callcab.web.listing.panel import ActiveFilter, PanelField

if TYPE_CHECKING:
    from callcab.web.listing.view import ListView

Pair = tuple[str, str]
# Kept in a process at most: people choose what they type.
MOST = 200
# Where the rest of the address goes: in front of more, alone, and as hidden inputs. What people type is escaped, so it
# never looks like this.
IN_FRONT, ALONE, HIDDEN = "<rest&>", "<rest>", "<hidden>"
_GAPS = re.compile(f"{IN_FRONT}|{ALONE}|{HIDDEN}")


@dataclass(frozen=True)
class Filled:
    """HTML that was drawn before, with its gaps filled as it is put into a page. False when there is none of it.

    To make Markup of each piece takes ten times as long as all else.
    """

    pieces: Sequence[Markup] = ()
    gaps: Mapping[str, Markup] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.pieces)

    def __html__(self) -> str:
        return "".join([self.gaps.get(piece, piece) for piece in self.pieces])


@dataclass(frozen=True)
class Filters:
    """The panel, the chips above the list, and what is in force."""

    form: Filled = Filled()
    chips: Filled = Filled()
    active: Sequence[ActiveFilter] = ()


def filters(view: "ListView", state: ListState, here: Request) -> Filters:
    """For the page of this address."""
    if not view.filters:
        return Filters()
    own = [pair for pair in here.pairs if pair[0] in view.filter_names]
    rest = [pair for pair in here.pairs if pair[0] not in view.filter_names]
    # Where nothing is typed into them, nothing of them is in force.
    fields = _panel(view, state) if own else []
    query = escape(urlencode(rest))
    gaps = {IN_FRONT: query + Markup("&amp;") if query else query, ALONE: query, HIDDEN: _inputs(rest)}
    form, chips = (Filled(pieces, gaps) for pieces in _kept(view, state, own, fields))
    return Filters(form, chips, panel.active(state, fields, here))


def _inputs(pairs: Sequence[Pair]) -> Markup:
    return Markup("").join(Markup('<input type="hidden" name="{}" value="{}">').format(*pair) for pair in pairs)


def _panel(view: "ListView", state: ListState) -> list[PanelField]:
    return panel.panel(db.session(), view.spec, state, view.filters, request.args)


def _kept(
    view: "ListView", state: ListState, own: Sequence[Pair], fields: Sequence[PanelField]
) -> Sequence[list[Markup]]:
    """The panel and the chips, cut at their gaps."""
    known: dict[Any, Sequence[list[Markup]]] = current_app.extensions.setdefault("callcab.filter_forms", {})
    # With the names that were found for what was typed.
    typed = [value for item in fields for value in item.typed.values()]
    key = (view.endpoint, page_language(), tuple(own), tuple(typed))
    if key not in known:
        if len(known) >= MOST:
            known.clear()
        drawn = _draw(view, state, Request(view.spec, MultiDict(own)), fields or _panel(view, state))
        known[key] = [_cut(part) for part in drawn]
    return known[key]


def _draw(view: "ListView", state: ListState, own: Request, fields: Sequence[PanelField]) -> tuple[Markup, Markup]:
    parts: Any = current_app.jinja_env.get_template("callcab/parts/filters.html").module
    active = len(panel.active(state, fields, own))
    form = parts.filter_form(fields, active=active, lookup_url=f"{view.url}/lookup/")
    toggles = panel.toggles(fields, own)
    counted = any(item.counts for item in fields)
    facets = f"{view.url}/facets/" if counted else ""
    return form, parts.chip_links(toggles, facets, own.query) if toggles else Markup("")


def _cut(drawn: Markup) -> list[Markup]:
    """The gaps and what is between them, in their order; nothing of nothing."""
    if not drawn:
        return []
    ends = [0, *(end for gap in _GAPS.finditer(drawn) for end in gap.span()), len(drawn)]
    return [drawn[begin:end] for begin, end in pairwise(ends)]
