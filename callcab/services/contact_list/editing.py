"""Making, renaming and deleting lists of contacts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib import phone as phones
from callcab.lib.errors import Conflict, Invalid, LimitReached, NotFound
from callcab.models import ContactList, ListEntry, Operation
from callcab.scope import Actor
from callcab.services import audit, bulk, operation
from callcab.services.operation import keeping
from callcab.services.operation.catalogue import Tally
from callcab.services.operation.undo_kinds import Part, restoring

MOST_ENTRIES = 200_000
LONGEST_NAME = 120
LONGEST_SOURCE = 300
SHORTEST_SOURCE = 10


def create(session: CabSession, values: Mapping[str, Any], *, customer_id: int, actor: Actor) -> ContactList:
    """An empty list; ``values`` as ``edit``. Flushed, audited. Raises Invalid with the field at fault."""
    row = ContactList(customer_id=customer_id, created_by=actor.user_id, variables=[], entries=0, **check(values))
    session.add(row)
    session.flush()
    _note(session, "contact_list.create", row, actor, after={"name": row.name, "consent": row.consent_source})
    return row


def edit(
    session: CabSession, list_id: int | None, *, values: Mapping[str, Any], version: int, actor: Actor
) -> ContactList:
    """Rename a list or change what is known about consent. Flushed, audited.

    values  ``name``, ``consent_source``, ``consent_on``
    raises  Invalid with the field, NotFound, Conflict("edit.stale") when somebody saved meanwhile
    """
    wanted = check(values)
    row = get(session, list_id or 0, customer_id=actor.customer_id, lock=True)
    if row.version != version:
        raise Conflict("edit.stale")
    before = {name: getattr(row, name) for name in wanted if getattr(row, name) != wanted[name]}
    for name in before:
        setattr(row, name, wanted[name])
    if before:
        row.version += 1
        session.flush()
        _note(session, "contact_list.edit", row, actor, before=before, after={name: wanted[name] for name in before})
    return row


def check(values: Mapping[str, Any]) -> dict[str, Any]:
    """The list's own words in stored form. Consent is a source and a date, or neither (rule C1)."""
    name = " ".join(str(values.get("name") or "").replace("\x00", "").split())
    if not name:
        raise Invalid("field.required", field="name")
    if len(name) > LONGEST_NAME:
        raise Invalid("field.too_long", field="name", limit=LONGEST_NAME)
    source = " ".join(str(values.get("consent_source") or "").replace("\x00", "").split())
    if len(source) > LONGEST_SOURCE:
        raise Invalid("field.too_long", field="consent_source", limit=LONGEST_SOURCE)
    on: date | None = values.get("consent_on")
    if source and len(source) < SHORTEST_SOURCE:
        raise Invalid("contact_list.source_short", field="consent_source", limit=SHORTEST_SOURCE)
    if source and on is None:
        raise Invalid("contact_list.no_date", field="consent_on")
    if on is not None and not source:
        raise Invalid("contact_list.no_source", field="consent_source")
    if on is not None and not date(2000, 1, 1) <= on <= clock.now().date():
        raise Invalid("contact_list.date", field="consent_on")
    return {"name": name, "consent_source": source, "consent_on": on}


def get(session: CabSession, list_id: int, *, customer_id: int | None, lock: bool = False) -> ContactList:
    """A list of the customer (of anybody, for support). NotFound("contact_list.not_found")."""
    statement = sa.select(ContactList).where(ContactList.id == list_id)
    if customer_id is not None:
        statement = statement.where(ContactList.customer_id == customer_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found = session.scalar(statement)
    if found is None:
        raise NotFound("contact_list.not_found")
    return found


def delete_chunk(session: CabSession, rows: Sequence[ContactList], params: dict[str, Any], actor: Actor) -> Tally:
    """Bulk operation ``contact_list.delete``: lists with all their numbers; campaigns keep the contacts they copied."""
    ids, operation_id = [row.id for row in rows], params["operation_id"]
    keeping.remove(session, ListEntry, ListEntry.contact_list_id, ids, operation_id)
    done = len(keeping.remove(session, ContactList, ContactList.id, ids, operation_id))
    return Tally(done=done, skipped=len(rows) - done)


def delete_entries(session: CabSession, rows: Sequence[Any], params: dict[str, Any], actor: Actor) -> Tally:
    """Bulk operation ``list_entry.delete``: numbers leave their lists."""
    ids = [row.id for row in rows]
    gone = set(keeping.remove(session, ListEntry, ListEntry.id, ids, params["operation_id"]))
    _count(session, Counter(row.contact_list_id for row in rows if row.id in gone), -1)
    return Tally(done=len(gone), skipped=len(rows) - len(gone))


def remove_entries(session: CabSession, ids: Sequence[int], actor: Actor) -> int:
    """Take numbers out of their lists for good; returns how many there were."""
    gone = session.execute(
        sa.delete(ListEntry)
        .where(ListEntry.id == bulk.any_of(ids))
        .returning(ListEntry.contact_list_id)
        .execution_options(synchronize_session=False)
    )
    lost = Counter(gone.scalars())
    _count(session, lost, -1)
    return lost.total()


def _count(session: CabSession, changes: Counter[int], sign: int) -> None:
    """Lists have so many entries more or fewer. LimitReached ``contact_list.full``."""
    named = bulk.rows("named", id=(bulk.NUMBER, [*changes]), entries=(bulk.NUMBER, [*changes.values()]))
    counts = session.scalars(
        sa.update(ContactList)
        .where(ContactList.id == named.c.id)
        .values(entries=ContactList.entries + sign * named.c.entries)
        .returning(ContactList.entries)
        .execution_options(synchronize_session=False)
    )
    if max(counts, default=0) > MOST_ENTRIES:
        raise LimitReached("contact_list.full", limit=MOST_ENTRIES)


def _restored_lists(session: CabSession, ids: set[int], operation: Operation, actor: Actor) -> None:
    """Empty at first: their entries come next, and are counted then."""
    session.execute(
        sa.update(ContactList)
        .where(ContactList.id == bulk.any_of([*ids]))
        .values(entries=0)
        .execution_options(synchronize_session=False)
    )


def _restored_entries(session: CabSession, ids: set[int], operation: Operation, actor: Actor) -> None:
    places = session.scalars(sa.select(ListEntry.contact_list_id).where(ListEntry.id == bulk.any_of([*ids])))
    _count(session, Counter(places), 1)


def _note(
    session: CabSession,
    action: str,
    row: ContactList,
    actor: Actor,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any],
) -> None:
    audit.record(
        session,
        action,
        actor=actor,
        customer_id=row.customer_id,
        object_type="contact_list",
        object_id=row.id,
        before=before,
        after=after,
    )


ENTRIES = Part(ListEntry, needs=(ListEntry.contact_list_id,), after=_restored_entries)
# A list may hold many numbers: one in a transaction.
operation.register(
    "contact_list.delete",
    delete_chunk,
    permission="contact_list.edit",
    chunk=1,
    inline=1,
    undo=restoring(Part(ContactList, after=_restored_lists), ENTRIES, named=lambda kept: str(kept["name"])),
)
operation.register(
    "list_entry.delete",
    delete_entries,
    permission="contact_list.edit",
    chunk=5_000,
    reads=(ListEntry.id, ListEntry.contact_list_id),
    undo=restoring(ENTRIES, named=lambda kept: phones.from_int(kept["phone"])),
)
