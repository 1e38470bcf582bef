"""Sign-in without pages: what is accepted, what slows down, what is written down."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import clock, totp
from callcab.lib.errors import Invalid, NotFound
from callcab.models import Customer, CustomerStatus, IpDenial, LoginEvent, LoginOutcome, User, UserStatus
from callcab.scope import Actor, Scope
from callcab.services import ip_rule, login, password, second_factor, session_record
from tests import factories

SYSTEM = Scope.system("sign-in")
HOME = login.Visitor("203.0.113.7", "Firefox")
AWAY = login.Visitor("198.51.100.9", "curl")
RIGHT = "correct horse battery"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def olga(connected: sa.Engine) -> int:
    """The owner of a customer; committed."""
    with unit_of_work(SYSTEM) as session:
        firm = factories.customer(session)
        hashed = password.hash_password(RIGHT)
        return int(factories.user(session, firm, "owner", email="olga@example.org", password_hash=hashed).id)


def attempt(
    secret: str = RIGHT, email: str = "olga@example.org", visitor: login.Visitor = HOME, hours: int = 12
) -> login.Result:
    with unit_of_work(SYSTEM) as session:
        return login.sign_in(session, email=email, secret=secret, visitor=visitor, hours=hours)


def outcomes() -> list[LoginOutcome]:
    with unit_of_work(SYSTEM) as session:
        return list(session.scalars(sa.select(LoginEvent.outcome).order_by(LoginEvent.id)))


def find(token: str) -> session_record.SignedIn | None:
    return session_record.find(token)


def change(user_id: int, **values: object) -> None:
    with unit_of_work(SYSTEM) as session:
        for name, value in values.items():
            setattr(session.get_one(User, user_id), name, value)


def test_the_right_password_begins_a_session_whatever_the_case_of_the_email(olga: int) -> None:
    result = attempt(email=" Olga@Example.ORG ")
    assert result.outcome == LoginOutcome.SUCCESS
    known = find(result.token)
    assert known is not None and known.user_id == olga


def test_the_token_itself_is_kept_nowhere(olga: int) -> None:
    token = attempt().token
    with unit_of_work(SYSTEM) as session:
        kept = session.scalar(sa.select(session_record.SessionRecord.token_hash))
    assert kept != token and token not in str(kept)


@pytest.mark.parametrize("email", ["olga@example.org", "nobody@example.org"])
def test_a_wrong_password_and_an_unknown_email_end_alike(olga: int, email: str) -> None:
    assert attempt("wrong wrong wrong", email) == login.Result(LoginOutcome.WRONG_PASSWORD)


def test_a_disabled_person_hears_the_same_as_a_stranger(olga: int) -> None:
    change(olga, status=UserStatus.DISABLED)
    assert attempt() == login.Result(LoginOutcome.WRONG_PASSWORD)


@pytest.mark.parametrize("email", ["olga@example.org", "nobody@example.org"])
def test_the_eleventh_try_waits_even_with_the_right_password(olga: int, email: str) -> None:
    with clock.frozen(NOON):
        for _ in range(10):
            attempt("wrong wrong wrong", email)
        result = attempt(RIGHT, email)
    assert result.outcome == LoginOutcome.THROTTLED
    assert result.retry_at == NOON + timedelta(seconds=30)


def test_after_thirty_wrong_tries_the_wait_is_five_minutes_and_then_the_owner_gets_in(olga: int) -> None:
    for number in range(30):
        with clock.frozen(NOON + timedelta(seconds=31 * number)):
            assert attempt("wrong wrong wrong").outcome == LoginOutcome.WRONG_PASSWORD
    last = NOON + timedelta(seconds=31 * 29)
    with clock.frozen(last + timedelta(minutes=4)):
        assert attempt().outcome == LoginOutcome.THROTTLED
    with clock.frozen(last + timedelta(minutes=5, seconds=1)):
        assert attempt().outcome == LoginOutcome.SUCCESS


def test_a_stranger_who_guesses_does_not_lock_the_owner_out_of_a_known_address(olga: int) -> None:
    attempt(visitor=HOME)
    for _ in range(12):
        attempt("wrong wrong wrong", visitor=AWAY)
    assert attempt(visitor=AWAY).outcome == LoginOutcome.THROTTLED
    assert attempt(visitor=HOME).outcome == LoginOutcome.SUCCESS


def test_a_success_of_the_owner_hands_a_stranger_no_new_tries(olga: int) -> None:
    attempt(visitor=HOME)
    for _ in range(10):
        attempt("wrong wrong wrong", visitor=AWAY)
    attempt(visitor=HOME)
    assert attempt(visitor=AWAY).outcome == LoginOutcome.THROTTLED


def test_throttled_tries_fill_the_journal_once_a_minute(olga: int) -> None:
    with clock.frozen(NOON):
        for _ in range(15):
            attempt("wrong wrong wrong")
    assert outcomes().count(LoginOutcome.THROTTLED) == 1


def test_people_of_a_blocked_customer_are_told_why_once_the_password_is_right(olga: int) -> None:
    with unit_of_work(SYSTEM) as session:
        firm = session.scalars(sa.select(Customer)).one()
        firm.status, firm.block_reason = CustomerStatus.BLOCKED, "нет договора"
    assert attempt("wrong wrong wrong").outcome == LoginOutcome.WRONG_PASSWORD
    result = attempt()
    assert (result.outcome, result.reason, result.token) == (LoginOutcome.BLOCKED, "нет договора", "")


def test_blocking_the_customer_ends_his_sessions_at_the_next_request(olga: int) -> None:
    token = attempt().token
    with unit_of_work(SYSTEM) as session:
        firm = session.scalars(sa.select(Customer)).one()
        firm.status, firm.block_reason = CustomerStatus.BLOCKED, "нет договора"
    assert find(token) is None


def test_disabling_a_person_ends_his_sessions_at_the_next_request(olga: int) -> None:
    token = attempt().token
    change(olga, status=UserStatus.DISABLED)
    assert find(token) is None


def test_a_session_expires_after_its_hours(olga: int) -> None:
    with clock.frozen(NOON):
        token = attempt(hours=12).token
    with clock.frozen(NOON + timedelta(hours=11, minutes=59)):
        assert find(token) is not None
    with clock.frozen(NOON + timedelta(hours=12)):
        assert find(token) is None


def test_last_seen_is_written_at_most_once_a_minute(olga: int) -> None:
    with clock.frozen(NOON):
        known = find(attempt().token)
    assert known is not None
    with clock.frozen(NOON + timedelta(seconds=59)):
        assert not session_record.stamp_due(known)
    with clock.frozen(NOON + timedelta(seconds=60)):
        assert session_record.stamp_due(known)


def test_a_password_change_ends_all_other_sessions(olga: int) -> None:
    old, kept = attempt().token, attempt().token
    known = find(kept)
    assert known is not None
    with unit_of_work(SYSTEM) as session:
        password.change(
            session,
            user_id=olga,
            old=RIGHT,
            new="Zq8dkf-jgh123",
            keep_session=known.session_id,
            actor=Actor("О", "owner"),
        )
    assert find(old) is None and find(kept) is not None


def test_the_right_password_from_a_stranger_address_gives_no_session_and_one_letter_an_hour(olga: int) -> None:
    with unit_of_work(SYSTEM) as session:
        firm = session.scalars(sa.select(Customer.id)).one()
        ip_rule.add(session, customer_id=firm, text=HOME.address, current_address=None, actor=Actor("О", "owner"))
    with clock.frozen(NOON):
        first, second = attempt(visitor=AWAY), attempt(visitor=AWAY)
    with clock.frozen(NOON + timedelta(minutes=61)):
        later = attempt(visitor=AWAY)
    assert {first.outcome, second.outcome} == {LoginOutcome.STRANGER_ADDRESS}
    assert not (first.token or second.token)
    assert first.letter_to == ("olga@example.org", "ru")
    assert second.letter_to is None
    assert later.letter_to is not None
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(IpDenial)) == 2


def enrolled(olga: int) -> str:
    with unit_of_work(SYSTEM) as session:
        secret = second_factor.offer(session, user_id=olga)
        code = totp.code_at(secret, totp.step_of(clock.now()))
        second_factor.enrol(session, user_id=olga, code=code, keep_session=None, actor=Actor("О", "owner"))
    return secret


def confirm(olga: int, code: str) -> login.Result:
    with unit_of_work(SYSTEM) as session:
        mark = password.fingerprint(session.get_one(User, olga))
        return login.confirm(session, user_id=olga, mark=mark, code=code, visitor=HOME, hours=12)


def test_with_a_second_factor_the_password_alone_begins_nothing(olga: int) -> None:
    enrolled(olga)
    result = attempt()
    assert result.outcome is None and result.token == "" and result.user is not None


def test_a_code_opens_once_and_never_again(olga: int) -> None:
    with clock.frozen(NOON):
        secret = enrolled(olga)
    with clock.frozen(NOON + timedelta(minutes=2)):
        code = totp.code_at(secret, totp.step_of(clock.now()))
        assert confirm(olga, code).outcome == LoginOutcome.SUCCESS
        assert confirm(olga, code).outcome == LoginOutcome.WRONG_CODE


def test_the_code_that_switched_it_on_can_not_be_used_to_sign_in(olga: int) -> None:
    with clock.frozen(NOON):
        secret = enrolled(olga)
        assert confirm(olga, totp.code_at(secret, totp.step_of(NOON))).outcome == LoginOutcome.WRONG_CODE


def test_guessing_codes_is_slowed_down_like_guessing_passwords(olga: int) -> None:
    with clock.frozen(NOON):
        enrolled(olga)
        for _ in range(10):
            confirm(olga, "abcdef")
        assert confirm(olga, "abcdef").outcome == LoginOutcome.THROTTLED


def test_reset_letters_are_three_an_hour(olga: int) -> None:
    def ask() -> bool:
        with unit_of_work(SYSTEM) as session:
            return login.ask_reset(session, email="olga@example.org", visitor=AWAY) is not None

    assert [ask() for _ in range(4)] == [True, True, True, False]


def test_a_reset_link_works_once(olga: int) -> None:
    key = "k" * 32
    with unit_of_work(SYSTEM) as session:
        link = password.sign_link(key, session.get_one(User, olga))
    with unit_of_work(SYSTEM) as session:
        password.reset(session, key=key, token=link, new="Zq8dkf-jgh123", address="", agent="")
    with pytest.raises(NotFound), unit_of_work(SYSTEM) as session:
        password.reset(session, key=key, token=link, new="Zq8dkf-jgh456", address="", agent="")
    assert attempt("Zq8dkf-jgh123").outcome == LoginOutcome.SUCCESS


def test_a_reset_link_dies_after_an_hour(olga: int) -> None:
    key = "k" * 32
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        link = password.sign_link(key, session.get_one(User, olga))
    with (
        clock.frozen(NOON + timedelta(minutes=61)),
        pytest.raises(NotFound),
        unit_of_work(SYSTEM) as session,
    ):
        password.read_link(session, key=key, token=link)


def test_an_invitation_is_no_reset_link(olga: int) -> None:
    key = "k" * 32
    with pytest.raises(NotFound), unit_of_work(SYSTEM) as session:
        invitation = password.sign_link(key, session.get_one(User, olga), password.INVITE_PURPOSE)
        password.read_link(session, key=key, token=invitation)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("short", "password.short"),
        ("olga@example.org", "password.email"),
        ("qwerty12345", "password.common"),
        ("ПАРОЛЬ12345", "password.common"),
        ("aaaaaaaaaaaa", "password.common"),
        ("x" * 300, "password.long"),
    ],
)
def test_a_weak_password_is_refused_with_its_reason(text: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        password.check_strength(text, "olga@example.org")
    assert caught.value.code == code
