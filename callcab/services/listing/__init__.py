"""Lists: what may be filtered, searched and sorted, and how a page, a count or a whole selection is read.

One ``ListSpec`` per list serves the page, the API, exports and bulk operations, so that "all matching" means the same
rows everywhere. Knows nothing of Flask and has no texts, only codes.
"""

from callcab.services.listing import jump, where
from callcab.services.listing.catalogue import get, register
from callcab.services.listing.filters import (
    AmountRange,
    ChoiceFilter,
    DateTimeRange,
    Filter,
    ReferenceFilter,
    TextFilter,
    parameter,
)
from callcab.services.listing.identity import decode_id, decode_ids, encode_id
from callcab.services.listing.lookup import Lookup
from callcab.services.listing.order import position, position_of
from callcab.services.listing.paging import Page, fetch_page
from callcab.services.listing.phone_search import PhoneSearch, holding
from callcab.services.listing.query import (
    Count,
    count_matching,
    facet_counts,
    get_one,
    iterate,
    matching,
    plans_once,
    selection,
)
from callcab.services.listing.shown import Related
from callcab.services.listing.spec import ExactSearch, ListSpec, Sort
from callcab.services.listing.state import LAST_JUMP, PAGE_SIZES, ListState, from_json, parse, to_json

__all__ = [
    "LAST_JUMP",
    "PAGE_SIZES",
    "AmountRange",
    "ChoiceFilter",
    "Count",
    "DateTimeRange",
    "ExactSearch",
    "Filter",
    "ListSpec",
    "ListState",
    "Lookup",
    "Page",
    "PhoneSearch",
    "ReferenceFilter",
    "Related",
    "Sort",
    "TextFilter",
    "count_matching",
    "decode_id",
    "decode_ids",
    "encode_id",
    "facet_counts",
    "fetch_page",
    "from_json",
    "get",
    "get_one",
    "holding",
    "jump",
    "iterate",
    "matching",
    "parameter",
    "parse",
    "plans_once",
    "position",
    "position_of",
    "register",
    "selection",
    "to_json",
    "where",
]
