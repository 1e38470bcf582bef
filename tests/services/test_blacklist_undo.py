"""Undoing imports of the blacklist: what they alone brought goes, what anybody else wants stays."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import operation as jobs
from callcab.lib import clock
from callcab.lib.errors import Invalid
from callcab.lib.storage import LocalStorage
from callcab.models import BlacklistEntry, Operation
from callcab.scope import Actor
from callcab.services import operation, stored_file
from callcab.services.call.opting_out import OptOut, opt_out
from tests import factories
from tests.services.test_blacklist import BORIS, IVAN, STAFF, SYSTEM, confirm, listed, load, person, prepared, put

pytestmark = pytest.mark.usefixtures("connected")


@pytest.fixture
def customer_id(connected: sa.Engine) -> int:
    with unit_of_work(SYSTEM) as session:
        return factories.customer(session).id


@pytest.fixture
def lead(connected: sa.Engine) -> Actor:
    return person("lead")


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_file, "_storage", LocalStorage(tmp_path / "files"))


def undone(number: int, actor: Actor) -> Operation:
    with unit_of_work(STAFF) as session:
        undoing = operation.undo(session, number, actor=actor).id
    jobs.run(undoing)
    return load(undoing)


def skips(number: int) -> int | None:
    with unit_of_work(STAFF) as session:
        return operation.undo_skips(session, session.get_one(Operation, number))


def imported(tmp_path: Path, customer_id: int | None, text: str, actor: Actor) -> int:
    number = prepared(tmp_path, customer_id, text, actor)
    confirm(number, actor)
    return number


def test_an_undone_import_takes_out_what_it_brought_and_nothing_else(
    tmp_path: Path, customer_id: int, lead: Actor
) -> None:
    put(customer_id, IVAN)
    number = imported(tmp_path, customer_id, f"{IVAN} {BORIS}", lead)
    assert load(number).done == 1
    over = undone(number, lead)
    assert (over.done, over.total, listed(customer_id)) == (1, 1, {IVAN})


def test_a_number_that_was_added_again_survives_the_undoing_of_its_import(
    tmp_path: Path, customer_id: int, lead: Actor
) -> None:
    number = imported(tmp_path, customer_id, f"{IVAN} {BORIS}", lead)
    assert skips(number) == 0
    put(customer_id, IVAN)
    assert skips(number) == 1
    over = undone(number, lead)
    assert (over.done, over.skipped, listed(customer_id)) == (1, 1, {IVAN})


def test_a_person_who_asked_for_it_stays_when_the_import_of_his_number_is_undone(
    tmp_path: Path, customer_id: int, lead: Actor
) -> None:
    number = imported(tmp_path, customer_id, f"{IVAN} {BORIS}", lead)
    with unit_of_work(SYSTEM) as session:
        opt_out(session, [OptOut(customer_id, IVAN, "9")])
    undone(number, lead)
    assert listed(customer_id) == {IVAN}


def test_an_entry_that_an_import_revived_stays_when_the_import_is_undone(
    tmp_path: Path, customer_id: int, lead: Actor
) -> None:
    put(customer_id, IVAN)
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(BlacklistEntry).values(expires_at=clock.now() - timedelta(days=1)))
    number = imported(tmp_path, customer_id, str(IVAN), lead)
    assert load(number).done == 1
    over = undone(number, lead)
    assert (over.done, over.skipped, listed(customer_id)) == (0, 1, {IVAN})


def test_a_repeat_within_one_import_is_undone_with_it(tmp_path: Path, customer_id: int, lead: Actor) -> None:
    number = imported(tmp_path, customer_id, f"{IVAN} {IVAN}", lead)
    assert (undone(number, lead).done, listed(customer_id)) == (1, set())


def test_an_import_that_nobody_confirmed_has_nothing_to_undo(tmp_path: Path, customer_id: int, lead: Actor) -> None:
    number = prepared(tmp_path, customer_id, str(IVAN), lead)
    with unit_of_work(STAFF) as session:
        operation.cancel(session, number, actor=lead)
    with pytest.raises(Invalid, match=r"operation\.nothing_to_undo"):
        undone(number, lead)


def test_numbers_put_on_the_platforms_list_are_taken_off_again(customer_id: int, lead: Actor) -> None:
    put(customer_id, IVAN, BORIS)
    put(None, BORIS)
    with unit_of_work(STAFF) as session:
        started = operation.start(
            session,
            name="blacklist.to_platform",
            spec_name="blacklist_support",
            state={"search": "", "filters": {}, "sort": ""},
            ids=list(session.scalars(sa.select(BlacklistEntry.id).where(BlacklistEntry.customer_id == customer_id))),
            params={"reason": "жалобы"},
            expected=None,
            actor=lead,
            customer_id=None,
        ).id
    jobs.run(started)
    assert listed(None) == {IVAN, BORIS}
    assert undone(started, lead).done == 1
    assert (listed(None), listed(customer_id)) == ({BORIS}, {IVAN, BORIS})
