"""One list and three operations of the tests' own, and ways to push them along."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from callcab import db, queue
from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.lib.errors import Invalid
from callcab.lib.storage import LocalStorage
from callcab.models import (
    BlacklistEntry,
    BlacklistSource,
    Operation,
    RowOutcome,
)
from callcab.scope import Actor, Scope
from callcab.services import listing, operation, stored_file
from callcab.services.operation import ExportColumn, RowResult, catalogue
from tests import factories

SPEC = listing.ListSpec(
    name="test_entries",
    model=BlacklistEntry,
    sorts={"id": listing.Sort(BlacklistEntry.id)},
    default_sort="-id",
    filters=[listing.TextFilter("reason", lambda text: BlacklistEntry.reason == text)],
)
ALL: dict[str, Any] = {"search": "", "filters": {}, "sort": ""}


def mark(session: db.CabSession, row: Any, params: dict[str, Any], actor: Actor) -> RowResult | None:
    """Append a mark to the reason: a row done twice would show."""
    if row.reason == "плохая":
        raise Invalid("blacklist.bad")
    before = row.reason
    row.reason = f"{before}{params.get('mark', '*')}"
    return RowResult(row.id, before={"reason": before}, after={"reason": row.reason})


def preview(session, records, params, actor, memory):
    seen = memory.setdefault("seen", set())
    found = []
    for record in records:
        if record.phone is None:
            found.append(RowResult(None, RowOutcome.FAILED, record.reason, record.raw, after={"line": record.line}))
        elif record.phone.e164 in seen:
            found.append(RowResult(None, RowOutcome.KNOWN))
        else:
            seen.add(record.phone.e164)
            found.append(RowResult())
    return found


def apply(session, records, params, actor, memory):
    found = []
    for record in records:
        if record.phone is None:
            found.append(RowResult(None, RowOutcome.FAILED, record.reason, record.raw))
            continue
        phone = int(record.phone.e164[1:])
        known = session.scalar(sa.select(BlacklistEntry.id).where(BlacklistEntry.phone == phone))
        if known is None:
            session.add(entry(params["customer_id"], phone))
            session.flush()
        found.append(RowResult(known, RowOutcome.KNOWN if known else RowOutcome.DONE))
    return found


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """One list and three operations of its own for the tests, gone afterwards."""
    operation.names()  # A section that is loaded meanwhile would go with them.
    monkeypatch.setattr(catalogue, "_works", dict(catalogue._works))
    monkeypatch.setitem(listing.catalogue._specs, SPEC.name, SPEC)
    operation.register("test.mark", operation.per_row(mark), permission="blacklist.edit", chunk=4)
    operation.register_import("test.import", preview, apply, permission="blacklist.edit", chunk=3)
    columns = [
        ExportColumn("phone", BlacklistEntry.phone, phone=True),
        ExportColumn("reason", BlacklistEntry.reason),
        ExportColumn("created_at", BlacklistEntry.created_at),
    ]
    operation.register_export(SPEC.name, columns, permission="blacklist.export", chunk=4)


@pytest.fixture
def sent(connected: sa.Engine, tmp_path: Path) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """The jobs that were asked for; files go to a folder of the test."""
    jobs_sent: list[tuple[str, dict[str, Any]]] = []
    queue.set_sender(lambda name, ids: jobs_sent.append((name, ids)))
    before = stored_file._storage
    stored_file.use(LocalStorage(tmp_path / "files"))
    yield jobs_sent
    stored_file.use(before)


def entry(customer_id: int, phone: int, reason: str = "просьба") -> BlacklistEntry:
    return BlacklistEntry(customer_id=customer_id, phone=phone, reason=reason, source=BlacklistSource.HAND)


@pytest.fixture
def owner(sent: list[Any]) -> Actor:
    with unit_of_work(Scope.system("test")) as session:
        customer = factories.customer(session)
        user = factories.user(session, customer, "owner")
        session.add_all(entry(customer.id, 79250000000 + i) for i in range(10))
        session.flush()
        return Actor(user.name, "owner", user.id, customer.id)


def scope(actor: Actor) -> Scope:
    return Scope.tenant(actor.customer_id)


def begin(actor: Actor, name: str = "test.mark", **values: Any) -> Operation:
    asked = {"state": ALL, "ids": None, "params": {}, "expected": None} | values
    with unit_of_work(scope(actor)) as session:
        return operation.start(
            session, name=name, spec_name=SPEC.name, actor=actor, customer_id=actor.customer_id, **asked
        )


def upload(actor: Actor, folder: Path, name: str, text: str) -> Operation:
    """Start the import of that name of a file with this text."""
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8")
    with unit_of_work(scope(actor)) as session, path.open("rb") as stream:
        file = stored_file.upload(
            session,
            stream,
            name="list.csv",
            content_type="text/csv",
            customer_id=actor.customer_id,
            created_by=actor.user_id,
        )
        params = {"customer_id": actor.customer_id, "source": "file", "reason": ""}
        return operation.start_import(
            session, name=name, file=file, params=params, actor=actor, customer_id=actor.customer_id
        )


def confirm(actor: Actor, ready: Operation) -> Operation:
    """Confirm what a counted import has counted."""
    with unit_of_work(scope(actor)) as session:
        return operation.confirm(session, ready.id, expected=ready.done, actor=actor)


def load(actor: Actor, found: Operation) -> Operation:
    with unit_of_work(scope(actor)) as session:
        return operation.get(session, found.id, customer_id=actor.customer_id)


def reasons(actor: Actor) -> list[str]:
    with unit_of_work(scope(actor)) as session:
        return list(session.scalars(sa.select(BlacklistEntry.reason).order_by(BlacklistEntry.id)))


def take(actor: Actor, started: Operation) -> operation.Run:
    with unit_of_work(scope(actor)) as session:
        return operation.Run(operation.begin(session, started.id))


def one_chunk(actor: Actor, started: Operation, run: operation.Run) -> operation.Step:
    with unit_of_work(scope(actor)) as session:
        return operation.step(session, started.id, run)


def sweep_later(seconds: int) -> int:
    with clock.frozen(clock.now() + timedelta(seconds=seconds)), unit_of_work(Scope.system("test")) as session:
        return operation.sweep(session)
