"""Lists chosen for a campaign: their contacts are copied, so that later changes of a list change no campaign."""

from collections.abc import Sequence

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.errors import Invalid
from callcab.models import Campaign, ContactList, ListEntry
from callcab.services import bulk


def chosen(session: CabSession, ids: Sequence[int], *, customer_id: int) -> list[ContactList]:
    """The customer's lists of these ids, in this order. Raises Invalid("contact_list.not_found", field ``lists``)."""
    wanted = list(dict.fromkeys(ids))
    found = {
        row.id: row
        for row in session.scalars(
            sa.select(ContactList).where(ContactList.id == bulk.any_of(wanted), ContactList.customer_id == customer_id)
        )
    }
    if len(found) != len(wanted):
        raise Invalid("contact_list.not_found", field="lists")
    return [found[key] for key in wanted]


def consent_of(lists: Sequence[ContactList]) -> str:
    """Where and when the people of all these lists agreed; empty when one of them does not say (rule C1)."""
    if not lists or not all(row.has_consent for row in lists):
        return ""
    return "; ".join(f"{row.name}: {row.consent_source}, {row.consent_on:%d.%m.%Y}" for row in lists)


def count_together(session: CabSession, lists: Sequence[ContactList], phones: Sequence[int]) -> int:
    """How many different numbers the lists and the phones hold together."""
    entries = sa.select(ListEntry.phone).where(ListEntry.contact_list_id == bulk.any_of([row.id for row in lists]))
    given = bulk.rows("given", phone=(bulk.NUMBER, phones))
    together = entries.union(sa.select(given.c.phone)).subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(together)) or 0


def copy_to(session: CabSession, campaign: Campaign, lists: Sequence[ContactList]) -> int:
    """Copy the numbers of lists into a campaign, each once, in the order of the lists; returns how many were new.

    Set-based: a hundred thousand contacts are one statement.
    """
    made = session.execute(
        sa.text(
            "INSERT INTO contact (campaign_id, customer_id, phone, state, attempts, next_at, variables)"
            " SELECT :campaign, e.customer_id, e.phone, 'new', 0, :now, e.variables FROM list_entry e"
            " WHERE e.contact_list_id = ANY(:lists) AND e.customer_id = :customer"
            " ORDER BY array_position(CAST(:lists AS bigint[]), e.contact_list_id), e.id ON CONFLICT DO NOTHING"
        ),
        {
            "campaign": campaign.id,
            "customer": campaign.customer_id,
            "now": clock.now(),
            "lists": [row.id for row in lists],
        },
    )
    return bulk.written(made)
