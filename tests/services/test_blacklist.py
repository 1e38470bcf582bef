"""The blacklist: whose list it is, what an import may write, and who may let it."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import operation as jobs
from callcab.lib import clock
from callcab.lib.errors import Forbidden, Invalid, NotFound
from callcab.lib.storage import LocalStorage
from callcab.models import AuditEvent, BlacklistEntry, BlacklistSource, Operation, OperationState
from callcab.scope import Actor, Scope
from callcab.services import blacklist, blacklist_rows, operation, stored_file
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
STAFF = Scope.staff()
IVAN = 79253944577
BORIS = 79253944578


@pytest.fixture
def customer_id(connected: sa.Engine) -> int:
    with unit_of_work(SYSTEM) as session:
        return factories.customer(session).id


@pytest.fixture
def lead(connected: sa.Engine) -> Actor:
    return person("lead")


@pytest.fixture
def agent(connected: sa.Engine) -> Actor:
    return person("agent")


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_file, "_storage", LocalStorage(tmp_path / "files"))


def person(role: str) -> Actor:
    with unit_of_work(SYSTEM) as session:
        user = factories.user(session, None, role)
        return Actor(user.name, role, user.id)


def put(customer_id: int | None, *numbers: int, actor: Actor | None = None) -> int:
    with unit_of_work(SYSTEM) as session:
        return blacklist.add_many(
            session, customer_id, numbers, source=BlacklistSource.HAND, actor=actor or Actor.system("test")
        )


def listed(customer_id: int | None) -> set[int]:
    whose = BlacklistEntry.customer_id.is_(None) if customer_id is None else BlacklistEntry.customer_id == customer_id
    with unit_of_work(SYSTEM) as session:
        return set(session.scalars(sa.select(BlacklistEntry.phone).where(whose)))


def upload(tmp_path: Path, customer_id: int | None, text: str, actor: Actor, name: str = "blacklist.paste") -> int:
    """A list that waits to be counted."""
    path = tmp_path / "numbers.txt"
    path.write_text(text)
    with unit_of_work(STAFF) as session, path.open("rb") as stream:
        file = stored_file.upload(
            session,
            stream,
            name="numbers.txt",
            content_type="text/plain",
            customer_id=customer_id,
            created_by=actor.user_id,
        )
        params = {"customer_id": customer_id, "source": "clipboard", "reason": "просьба"}
        return operation.start_import(
            session, name=name, file=file, params=params, actor=actor, customer_id=customer_id
        ).id


def prepared(tmp_path: Path, customer_id: int | None, text: str, actor: Actor) -> int:
    """A list that is counted and waits for a person."""
    number = upload(tmp_path, customer_id, text, actor)
    jobs.run(number)
    return number


def confirm(number: int, actor: Actor) -> None:
    with unit_of_work(STAFF) as session:
        operation.confirm(session, number, expected=None, actor=actor)
    jobs.run(number)


def load(number: int) -> Operation:
    with unit_of_work(STAFF) as session:
        return session.get_one(Operation, number)


# Who may let an import write


def test_an_agent_may_not_confirm_an_import_for_all_customers(tmp_path: Path, lead: Actor, agent: Actor) -> None:
    number = prepared(tmp_path, None, str(IVAN), lead)
    with pytest.raises(Forbidden):
        confirm(number, agent)
    assert (load(number).state, listed(None)) == (OperationState.READY, set())
    confirm(number, lead)
    assert (load(number).state, listed(None)) == (OperationState.DONE, {IVAN})


def test_an_agent_may_confirm_an_import_for_one_customer(
    tmp_path: Path, customer_id: int, lead: Actor, agent: Actor
) -> None:
    number = prepared(tmp_path, customer_id, str(IVAN), lead)
    confirm(number, agent)
    assert (listed(customer_id), listed(None)) == ({IVAN}, set())


def test_an_agent_may_not_start_an_import_for_all_customers(tmp_path: Path, agent: Actor) -> None:
    with pytest.raises(Forbidden):
        upload(tmp_path, None, str(IVAN), agent)


def test_who_lost_the_right_may_not_confirm_what_he_started(tmp_path: Path, lead: Actor) -> None:
    number = prepared(tmp_path, None, str(IVAN), lead)
    with pytest.raises(Forbidden):
        confirm(number, Actor(lead.name, "agent", lead.user_id))
    assert listed(None) == set()


def test_a_confirmation_is_told_in_the_log(tmp_path: Path, customer_id: int, lead: Actor, agent: Actor) -> None:
    number = prepared(tmp_path, customer_id, str(IVAN), lead)
    confirm(number, agent)
    with unit_of_work(STAFF) as session:
        event = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "operation.confirm")).one()
    assert (event.actor_id, event.object_id, event.after) == (agent.user_id, number, {"rows": 1})


def test_an_agent_may_not_cancel_an_import_for_all_customers(tmp_path: Path, lead: Actor, agent: Actor) -> None:
    number = prepared(tmp_path, None, str(IVAN), lead)
    with pytest.raises(Forbidden), unit_of_work(STAFF) as session:
        operation.cancel(session, number, actor=agent)
    assert load(number).state is OperationState.READY
    with unit_of_work(STAFF) as session:
        operation.cancel(session, number, actor=lead)
    assert load(number).state is OperationState.CANCELLED


# What an import writes


def test_a_pasted_text_counts_new_known_and_refused_numbers(tmp_path: Path, customer_id: int, lead: Actor) -> None:
    put(customer_id, BORIS)
    number = prepared(tmp_path, customer_id, f"{IVAN}\n8 (925) 394-45-77\n{BORIS}\nИван 12345\n", lead)
    counted = load(number)
    assert (counted.done, counted.known, counted.failed) == (1, 2, 1)
    assert listed(customer_id) == {BORIS}
    confirm(number, lead)
    written = load(number)
    assert (written.done, written.known, written.failed) == (1, 2, 1)
    with unit_of_work(STAFF) as session:
        entry = session.scalars(sa.select(BlacklistEntry).where(BlacklistEntry.phone == IVAN)).one()
        assert (entry.reason, entry.source, entry.operation_id) == ("просьба", BlacklistSource.CLIPBOARD, number)


def test_a_file_is_read_like_a_text(tmp_path: Path, customer_id: int, lead: Actor) -> None:
    number = upload(tmp_path, customer_id, f"phone\n{IVAN}\n{BORIS}\n", lead, name="blacklist.import")
    jobs.run(number)
    confirm(number, lead)
    assert listed(customer_id) == {IVAN, BORIS}


# Lists


def test_the_last_ten_digits_decide_and_only_for_the_owner_of_the_list(customer_id: int) -> None:
    """Rule B8."""
    put(customer_id, IVAN)
    with unit_of_work(SYSTEM) as session:
        other = factories.customer(session).id
        assert blacklist.blocking(session, customer_id, IVAN, clock.now()) is not None
        assert blacklist.blocking(session, other, IVAN, clock.now()) is None


def test_the_platform_forbids_before_the_customer(customer_id: int) -> None:
    put(customer_id, IVAN)
    put(None, IVAN)
    with unit_of_work(SYSTEM) as session:
        found = blacklist.blocking(session, customer_id, IVAN, clock.now())
        assert found is not None
        assert found.customer_id is None


def test_an_expired_entry_forbids_nothing_and_holds_for_good_when_added_again(customer_id: int) -> None:
    put(customer_id, IVAN)
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(BlacklistEntry).values(expires_at=clock.now() - timedelta(seconds=1)))
        assert blacklist.blocking(session, customer_id, IVAN, clock.now()) is None
        assert blacklist_rows.known_of(session, customer_id, [IVAN]) == set()
    assert put(customer_id, IVAN) == 1
    with unit_of_work(SYSTEM) as session:
        assert blacklist.blocking(session, customer_id, IVAN, clock.now() + timedelta(days=999)) is not None


def test_a_repeat_adds_nothing(customer_id: int) -> None:
    assert (put(customer_id, IVAN, IVAN), put(customer_id, IVAN, BORIS), put(customer_id)) == (1, 1, 0)


@pytest.mark.parametrize(("text", "code"), [("12345", "phone.too_short"), ("", "phone.empty")])
def test_what_is_no_number_is_refused_with_its_reason(customer_id: int, text: str, code: str) -> None:
    with pytest.raises(Invalid, match=code), unit_of_work(SYSTEM) as session:
        blacklist.add(
            session, customer_id=customer_id, text=text, source=BlacklistSource.HAND, actor=Actor.system("test")
        )


def test_one_number_by_hand_is_told_in_the_log_once(customer_id: int, agent: Actor) -> None:
    found = []
    for text in ("8 (925) 394-45-77", "+79253944577"):
        with unit_of_work(SYSTEM) as session:
            found.append(
                blacklist.add(session, customer_id=customer_id, text=text, source=BlacklistSource.HAND, actor=agent)
            )
    assert found == [(IVAN, True), (IVAN, False)]
    with unit_of_work(SYSTEM) as session:
        assert len(session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "blacklist.add")).all()) == 1


def test_a_reason_longer_than_its_column_is_refused(customer_id: int, agent: Actor) -> None:
    with pytest.raises(Invalid, match="field.too_long"), unit_of_work(SYSTEM) as session:
        blacklist.add_many(session, customer_id, [IVAN], source=BlacklistSource.HAND, actor=agent, reason="о" * 201)
    assert listed(customer_id) == set()


# Bulk actions


def delete_all(actor: Actor, reason: str = "ошибка") -> blacklist.Tally:
    with unit_of_work(STAFF) as session:
        rows = session.scalars(sa.select(BlacklistEntry)).all()
        params = {"reason": reason, "operation_id": factories.operation(session, "blacklist.delete").id}
        return blacklist.Tally.of(blacklist.delete_chunk(session, rows, params, actor))


def test_an_agent_deletes_entries_of_customers_and_no_others(customer_id: int, agent: Actor) -> None:
    put(customer_id, IVAN, BORIS)
    put(None, IVAN)
    tally = delete_all(agent)
    assert (tally.done, tally.failed, tally.rows[0].reason) == (2, 1, "forbidden")
    assert (listed(customer_id), listed(None)) == (set(), {IVAN})
    with unit_of_work(STAFF) as session:
        event = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "blacklist.delete")).one()
    assert (event.customer_id, event.after) == (customer_id, {"count": 2})


def test_a_lead_deletes_entries_of_the_platform_and_the_log_keeps_the_number_and_why(lead: Actor) -> None:
    put(None, IVAN)
    assert delete_all(lead, "жалоба отозвана").done == 1
    assert listed(None) == set()
    with unit_of_work(STAFF) as session:
        event = session.scalars(sa.select(AuditEvent)).one()
    assert (event.action, event.customer_id, event.reason) == ("blacklist.delete", None, "жалоба отозвана")
    assert event.before == {"phone": str(IVAN), "reason": ""}


def test_an_entry_of_the_platform_stays_until_somebody_says_why_it_goes(customer_id: int, lead: Actor) -> None:
    put(None, IVAN)
    put(customer_id, IVAN)
    tally = delete_all(lead, " ")
    assert (tally.done, tally.failed, tally.rows[0].reason) == (1, 1, "reason.missing")
    assert (listed(None), listed(customer_id)) == ({IVAN}, set())


def test_numbers_of_customers_are_forbidden_to_all_and_stay_with_their_owners(customer_id: int, lead: Actor) -> None:
    put(customer_id, IVAN, BORIS)
    put(None, BORIS)
    with unit_of_work(STAFF) as session:
        rows = session.scalars(sa.select(BlacklistEntry).where(BlacklistEntry.customer_id == customer_id)).all()
        params = {"reason": " жалоба ", "operation_id": factories.operation(session, "blacklist.to_platform").id}
        tally = blacklist.Tally.of(blacklist.to_platform_chunk(session, rows, params, lead))
    assert (tally.done, tally.known) == (1, 1)
    assert listed(None) == listed(customer_id) == {IVAN, BORIS}


@pytest.mark.parametrize("text", ["0", "-1", "слово", "9" * 19, "²"])
def test_an_unknown_customer_is_not_found(text: str) -> None:
    with pytest.raises(NotFound, match="customer.not_found"), unit_of_work(STAFF) as session:
        blacklist.customer(session, text)


def test_only_a_lead_decides_for_all_customers(lead: Actor, agent: Actor) -> None:
    blacklist.check_platform(lead, "жалоба")
    with pytest.raises(Forbidden):
        blacklist.check_platform(agent, "жалоба")


def test_a_number_is_forbidden_to_all_with_a_reason_only(lead: Actor) -> None:
    with pytest.raises(Invalid, match="reason.missing"):
        blacklist.check_platform(lead, " ")
