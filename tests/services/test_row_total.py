"""Totals of long lists: kept with every statement, whoever writes, and equal to what is there."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.models import BlacklistEntry, BlacklistSource, RowTotal
from callcab.scope import Actor, Scope
from callcab.services import blacklist, listing, row_total
from callcab.services.specs.blacklist import BLACKLIST, BLACKLIST_SUPPORT
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
PHONE = 79250000000
MANY = 25


@pytest.fixture
def owner_id() -> int:
    with unit_of_work(SYSTEM) as session:
        return factories.customer(session).id


def add(customer_id: int | None, first: int, count: int, scope: Scope = SYSTEM) -> int:
    with unit_of_work(scope) as session:
        return blacklist.add_many(
            session,
            customer_id,
            range(PHONE + first, PHONE + first + count),
            source=BlacklistSource.HAND,
            actor=Actor.system(),
        )


def kept(customer_id: int | None = None) -> int:
    with unit_of_work(SYSTEM) as session:
        return row_total.Kept(BlacklistEntry)(session, customer_id)


def fold() -> int:
    with unit_of_work(SYSTEM) as session:
        return row_total.fold(session)


def parts(name: str = "blacklist_entry") -> int:
    with unit_of_work(SYSTEM) as session:
        return session.scalar(sa.select(sa.func.count()).where(RowTotal.name == name)) or 0


def test_a_customer_s_own_statement_is_counted(owner_id: int) -> None:
    add(owner_id, 0, 3, Scope.tenant(owner_id))
    assert kept(owner_id) == 3


def test_a_row_that_was_there_already_is_not_counted_again(owner_id: int) -> None:
    add(owner_id, 0, 3)
    assert add(owner_id, 1, 3) == 1
    assert kept(owner_id) == 4


def test_deleted_rows_are_taken_off(owner_id: int) -> None:
    add(owner_id, 0, 5)
    with unit_of_work(Scope.tenant(owner_id)) as session:
        session.execute(sa.delete(BlacklistEntry).where(BlacklistEntry.phone < PHONE + 2))
    assert kept(owner_id) == 3


def test_a_statement_that_is_rolled_back_counts_nothing(owner_id: int) -> None:
    with pytest.raises(ZeroDivisionError), unit_of_work(SYSTEM) as session:
        blacklist.add_many(session, owner_id, [PHONE], source=BlacklistSource.HAND, actor=Actor.system())
        raise ZeroDivisionError
    assert kept(owner_id) == 0


def test_all_of_them_together_hold_the_platform_s_rows_too(owner_id: int) -> None:
    add(owner_id, 0, 2)
    add(None, 0, 1)
    assert (kept(owner_id), kept()) == (2, 3)


def test_folding_leaves_one_part_of_each_total_and_changes_none(owner_id: int) -> None:
    for first in range(4):
        add(owner_id, first, 1)
        add(None, first, 1)
    assert parts() == 8
    fold()
    assert (parts(), kept(owner_id), kept()) == (2, 4, 8)
    assert fold() == 0


def test_support_reads_one_part_for_all_customers_however_many_there_are(owner_id: int) -> None:
    with unit_of_work(SYSTEM) as session:
        others = [factories.customer(session).id for _ in range(3)]
    for customer_id in (owner_id, *others):
        add(customer_id, 0, 2)
    fold()
    assert (parts("*blacklist_entry"), kept()) == (1, 8)


def test_a_statement_that_touches_no_row_leaves_no_part(owner_id: int) -> None:
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.delete(BlacklistEntry).where(BlacklistEntry.customer_id == owner_id))
    assert (parts(), parts("*blacklist_entry")) == (0, 0)


def test_a_customer_reads_his_own_totals_and_writes_none(owner_id: int) -> None:
    with unit_of_work(SYSTEM) as session:
        stranger = factories.customer(session).id
    add(stranger, 0, 7)
    with unit_of_work(Scope.tenant(owner_id)) as session:
        assert row_total.Kept(BlacklistEntry)(session, stranger) == 0
        assert session.scalar(sa.text("SELECT count(*) FROM row_total")) == 0
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            session.execute(sa.text("INSERT INTO row_total (name, customer_id, rows) VALUES ('call', 1, 1)"))


def test_writers_of_one_customer_do_not_wait_for_each_other_and_all_are_counted(owner_id: int) -> None:
    together = Barrier(MANY + 1)

    def write(number: int) -> None:
        with unit_of_work(SYSTEM) as session:
            blacklist.add_many(session, owner_id, [PHONE + number], source=BlacklistSource.HAND, actor=Actor.system())
            together.wait(20)  # All have written, none has committed: a counter that they shared would not let them.

    with ThreadPoolExecutor(MANY) as threads:
        writing = [threads.submit(write, number) for number in range(MANY)]
        together.wait(20)
        for one in writing:
            one.result()
        fold()
    assert kept(owner_id) == MANY


def total(spec: listing.ListSpec, scope: Scope, customer_id: int | None, **filters: object) -> listing.Count:
    with unit_of_work(scope) as session:
        return listing.count_matching(
            session, spec, listing.ListState(filters=filters), customer_id=customer_id, cap=spec.count_cap
        )


@pytest.fixture
def long_list(owner_id: int, owner_dsn: str) -> int:
    """More rows than a page counts; returns how many."""
    with psycopg.connect(owner_dsn) as connection:
        connection.execute(
            "INSERT INTO blacklist_entry (customer_id, phone, source, reason, author_name, created_at)"
            " SELECT %s, %s + n, CASE WHEN n %% 2 = 0 THEN 'hand' ELSE 'ivr' END, '', '', now()"
            " FROM generate_series(1, 10500) AS n",
            (owner_id, PHONE),
        )
    return 10_500


def test_the_total_of_a_long_list_is_exact_for_its_customer(owner_id: int, long_list: int) -> None:
    assert total(BLACKLIST, Scope.tenant(owner_id), owner_id) == listing.Count(long_list)


def test_the_total_of_a_long_list_is_exact_for_support_that_chose_its_customer(owner_id: int, long_list: int) -> None:
    add(None, 0, 1)
    assert total(BLACKLIST_SUPPORT, Scope.staff(), None, customer=owner_id) == listing.Count(long_list)
    assert total(BLACKLIST_SUPPORT, Scope.staff(), None) == listing.Count(long_list + 1)


@pytest.mark.usefixtures("long_list")
def test_another_filter_is_counted_to_the_cap(owner_id: int) -> None:
    both = {"customer": owner_id, "list": ["customer"]}
    assert total(BLACKLIST_SUPPORT, Scope.staff(), None, **both) == listing.Count(10_000, capped=True)
    assert total(BLACKLIST, Scope.tenant(owner_id), owner_id, source=["ivr"]) == listing.Count(5_250)


def test_a_restore_that_passed_the_triggers_is_seen_and_repaired(owner_id: int, owner_dsn: str) -> None:
    add(owner_id, 0, 2)
    add(None, 0, 2)
    with psycopg.connect(owner_dsn) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM blacklist_entry WHERE phone = %s", (PHONE,))
    with unit_of_work(SYSTEM) as session:
        assert set(row_total.wrong(session)) == {("blacklist_entry", owner_id, 2, 1), ("blacklist_entry", None, 2, 1)}
        assert row_total.repair(session) == 3, "his, the platform's, that of all"
    with unit_of_work(SYSTEM) as session:
        assert list(row_total.wrong(session)) == []
    assert (kept(owner_id), kept()) == (1, 2)
