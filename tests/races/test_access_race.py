"""Many at once at the door: guesses, letters, entries, last owners, reset links."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from callcab.db import CabSession, unit_of_work
from callcab.lib.errors import DomainError
from callcab.models import Customer, IpDenial, IpRule, LoginEvent, LoginOutcome, User, UserStatus
from callcab.scope import Actor, Scope
from callcab.services import api_token, ip_rule, login, password, user
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("sign-in")
RIGHT = "correct horse battery"
AWAY = login.Visitor("198.51.100.9", "curl")
OLGA = Actor("Ольга", "owner")
CROWD = 20


@pytest.fixture
def olga(connected: sa.Engine) -> User:
    with unit_of_work(SYSTEM) as session:
        hashed = password.hash_password(RIGHT)
        return factories.user(
            session, factories.customer(session), "owner", email="olga@example.org", password_hash=hashed
        )


def together(act: Callable[[CabSession, int], Any], count: int = CROWD) -> list[Any]:
    """Run ``act`` in ``count`` transactions that are all open before the first acts; a refusal is its code."""
    barrier = threading.Barrier(count)

    def one(number: int) -> Any:
        try:
            with unit_of_work(SYSTEM) as session:
                session.execute(sa.text("SELECT 1"))
                barrier.wait(30)
                return act(session, number)
        except DomainError as problem:
            return problem.code

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_ac_40_guesses_at_once_count_one_by_one(olga: User) -> None:
    results = together(
        lambda session, number: (
            login.sign_in(session, email=olga.email, secret=f"guess number {number}", visitor=AWAY, hours=1).outcome
        )
    )
    assert results.count(LoginOutcome.WRONG_PASSWORD) == 10
    assert results.count(LoginOutcome.THROTTLED) == CROWD - 10


def test_right_passwords_at_once_from_a_stranger_address_send_one_letter(olga: User) -> None:
    with unit_of_work(SYSTEM) as session:
        ip_rule.add(
            session, customer_id=olga.customer_id, text="203.0.113.7", current_address=None, actor=Actor.system()
        )
    results = together(
        lambda session, number: login.sign_in(session, email=olga.email, secret=RIGHT, visitor=AWAY, hours=1)
    )
    assert {result.outcome for result in results} == {LoginOutcome.STRANGER_ADDRESS}
    assert sum(result.letter_to is not None for result in results) == 1
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(IpDenial)) == 1
        assert session.scalar(sa.select(sa.func.count()).select_from(LoginEvent)) == CROWD


def test_the_limit_of_entries_holds_at_once(olga: User) -> None:
    with unit_of_work(SYSTEM) as session:
        session.add_all(IpRule(customer_id=olga.customer_id, network=f"10.1.{number}.1/32") for number in range(95))
    results = together(
        lambda session, number: (
            ip_rule.add(
                session, customer_id=olga.customer_id, text=f"10.2.{number}.1", current_address=None, actor=OLGA
            )
            and "added"
        )
    )
    assert results.count("added") == 5 and results.count("ip.limit") == CROWD - 5


def test_the_same_entry_at_once_is_stored_once(olga: User) -> None:
    results = together(
        lambda session, number: (
            ip_rule.add(session, customer_id=olga.customer_id, text="203.0.113.7", current_address=None, actor=OLGA)
            and "added"
        )
    )
    assert results.count("added") == 1 and results.count("ip.duplicate") == CROWD - 1


def test_two_deletions_at_once_can_not_lock_the_person_out_between_them(olga: User) -> None:
    with unit_of_work(SYSTEM) as session:
        here = [
            ip_rule.add(session, customer_id=olga.customer_id, text=text, current_address=None, actor=OLGA).rule.id
            for text in ("203.0.113.7", "203.0.113.0/24", "198.51.100.1")
        ]
    results = together(
        lambda session, number: ip_rule.delete(
            session, customer_id=olga.customer_id, ids=[here[number]], current_address="203.0.113.7", actor=OLGA
        ),
        2,
    )
    assert sorted(map(str, results)) == ["1", "ip.locks_you_out"]


def test_two_owners_who_switch_each_other_off_leave_one(olga: User) -> None:
    with unit_of_work(SYSTEM) as session:
        second = factories.user(session, session.get(Customer, olga.customer_id), "owner")
    pair = [olga.id, second.id]
    together(
        lambda session, number: user.disable(
            session,
            customer_id=olga.customer_id,
            user_id=pair[1 - number],
            actor=Actor("О", "owner", pair[number], olga.customer_id),
        ),
        2,
    )
    with unit_of_work(SYSTEM) as session:
        left = session.scalar(sa.select(sa.func.count()).where(User.status == UserStatus.ACTIVE, User.role == "owner"))
    assert left == 1


def test_a_reset_link_used_at_once_works_once(olga: User) -> None:
    key = "k" * 32
    link = password.sign_link(key, olga)
    results = together(
        lambda session, number: (
            password.reset(session, key=key, token=link, new=f"Zq8dkf-jgh{number}", address="", agent="") and "set"
        )
    )
    assert results.count("set") == 1 and results.count("password.link_dead") == CROWD - 1


def test_the_same_person_invited_at_once_is_made_once(olga: User) -> None:
    results = together(
        lambda session, number: (
            user.invite(
                session, customer_id=olga.customer_id, email="new@example.org", name="Н", role="viewer", actor=OLGA
            )
            and "made"
        )
    )
    assert results.count("made") == 1 and results.count("user.email_taken") == CROWD - 1


def test_the_limit_of_tokens_holds_at_once(olga: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_token, "LIMIT", 3)
    results = together(
        lambda session, number: (
            api_token.create(
                session,
                customer_id=int(olga.customer_id or 0),
                name="CRM",
                scopes=["account:read"],
                expires_at=None,
                actor=OLGA,
            )
            and "made"
        )
    )
    assert results.count("made") == 3 and results.count("token.limit") == CROWD - 3
