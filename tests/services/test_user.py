"""People of a customer and of support: who may be switched off, and that somebody always holds the first role."""

from typing import Any

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib.errors import Conflict, Invalid, LimitReached, NotFound
from callcab.models import AuditEvent, Customer, User, UserStatus
from callcab.scope import Actor, Scope
from callcab.services import session_record, user
from tests import factories

SYSTEM = Scope.system("sign-in")


@pytest.fixture
def firm(connected: sa.Engine) -> int:
    with unit_of_work(SYSTEM) as session:
        return int(factories.customer(session).id)


def person(firm: int | None, role: str) -> int:
    with unit_of_work(SYSTEM) as session:
        owner = session.get(Customer, firm) if firm else None
        return int(factories.user(session, owner, role).id)


def do(verb: Any, firm: int | None, user_id: int, *, by: int, **values: Any) -> User:
    scope = Scope.tenant(firm) if firm else Scope.staff()
    actor = Actor("Кто-то", "owner" if firm else "admin", by, firm)
    with unit_of_work(scope) as session:
        found: User = verb(session, customer_id=firm, user_id=user_id, actor=actor, **values)
        return found


def invite(firm: int, email: str, role: str = "operator", name: str = "Новый Человек") -> User:
    with unit_of_work(Scope.tenant(firm)) as session:
        return user.invite(
            session, customer_id=firm, email=email, name=name, role=role, actor=Actor("О", "owner", None, firm)
        )


def test_an_invited_person_has_no_password_yet(firm: int) -> None:
    invited = invite(firm, " New@Example.ORG ")
    assert invited.email == "new@example.org" and user.awaiting(invited)


def test_an_email_of_another_customers_person_is_taken(firm: int) -> None:
    with unit_of_work(SYSTEM) as session:
        factories.user(session, factories.customer(session), "owner", email="taken@example.org")
    with pytest.raises(Conflict) as caught:
        invite(firm, "taken@example.org")
    assert caught.value.code == "user.email_taken"


@pytest.mark.parametrize("email", ["", "a", "a@b", "a b@c.ru", "a@b.ru\nBcc: x@y.ru", "a@b.ru, c@d.ru"])
def test_what_is_no_single_email_is_refused(firm: int, email: str) -> None:
    with pytest.raises(Invalid):
        invite(firm, email)


def test_a_customer_can_not_invite_into_support(firm: int) -> None:
    with pytest.raises(Invalid) as caught:
        invite(firm, "new@example.org", role="admin")
    assert caught.value.code == "user.role"


def test_people_are_limited(firm: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user, "LIMIT", 1)
    invite(firm, "one@example.org")
    with pytest.raises(LimitReached):
        invite(firm, "two@example.org")


def test_nobody_switches_himself_off(firm: int) -> None:
    olga, _second = person(firm, "owner"), person(firm, "owner")
    with pytest.raises(Conflict) as caught:
        do(user.disable, firm, olga, by=olga)
    assert caught.value.code == "user.self"


@pytest.mark.parametrize(
    ("side", "first", "code"), [("firm", "owner", "user.last_owner"), ("", "admin", "user.last_admin")]
)
def test_the_last_of_the_first_role_stays(firm: int, side: str, first: str, code: str) -> None:
    customer = firm if side else None
    last, other = person(customer, first), person(customer, "viewer" if side else "agent")
    for verb, values in ((user.disable, {}), (user.change_role, {"role": "viewer" if side else "agent"})):
        with pytest.raises(Conflict) as caught:
            do(verb, customer, last, by=other, **values)
        assert caught.value.code == code


def test_switching_a_person_off_ends_his_sessions_and_is_audited(firm: int) -> None:
    olga, kolya = person(firm, "owner"), person(firm, "operator")
    with unit_of_work(SYSTEM) as session:
        token = session_record.begin(session, user=session.get_one(User, kolya), address="", agent="", hours=1)
    assert do(user.disable, firm, kolya, by=olga).status == UserStatus.DISABLED
    assert session_record.find(token) is None
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(AuditEvent.actor_id).where(AuditEvent.action == "user.disable")) == olga


def test_a_person_of_another_customer_is_not_found(firm: int) -> None:
    with unit_of_work(SYSTEM) as session:
        foreign = int(factories.user(session, factories.customer(session), "operator").id)
    for verb, values in ((user.disable, {}), (user.change_role, {"role": "viewer"}), (user.enable, {})):
        with pytest.raises(NotFound):
            do(verb, firm, foreign, by=person(firm, "owner"), **values)


def test_a_new_invitation_kills_the_older_link(firm: int) -> None:
    invited = invite(firm, "new@example.org")
    before = invited.password_hash
    again = do(user.invite_again, firm, invited.id, by=person(firm, "owner"))
    assert again.password_hash != before and user.awaiting(again)


def actions(user_id: int) -> list[str]:
    with unit_of_work(SYSTEM) as session:
        statement = sa.select(AuditEvent.action).where(AuditEvent.object_id == user_id).order_by(AuditEvent.id)
        return list(session.scalars(statement))


def test_a_role_changes_once_and_is_audited_with_both_roles(firm: int) -> None:
    boss, other = person(firm, "owner"), person(firm, "operator")
    for _ in range(2):
        assert do(user.change_role, firm, other, by=boss, role="viewer").role == "viewer"
    with unit_of_work(SYSTEM) as session:
        event = session.scalars(sa.select(AuditEvent).where(AuditEvent.object_id == other)).one()
    assert (event.action, event.before, event.after) == ("user.role", {"role": "operator"}, {"role": "viewer"})


@pytest.mark.parametrize("role", ["admin", "agent", "lead", "system", ""])
def test_a_role_of_the_other_side_is_refused(firm: int, role: str) -> None:
    boss, other = person(firm, "owner"), person(firm, "operator")
    with pytest.raises(Invalid, match="user.role"):
        do(user.change_role, firm, other, by=boss, role=role)


def test_a_person_is_let_in_again_once(firm: int) -> None:
    boss, other = person(firm, "owner"), person(firm, "operator")
    do(user.disable, firm, other, by=boss)
    do(user.disable, firm, other, by=boss)
    for _ in range(2):
        assert do(user.enable, firm, other, by=boss).status == UserStatus.ACTIVE
    assert actions(other) == ["user.disable", "user.enable"]


def test_a_second_owner_may_be_switched_off(firm: int) -> None:
    boss, second = person(firm, "owner"), person(firm, "owner")
    assert do(user.disable, firm, second, by=boss).status == UserStatus.DISABLED


def profile(user_id: int, firm: int, name: str, language: str = "ru") -> User:
    with unit_of_work(Scope.tenant(firm)) as session:
        actor = Actor("Кто-то", "operator", user_id, firm)
        return user.update_profile(session, user_id=user_id, name=name, language=language, actor=actor)


def test_a_profile_is_changed_and_an_unchanged_one_leaves_no_trace(firm: int) -> None:
    me = person(firm, "operator")
    for _ in range(2):
        found = profile(me, firm, "  Иван   Петров ", "en")
    assert (found.name, found.language) == ("Иван Петров", "en")
    assert actions(me) == ["user.profile"]


@pytest.mark.parametrize(
    ("name", "language", "code"),
    [
        (" ", "ru", "field.required"),
        ("И" * 500, "ru", "field.too_long"),
        ("Иван\x07", "ru", "field.too_long"),
        ("Иван", "xx", "field.choice"),
    ],
)
def test_an_odd_profile_is_refused(firm: int, name: str, language: str, code: str) -> None:
    with pytest.raises(Invalid, match=code):
        profile(person(firm, "operator"), firm, name, language)
