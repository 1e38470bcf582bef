"""The list of ledger entries; the newest first, which for rows that are only added is the order of their ids."""

import sqlalchemy as sa

from callcab.models import Account, EntryKind, LedgerEntry
from callcab.services import row_total
from callcab.services.listing import AmountRange, ChoiceFilter, DateTimeRange, ListSpec, ReferenceFilter, Sort, register
from callcab.services.listing.filters import BadValue, read_amount
from callcab.services.specs.customer import named


def search(text: str) -> sa.ColumnElement[bool] | None:
    """An entry by its sum in any spelling, of either sign (rule P2)."""
    try:
        amount = read_amount(text, "search")
    except BadValue:
        return None
    return LedgerEntry.amount.in_([amount, -amount])


LEDGER_ENTRY = register(
    ListSpec(
        name="ledger_entry",
        model=LedgerEntry,
        sorts={"id": Sort(LedgerEntry.id)},
        default_sort="-id",
        filters=(
            ChoiceFilter("kind", LedgerEntry.kind, choices=EntryKind),
            ChoiceFilter("account", LedgerEntry.account, choices=Account),
            DateTimeRange("created", LedgerEntry.created_at),
            AmountRange("amount", LedgerEntry.amount),
            ReferenceFilter("customer", LedgerEntry.customer_id),
        ),
        search=search,
        total=row_total.Kept(LedgerEntry),
        related=lambda: [named(LedgerEntry.customer)],
    )
)
