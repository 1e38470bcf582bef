"""Undoing what was done to lists of contacts: lists come back with their numbers, loads are taken out again."""

from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import operation as jobs
from callcab.lib.storage import LocalStorage
from callcab.models import ContactList, ListEntry, Operation, OperationRow, OperationState
from callcab.scope import Actor, Scope
from callcab.services import operation, stored_file
from callcab.services.contact_list import editing
from callcab.services.operation import keeping
from tests import factories
from tests.services.test_contact_list import FIRST, SYSTEM, bulk, confirm, entries, get, load, made

pytestmark = pytest.mark.usefixtures("connected")


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_file, "_storage", LocalStorage(tmp_path / "files"))


@pytest.fixture
def olga(connected: sa.Engine) -> Actor:
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session)
        user = factories.user(session, owner, "owner")
        return Actor(user.name, "owner", user.id, owner.id)


def checksums(connection: psycopg.Connection) -> list[str]:
    found = [
        connection.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM {table} t").fetchone()
        for table in ("contact_list", "list_entry")
    ]
    return [row[0] if row else "" for row in found]


def undone(olga: Actor, number: int) -> Operation:
    with unit_of_work(Scope.tenant(olga.customer_id or 0)) as session:
        undoing = operation.undo(session, number, actor=olga).id
    jobs.run(undoing)
    over: Operation = get(Operation, undoing)
    return over


def ids_of(list_id: int) -> list[int]:
    with unit_of_work(SYSTEM) as session:
        return list(session.scalars(sa.select(ListEntry.id).where(ListEntry.contact_list_id == list_id)))


def test_deleted_lists_come_back_with_all_their_numbers(
    olga: Actor, owner_connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "SIZE", 2)
    lists = [made(olga, "Покупатели", FIRST, FIRST + 1, FIRST + 2), made(olga, "Пустой"), made(olga, "Трое", FIRST)]
    before = checksums(owner_connection)
    work = bulk(olga, "contact_list.delete", lists)
    assert checksums(owner_connection) == [None, None]

    over = undone(olga, work.id)

    assert (over.state, over.done, over.skipped) == (OperationState.DONE, 3, 0)
    assert checksums(owner_connection) == before


def test_numbers_taken_out_come_back_and_are_counted_in(olga: Actor, owner_connection: psycopg.Connection) -> None:
    list_id = made(olga, "Покупатели", FIRST, FIRST + 1)
    before = checksums(owner_connection)
    work = bulk(olga, "list_entry.delete", ids_of(list_id))
    assert get(ContactList, list_id).entries == 0
    assert undone(olga, work.id).done == 2
    assert checksums(owner_connection) == before


def test_numbers_of_a_list_that_is_gone_are_left_out_and_named(olga: Actor) -> None:
    list_id = made(olga, "Покупатели", FIRST)
    work = bulk(olga, "list_entry.delete", ids_of(list_id))
    bulk(olga, "contact_list.delete", [list_id])
    over = undone(olga, work.id)
    assert (over.done, over.skipped) == (0, 1)
    with unit_of_work(SYSTEM) as session:
        row = session.scalars(sa.select(OperationRow).where(OperationRow.operation_id == over.id)).one()
    assert (row.reason, row.text) == ("operation.place_taken", f"+{FIRST}")


def test_a_list_that_filled_up_meanwhile_takes_no_more(olga: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    list_id = made(olga, "Покупатели", FIRST, FIRST + 1)
    work = bulk(olga, "list_entry.delete", ids_of(list_id))
    monkeypatch.setattr(editing, "MOST_ENTRIES", 1)
    over = undone(olga, work.id)
    assert (over.state, over.error_code) == (OperationState.FAILED, "contact_list.full")
    assert (get(ContactList, list_id).entries, entries(list_id)) == (0, {})


def test_an_undone_load_takes_out_what_it_alone_brought(olga: Actor) -> None:
    list_id = made(olga, "Покупатели", FIRST)
    first = confirm(olga, load(olga, list_id, f"{FIRST} {FIRST + 1} {FIRST + 2}", name="contact_list.paste"))
    confirm(olga, load(olga, list_id, f"{FIRST + 2}", name="contact_list.paste"))

    over = undone(olga, first.id)

    assert (over.done, over.skipped, over.total) == (1, 1, 2)
    assert set(entries(list_id)) == {FIRST, FIRST + 2}
    assert get(ContactList, list_id).entries == 2
