"""The allow list: what it lets in, what it refuses to store, how nobody locks himself out."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.lib.errors import Conflict, Invalid, LimitReached, NotFound
from callcab.models import AuditEvent, Customer, IpRule
from callcab.scope import Actor, Scope
from callcab.services import ip_rule
from tests import factories

SYSTEM = Scope.system("sign-in")
OLGA = Actor("Ольга", "owner")
HERE = "203.0.113.7"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def firm(connected: sa.Engine) -> int:
    with unit_of_work(SYSTEM) as session:
        return int(factories.customer(session).id)


def add(firm: int, text: str, *, here: str | None = None, confirmed: bool = False, note: str = "") -> ip_rule.Added:
    with unit_of_work(Scope.tenant(firm)) as session:
        return ip_rule.add(
            session,
            customer_id=firm,
            text=text,
            note=note,
            current_address=here,
            confirmed=confirmed,
            actor=OLGA,
        )


def allowed(customer_id: int | None, address: str) -> bool:
    with unit_of_work(SYSTEM) as session:
        open_until = session.scalar(sa.select(Customer.ip_open_until).where(Customer.id == customer_id))
        return ip_rule.verdict(session, customer_id=customer_id, address=address, open_until=open_until).allowed


def test_an_empty_list_lets_everybody_in(firm: int) -> None:
    assert allowed(firm, HERE)
    assert allowed(None, HERE)


@pytest.mark.parametrize(
    ("entry", "address", "inside"),
    [
        ("203.0.113.0/24", "203.0.113.7", True),
        ("203.0.113.0/24", "203.0.114.7", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("2001:db8::/32", "2001:db8::1", True),
        ("2001:db8::/32", "203.0.113.7", False),
        ("203.0.113.7", "", False),
        ("203.0.113.7", "no address", False),
    ],
)
def test_an_entry_lets_in_its_own_addresses_only(firm: int, entry: str, address: str, inside: bool) -> None:
    add(firm, entry)
    assert allowed(firm, address) is inside


def test_a_customers_list_says_nothing_about_support_and_other_customers(firm: int) -> None:
    add(firm, "203.0.113.7")
    with unit_of_work(SYSTEM) as session:
        other = factories.customer(session).id
    assert allowed(None, "198.51.100.1") and allowed(other, "198.51.100.1")


def test_equal_writings_are_one_entry(firm: int) -> None:
    add(firm, "203.0.113.7/32")
    with pytest.raises(Conflict) as caught:
        add(firm, "::ffff:203.0.113.7")
    assert caught.value.code == "ip.duplicate"


def test_host_bits_are_cleared_with_a_notice(firm: int) -> None:
    added = add(firm, "203.0.113.7/24")
    assert str(added.rule.network) == "203.0.113.0/24"
    assert "host_bits" in added.notices


@pytest.mark.parametrize(
    "text", ["", "10.0.0.1-10.0.0.9", "10.0.0.1 10.0.0.2", "010.0.0.1", "0.0.0.0/0", "example.org"]
)
def test_what_is_no_single_entry_is_refused(firm: int, text: str) -> None:
    with pytest.raises(Invalid) as caught:
        add(firm, text)
    assert caught.value.code.startswith("ip.")


def test_the_hundred_and_first_entry_is_refused(firm: int) -> None:
    with unit_of_work(SYSTEM) as session:
        session.add_all(IpRule(customer_id=firm, network=f"10.1.{number}.1/32") for number in range(100))
    with pytest.raises(LimitReached):
        add(firm, "203.0.113.7")


def test_the_first_entry_that_locks_the_person_out_has_to_be_confirmed(firm: int) -> None:
    with pytest.raises(Conflict) as caught:
        add(firm, "198.51.100.1", here=HERE)
    assert caught.value.code == "ip.locks_you_out"
    assert allowed(firm, HERE)
    add(firm, "198.51.100.1", here=HERE, confirmed=True)
    assert not allowed(firm, HERE)


def remove(firm: int, ids: list[int], *, here: str | None = HERE, confirmed: bool = False) -> int:
    with unit_of_work(Scope.tenant(firm)) as session:
        return ip_rule.delete(session, customer_id=firm, ids=ids, current_address=here, confirmed=confirmed, actor=OLGA)


def test_deleting_the_entry_one_sits_on_has_to_be_confirmed(firm: int) -> None:
    mine, other = add(firm, HERE).rule.id, add(firm, "198.51.100.1").rule.id
    with pytest.raises(Conflict):
        remove(firm, [mine])
    assert remove(firm, [other]) == 1
    assert remove(firm, [mine]) == 1, "an emptied list locks nobody out"


def test_entries_of_another_customer_are_not_found(firm: int) -> None:
    with unit_of_work(SYSTEM) as session:
        other = int(factories.customer(session).id)
    foreign = add(other, "198.51.100.1").rule.id
    with pytest.raises(NotFound):
        remove(firm, [foreign])
    assert not allowed(other, HERE)


def test_the_door_stays_open_for_an_hour_and_is_audited(firm: int) -> None:
    add(firm, "198.51.100.1")
    with clock.frozen(NOON), unit_of_work(Scope.staff()) as session:
        ip_rule.open_door(session, customer_id=firm, actor=Actor("Саша", "agent"), reason="звонил клиент")
    with clock.frozen(NOON + timedelta(minutes=59)):
        assert allowed(firm, HERE)
    with clock.frozen(NOON + timedelta(minutes=60)):
        assert not allowed(firm, HERE)
    with unit_of_work(SYSTEM) as session:
        event = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "ip.open")).one()
    assert (event.customer_id, event.reason) == (firm, "звонил клиент")


def test_clearing_is_the_way_back(firm: int) -> None:
    add(firm, "198.51.100.1")
    with unit_of_work(SYSTEM) as session:
        assert ip_rule.clear(session, customer_id=firm, actor=Actor.system()) == 1
    assert allowed(firm, HERE)


def test_the_use_of_an_entry_is_written_at_most_once_an_hour(firm: int) -> None:
    rule = add(firm, HERE).rule.id

    def due(moment: datetime) -> bool:
        with clock.frozen(moment), unit_of_work(SYSTEM) as session:
            found = ip_rule.verdict(session, customer_id=firm, address=HERE)
            if found.stamp_due:
                ip_rule.stamp(session, rule)
            return found.stamp_due

    moments = [NOON, NOON + timedelta(minutes=59), NOON + timedelta(minutes=60)]
    assert [due(moment) for moment in moments] == [True, False, True]
