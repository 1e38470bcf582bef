"""List pages: one base view for support and cabinet (docs/adding-an-entity.md shows how to use it)."""

from callcab.web.listing.chosen_rows import chosen
from callcab.web.listing.declare import Action, CellEdit, Column, Empty, FilterField, PageAction, Preview, RowLink, Tab
from callcab.web.listing.filing import chosen_columns
from callcab.web.listing.outlook import fixed, outlook
from callcab.web.listing.rows import table
from callcab.web.listing.view import ListView
from callcab.web.listing.words import NUMBER_HINT

__all__ = [
    "NUMBER_HINT",
    "Action",
    "CellEdit",
    "Column",
    "Empty",
    "FilterField",
    "ListView",
    "PageAction",
    "Preview",
    "RowLink",
    "Tab",
    "chosen",
    "fixed",
    "outlook",
    "chosen_columns",
    "table",
]
