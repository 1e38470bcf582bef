"""One field changed in its list: written only while it is as it was seen."""

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib.errors import Conflict, Forbidden, Invalid, NotFound
from callcab.models import AuditEvent, BlacklistEntry, BlacklistSource, Customer, IpRule, PhoneNumber
from callcab.scope import Actor, Scope
from callcab.services import blacklist_reason, customer, ip_rule, phone_number
from tests import factories
from tests.people import People

SYSTEM = Scope.system("test")
SASHA = Actor("Саша", "agent")


@pytest.fixture
def rule_id(people: People) -> int:
    with unit_of_work(SYSTEM) as session:
        rule = IpRule(customer_id=people.customer_id, network="198.51.100.1/32", note="офис")
        return factories.add(session, rule).id


def note_of(rule_id: int) -> str:
    with unit_of_work(SYSTEM) as session:
        return session.get_one(IpRule, rule_id).note


def set_note(people: People, rule_id: int, value: str, seen: str, *, owner: int | None = None) -> None:
    owner = owner or people.customer_id
    with unit_of_work(Scope.tenant(owner)) as session:
        ip_rule.set_note(session, rule_id, value=value, seen=seen, actor=Actor("Ольга", "owner", None, owner))


def test_a_note_is_changed_and_written_down(people: People, rule_id: int) -> None:
    set_note(people, rule_id, "  новый   офис ", "офис")
    assert note_of(rule_id) == "новый офис"
    with unit_of_work(SYSTEM) as session:
        event = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "ip.note")).one()
        assert (event.before, event.after) == ({"note": "офис"}, {"note": "новый офис"})


def test_the_second_of_two_is_told_what_the_first_one_wrote(people: People, rule_id: int) -> None:
    set_note(people, rule_id, "склад", "офис")
    with pytest.raises(Conflict, match=r"cell\.changed") as refused:
        set_note(people, rule_id, "дом", "офис")
    assert refused.value.params["now"] == "склад"
    assert note_of(rule_id) == "склад"


def test_two_who_write_the_same_agree(people: People, rule_id: int) -> None:
    set_note(people, rule_id, "склад", "офис")
    set_note(people, rule_id, "склад", "офис")
    assert note_of(rule_id) == "склад"


def test_a_stranger_has_no_such_entry(people: People, rule_id: int) -> None:
    with pytest.raises(NotFound):
        set_note(people, rule_id, "моё", "офис", owner=people.other_id)


def test_a_note_has_its_length(people: People, rule_id: int) -> None:
    with pytest.raises(Invalid, match=r"field\.too_long"):
        set_note(people, rule_id, "х" * 201, "офис")


def test_a_number_s_note_is_for_colleagues_alone(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        number_id = factories.number(session).id
    with unit_of_work(Scope.staff()) as session:
        phone_number.set_note(session, number_id, value="жалуются", seen="", actor=SASHA)
    with unit_of_work(SYSTEM) as session:
        row = session.get_one(PhoneNumber, number_id)
        event = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "number.note")).one()
        assert (row.note, row.version, event.customer_id) == ("жалуются", 2, None)


def test_a_tariff_is_changed_unless_somebody_changed_it_before(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        first = session.get_one(Customer, people.customer_id).tariff_id
        second, third = (factories.tariff(session, name=name).id for name in ("Второй", "Третий"))
    with unit_of_work(Scope.staff()) as session:
        row = customer.set_tariff(session, people.customer_id, value=str(second), seen=str(first), actor=SASHA)
        assert (row.tariff_id, row.version) == (second, 2)
    with pytest.raises(Conflict, match=r"cell\.changed"), unit_of_work(Scope.staff()) as session:
        customer.set_tariff(session, people.customer_id, value=str(third), seen=str(first), actor=SASHA)


@pytest.mark.parametrize("value", ["", "0", "99", "1; DROP"])
def test_a_tariff_that_there_is_not_is_refused(people: People, value: str) -> None:
    with pytest.raises(Invalid, match=r"field\.choice"), unit_of_work(Scope.staff()) as session:
        seen = str(session.get_one(Customer, people.customer_id).tariff_id)
        customer.set_tariff(session, people.customer_id, value=value, seen=seen, actor=SASHA)


def entry(owner: int | None) -> int:
    with unit_of_work(SYSTEM) as session:
        made = {"phone": 79250000001, "source": BlacklistSource.HAND, "reason": "жалоба"}
        return factories.add(session, BlacklistEntry(customer_id=owner, **made)).id


def test_a_reason_is_changed_where_its_customer_reads_it(people: People) -> None:
    row_id = entry(people.customer_id)
    with unit_of_work(Scope.staff()) as session:
        blacklist_reason.set_reason(session, row_id, value="отказ", seen="жалоба", actor=SASHA)
    with unit_of_work(SYSTEM) as session:
        event = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "blacklist.reason")).one()
        assert (event.customer_id, event.after) == (people.customer_id, {"reason": "отказ"})
        assert session.get_one(BlacklistEntry, row_id).reason == "отказ"


def test_reasons_of_the_platform_are_for_those_who_decide_for_all(people: People) -> None:
    row_id = entry(None)
    with pytest.raises(Forbidden), unit_of_work(Scope.staff()) as session:
        blacklist_reason.set_reason(session, row_id, value="отказ", actor=SASHA)
    with pytest.raises(Invalid, match=r"reason\.missing"), unit_of_work(Scope.staff()) as session:
        blacklist_reason.set_reason(session, row_id, value=" ", actor=Actor("Лида", "lead"))
    with pytest.raises(NotFound), unit_of_work(Scope.tenant(people.customer_id)) as session:
        actor = Actor("Ольга", "owner", None, people.customer_id)
        blacklist_reason.set_reason(session, row_id, value="моё", actor=actor)


def test_a_customer_is_given_to_a_colleague_and_back_to_nobody(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        colleague, stranger = (
            factories.user(session, None, "agent").id,
            factories.user(session, session.get_one(Customer, people.customer_id), "owner").id,
        )
    for value, seen in ((str(colleague), ""), ("", str(colleague))):
        with unit_of_work(Scope.staff()) as session:
            row = customer.set_manager(session, people.customer_id, value=value, seen=seen, actor=SASHA)
            assert row.manager_id == (colleague if value else None)
    for value in (str(stranger), "x", "0"):
        with pytest.raises(Invalid, match=r"field\.choice"), unit_of_work(Scope.staff()) as session:
            customer.set_manager(session, people.customer_id, value=value, seen="", actor=SASHA)
