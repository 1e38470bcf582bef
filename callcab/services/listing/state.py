"""What a person asked of a list: search, filters, order, page. Read from an address, stored with an operation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from callcab.lib.errors import Invalid
from callcab.services.listing import jump
from callcab.services.listing.filters import Arguments, BadValue, clean
from callcab.services.listing.spec import ListSpec
from callcab.services.listing.where import Where
from callcab.services.listing.where import condition as condition_of
from callcab.services.listing.where import parse as parse_where

PAGE_SIZES = (25, 50, 100, 200)
DEFAULT_PAGE_SIZE = 50
# OFFSET over ids stays quick up to here; further pages are reached by the cursor.
LAST_JUMP = 100_000


@dataclass(frozen=True)
class ListState:
    """A validated request.

    filters   filter key -> JSON value
    where     more conditions, joined by AND and OR (``where.parse``)
    sort      a key of the spec, ``-`` in front for descending
    errors    argument -> code; a state with errors matches nothing and can't start an operation
    typed     arguments as they came, for the form to show again
    place     a value of the order that a person jumped to (``jump.read``)
    misplaced code of a slip in it, which narrows nothing
    """

    search: str = ""
    filters: Mapping[str, Any] = field(default_factory=dict)
    where: Where | None = None
    sort: str = ""
    page_size: int = DEFAULT_PAGE_SIZE
    after: str = ""
    before: str = ""
    page: int | None = None
    from_end: bool = False
    place: tuple[Any, ...] | None = None
    misplaced: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but order and page was asked."""
        return bool(self.search or self.filters or self.where or self.errors)


def parse(spec: ListSpec, args: Arguments, *, zone: ZoneInfo) -> ListState:
    """Read a request; never raises on input. Dates are read in ``zone``."""
    errors: dict[str, str] = {}
    filters: dict[str, Any] = {}
    typed: dict[str, str] = {}
    for item in spec.filters:
        for name in item.params:
            if text := args.get(name, ""):
                typed[name] = text[:200].replace("\x00", "")
        try:
            value = item.parse(args, zone)
        except BadValue as slip:
            errors[slip.field] = slip.code
        else:
            if value is not None:
                filters[item.key] = value
    search = ""
    typed["search"] = str(args.get("search", ""))[:200].replace("\x00", "")
    if spec.search is not None:
        try:
            search = clean(args.get("search", ""), "search")
        except BadValue as slip:
            errors["search"] = slip.code
    found, slips = parse_where(spec, args, zone)
    errors |= slips
    rest = _order_and_page(spec, args)
    typed[jump.ARGUMENT] = str(args.get(jump.ARGUMENT, ""))[:200].replace("\x00", "")
    try:
        rest["place"] = jump.read(spec, rest["sort"], typed[jump.ARGUMENT], zone)
    except BadValue as slip:
        rest["misplaced"] = slip.code
    return ListState(search=search, filters=filters, where=found, errors=errors, typed=typed, **rest)


def _order_and_page(spec: ListSpec, args: Arguments) -> dict[str, Any]:
    sort = args.get("sort", "")
    size = args.get("size", "")
    page = args.get("page", "")
    return {
        "sort": sort if sort.removeprefix("-") in spec.sorts and not sort.startswith("--") else spec.default_sort,
        "page_size": int(size) if size in map(str, PAGE_SIZES) else DEFAULT_PAGE_SIZE,
        "after": args.get("after", ""),
        "before": args.get("before", ""),
        "page": _page_number(page),
        "from_end": args.get("end", "") == "1",
    }


def _page_number(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        return None
    return number if 1 <= (number := int(text)) <= LAST_JUMP else None


def to_json(state: ListState) -> dict[str, Any]:
    """The part that decides which rows are meant, and in which order; JSON types only."""
    found = {"search": state.search, "filters": dict(state.filters), "sort": state.sort}
    return found if state.where is None else {**found, "where": state.where}


def from_json(spec: ListSpec, data: Mapping[str, Any]) -> ListState:
    """Read a stored state again. Raises Invalid ``list.stale`` when the list no longer knows one of its filters.

    A filter that was dropped since must not widen the selection, so there is no "ignore what is unknown" here.
    """
    filters = data.get("filters") or {}
    more = data.get("where")
    search = str(data.get("search") or "")
    sort = str(data.get("sort") or spec.default_sort)
    if set(filters) - set(spec.by_key) or (search and spec.search is None):
        raise Invalid("list.stale", name=spec.name)
    try:
        for key, value in filters.items():
            spec.by_key[key].condition(value)
        if more is not None:
            condition_of(spec, more)
    except (KeyError, ValueError, TypeError, AttributeError, ArithmeticError):
        raise Invalid("list.stale", name=spec.name) from None
    if sort.removeprefix("-") not in spec.sorts:
        sort = spec.default_sort
    return ListState(search=search, filters=dict(filters), where=more, sort=sort)
