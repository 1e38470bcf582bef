"""Everything the list template shows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING, Any

from flask import current_app, request

from callcab.lib.errors import NotFound
from callcab.services.listing import (
    LAST_JUMP,
    PAGE_SIZES,
    Count,
    ListState,
    count_matching,
    facet_counts,
    fetch_page,
    parse,
    plans_once,
    where,
)
from callcab.web.database import db
from callcab.web.formatters import NBSP, current_zone, number
from callcab.web.language import gettext, page_language
from callcab.web.listing import panel as filter_panel
from callcab.web.listing.access import may, who
from callcab.web.listing.address import CursorSigner, Request, Typed
from callcab.web.listing.chosen_rows import said_where
from callcab.web.listing.declare import Column
from callcab.web.listing.filter_forms import filters
from callcab.web.listing.panel import ActiveFilter
from callcab.web.listing.rows import RowPainter, css_of
from callcab.web.listing.words import JUMPS, slip

if TYPE_CHECKING:
    from callcab.web.listing.view import ListView


# Kept in a process at most: for sections, roles, languages and columns that people chose.
PAINTERS = 1_000


@dataclass(frozen=True)
class Heading:
    """A column heading; ``url`` sorts by it, ``direction`` says how the list is sorted by it now."""

    label: Any
    css: str
    url: str = ""
    direction: str = ""


def signer() -> CursorSigner:
    """Seals cursors of this application."""
    return CursorSigner(str(current_app.config["SECRET_KEY"]))


def read_state(view: "ListView") -> ListState:
    """The request of the current address, with dates in the zone of the page."""
    return parse(view.spec, Typed(request.args), zone=current_zone())


def shown(count: Count) -> str:
    """`1 945` or `10 000+`."""
    return number(count.value) + ("+" if count.capped else "")


def list_context(view: "ListView", columns: Sequence[Column]) -> dict[str, Any]:
    """Variables of callcab/list.html, for these columns of the list."""
    state = read_state(view)
    customer = view.customer_id()
    if plans_once(view.spec, state):
        db.session().plan_once()
    page = fetch_page(db.session(), view.spec, state, signer=signer(), customer_id=customer)
    count = page.count(state) or count_matching(
        db.session(), view.spec, state, customer_id=customer, cap=view.spec.count_cap
    )
    here = Request(view.spec, request.args)
    narrowing = filters(view, state, here)
    bulk = [action for action in view.actions if action.bulk and may(action.permission)]
    painter = row_painter(view, columns, pick=bool(bulk))
    return {
        "state": state,
        "here": here,
        "count": count,
        "total": shown(count),
        "rows": painter.paint(page.rows),
        "row_count": len(page.rows),
        "headings": headings(view, columns, state, here),
        "manages": painter.manages,
        "bulk": bulk,
        "whole": [action for action in view.actions if action.whole and may(action.permission)],
        "filters": narrowing,
        "active": [*narrowing.active, *joined_conditions(view, state, here)],
        "page_actions": [item for item in view.page_actions if not item.permission or may(item.permission)],
        "can_export": bool(view.export_permission) and may(view.export_permission),
        "pager": pager(page, state, here, count),
        "jump": JUMPS.get(view.spec.sorts[state.sort.removeprefix("-")].jump),
        "misplaced": slip(state.misplaced) if state.misplaced else "",
        "sizes": PAGE_SIZES,
        "search_error": slip(state.errors["search"]) if "search" in state.errors else "",
    }


def joined_conditions(view: "ListView", state: ListState, here: Request) -> list[ActiveFilter]:
    """The conditions of the page «Условия И/ИЛИ» in words, removable as a whole."""
    slipped = any(name.startswith(where.MARKS) for name in state.errors)
    if state.where is None and not slipped:
        return []
    text = gettext("Условия с ошибкой") if slipped else said_where(db.session(), view, state.where or {})
    return [ActiveFilter(text, here.url(drop=where.names(view.spec, request.args)))]


def row_painter(view: "ListView", columns: Sequence[Column], *, pick: bool) -> RowPainter:
    """The painter of this view's rows for the person who is signed in: the same for all of his role and language who
    chose these columns, so it is kept."""
    kept: dict[Any, RowPainter] = current_app.extensions.setdefault("callcab.row_painters", {})
    key = (view.endpoint, who().role, page_language(), pick, tuple(column.key for column in columns))
    if key not in kept:
        if len(kept) >= PAINTERS:
            kept.clear()
        kept[key] = _make_painter(view, columns, pick)
    return kept[key]


def _make_painter(view: "ListView", columns: Sequence[Column], pick: bool) -> RowPainter:
    return RowPainter(
        columns,
        base=view.url or "",
        pick=pick,
        details=view.can_view_details,
        actions=[action for action in view.actions if action.row and may(action.permission)],
        links=[link for link in view.row_links if not link.permission or may(link.permission)],
        inline=view.inline_actions,
        name_of=view.name_of,
        edits=[edit.key for edit in view.edits if may(edit.permission)],
    )


def headings(view: "ListView", columns: Sequence[Column], state: ListState, here: Request) -> list[Heading]:
    """Headings with the address that sorts by them; a second click turns the order round."""
    found = []
    for column in columns:
        if column.sort is None:
            found.append(Heading(column.label, css_of(column.kind)))
            continue
        current = state.sort.removeprefix("-") == column.sort
        downward = state.sort.startswith("-")
        first = "-" if view.spec.default_sort == f"-{column.sort}" else ""
        wanted = ("" if downward else "-") if current else first
        direction = ("descending" if downward else "ascending") if current else ""
        found.append(Heading(column.label, css_of(column.kind), here.url(sort=f"{wanted}{column.sort}"), direction))
    return found


def pager(page: Any, state: ListState, here: Request, count: Count) -> dict[str, Any]:
    """Addresses of the steps, the place in words, the number of this page (when known) and the last one to jump to."""
    place, page_number = "", None
    if page.rows and page.start is not None:
        end = page.start + len(page.rows) - 1
        of = gettext("из")
        place = f"{number(page.start)}–{number(end)} {of}{NBSP}{shown(count)}"
        page_number = (page.start - 1) // state.page_size + 1
    return {
        "place": place,
        "page": page_number,
        "last_page": LAST_JUMP if count.capped else min(ceil(count.value / state.page_size), LAST_JUMP),
        "first": here.url() if page.previous else "",
        "previous": here.url(before=page.previous) if page.previous else "",
        "next": here.url(after=page.next) if page.next else "",
        "last": here.url(end=1) if page.next else "",
    }


def facet_json(view: "ListView") -> dict[str, dict[str, str]]:
    """Counts of the chips under the present request."""
    state = read_state(view)
    return {
        key: {
            choice: number(count)
            for choice, count in facet_counts(
                db.session(), view.spec, state, key, customer_id=view.customer_id()
            ).items()
        }
        for key in filter_panel.counted(view.spec, view.filters)
    }


def lookup_json(view: "ListView") -> list[str]:
    """Suggestions of a reference filter: `12 · ООО «Ромашка»`. Raises NotFound for a filter without any."""
    key, text = request.args.get("field", ""), request.args.get("q", "").replace("\x00", "")[:100].strip()
    key = key.rpartition(".")[2]
    found = next((item.lookup for item in view.filters if item.key == key and item.lookup), None)
    if found is None:
        raise NotFound("list.filter_unknown")
    return [f"{row_id} · {label}" for row_id, label in found.suggest(db.session(), text)]


def without_place(state: ListState) -> ListState:
    """The same selection from its start."""
    return replace(state, after="", before="", page=None, from_end=False, place=None)
