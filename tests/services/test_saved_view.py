"""Saved views: one's own and those of colleagues, never those of another house."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib.errors import Conflict, Forbidden, Invalid, LimitReached, NotFound
from callcab.models import AuditEvent, SavedView
from callcab.scope import Actor, Scope
from callcab.services import saved_view
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
QUERY = [("search", "4477"), ("source", "ivr")]


class House:
    """A customer with an owner and an operator, another customer's owner, and two of support."""

    def __init__(self) -> None:
        with unit_of_work(SYSTEM) as session:
            mine, other = factories.customer(session), factories.customer(session)
            people = {
                name: factories.user(session, customer, role, email=f"{name}@example.org")
                for name, customer, role in (
                    ("owner", mine, "owner"),
                    ("operator", mine, "operator"),
                    ("stranger", other, "owner"),
                    ("agent", None, "agent"),
                    ("lead", None, "lead"),
                )
            }
            for name, user in people.items():
                setattr(self, name, Actor(name, user.role, user.id, user.customer_id))

    owner: Actor
    operator: Actor
    stranger: Actor
    agent: Actor
    lead: Actor


@pytest.fixture
def house(connected: sa.Engine) -> House:
    return House()


def scope_of(actor: Actor) -> Scope:
    return Scope.staff() if actor.customer_id is None else Scope.tenant(actor.customer_id)


def save(actor: Actor, name: str = "Отказы", *, shared: bool = False, list_name: str = "blacklist") -> int:
    with unit_of_work(scope_of(actor)) as session:
        return saved_view.save(session, list_name=list_name, name=name, query=QUERY, shared=shared, actor=actor).id


def names(actor: Actor, list_name: str = "blacklist") -> list[str]:
    with unit_of_work(scope_of(actor)) as session:
        return [view.name for view in saved_view.of_list(session, list_name, actor=actor)]


def test_one_s_own_view_is_kept_for_its_list_and_nobody_else_sees_it(house: House) -> None:
    save(house.owner)
    assert names(house.owner) == ["Отказы"]
    assert names(house.owner, "payment") == names(house.operator) == names(house.stranger) == names(house.lead) == []


def test_a_shared_view_is_seen_by_the_colleagues_behind_their_own(house: House) -> None:
    save(house.owner, "Общий", shared=True)
    save(house.operator, "Мой")
    assert names(house.operator) == ["Мой", "Общий"]
    assert names(house.stranger) == names(house.agent) == []


def test_support_shares_with_support_alone(house: House) -> None:
    save(house.lead, "Для смены", shared=True)
    assert names(house.agent) == ["Для смены"]
    assert names(house.owner) == []


@pytest.mark.parametrize("who", ["operator", "agent"])
def test_who_may_not_share_keeps_a_view_for_himself_only(house: House, who: str) -> None:
    actor = getattr(house, who)
    with pytest.raises(Forbidden):
        save(actor, shared=True)
    save(actor)
    assert names(actor) == ["Отказы"]


def test_a_name_is_taken_once_by_each_person_whatever_its_case(house: House) -> None:
    save(house.owner, "Отказы")
    with pytest.raises(Conflict, match="name_taken"):
        save(house.owner, "  отказы ")
    save(house.operator, "Отказы")
    save(house.owner, "Отказы", list_name="payment")


@pytest.mark.parametrize(("name", "code"), [("  ", "field.required"), ("я" * 61, "field.too_long")])
def test_a_name_that_can_t_be_one_is_refused(house: House, name: str, code: str) -> None:
    with pytest.raises(Invalid, match=code):
        save(house.owner, name)


def test_the_bare_list_is_no_view(house: House) -> None:
    with pytest.raises(Invalid, match="nothing"), unit_of_work(scope_of(house.owner)) as session:
        saved_view.save(session, list_name="blacklist", name="Все", query=[], shared=False, actor=house.owner)


def test_a_list_that_does_not_exist_has_no_views(house: House) -> None:
    with pytest.raises(NotFound):
        save(house.owner, list_name="nothing")


def test_the_tabs_have_room_for_so_many(house: House) -> None:
    for number in range(saved_view.LIMIT):
        save(house.owner, f"Вид {number}")
    with pytest.raises(LimitReached):
        save(house.owner, "Ещё один")


def test_of_two_saves_at_once_one_gets_the_last_place(house: House) -> None:
    for number in range(saved_view.LIMIT - 1):
        save(house.owner, f"Вид {number}")
    together = Barrier(2)

    def one(number: int) -> bool:
        together.wait(10)
        try:
            save(house.owner, f"Последний {number}")
        except LimitReached:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(one, range(2))) == [False, True]


def test_a_shared_view_is_deleted_by_its_owner_and_by_who_may_share(house: House) -> None:
    mine, theirs = save(house.owner, "Общий", shared=True), save(house.lead, "Для смены", shared=True)
    for actor, view_id in ((house.operator, mine), (house.agent, theirs)):
        with pytest.raises(Forbidden), unit_of_work(scope_of(actor)) as session:
            saved_view.delete(session, view_id, list_name="blacklist", actor=actor)
    for actor, view_id in ((house.owner, mine), (house.lead, theirs)):
        with unit_of_work(scope_of(actor)) as session:
            saved_view.delete(session, view_id, list_name="blacklist", actor=actor)
    assert names(house.owner) == names(house.lead) == []


@pytest.mark.parametrize("who", ["stranger", "lead", "agent", "operator"])
def test_a_view_of_somebody_else_is_not_found(house: House, who: str) -> None:
    view_id = save(house.owner)
    actor = getattr(house, who)
    with pytest.raises(NotFound), unit_of_work(scope_of(actor)) as session:
        saved_view.delete(session, view_id, list_name="blacklist", actor=actor)
    assert names(house.owner) == ["Отказы"]


def test_what_everybody_sees_is_in_the_log_and_one_s_own_is_not(house: House) -> None:
    save(house.lead, "Мой")
    view_id = save(house.lead, "Общий", shared=True)
    with unit_of_work(scope_of(house.lead)) as session:
        saved_view.delete(session, view_id, list_name="blacklist", actor=house.lead)
    with unit_of_work(SYSTEM) as session:
        events = session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id)).all()
        found = [(event.action, event.after) for event in events if event.object_type == "saved_view"]
    assert found == [("saved_view.share", {"name": "Общий"}), ("saved_view.delete", {"name": "Общий"})]


def test_row_level_security_alone_keeps_the_views_of_others_away(house: House) -> None:
    save(house.owner, shared=True)
    save(house.lead, shared=True)
    with unit_of_work(scope_of(house.stranger)) as session:
        assert session.execute(sa.text("SELECT count(*) FROM saved_view")).scalar_one() == 0
    with unit_of_work(scope_of(house.owner)) as session:
        assert session.execute(sa.text("SELECT count(*) FROM saved_view")).scalar_one() == 1
        assert session.scalar(sa.select(sa.func.count()).select_from(SavedView)) == 1
