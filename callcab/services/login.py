"""Sign-in: password, second factor, throttling per account, and what is written down about it (AC-16, AC-21, AC-40)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.models import (
    Customer,
    CustomerStatus,
    Door,
    LoginEvent,
    LoginOutcome,
    User,
    UserStatus,
)
from callcab.services import ip_denial, ip_rule, password, second_factor, session_record
from callcab.services.lock import take_turn

# Wrong tries within the window -> how long the next one waits. Waiting does not grow by trying while it lasts, so that
# the owner gets in soon, and somebody at an address that has signed in before only pays for his own slips.
WINDOW = timedelta(hours=1)
SLOWED = ((30, timedelta(minutes=5)), (10, timedelta(seconds=30)))
KNOWN_FOR = timedelta(days=30)
RESETS_AN_HOUR = 3
WRONG = (LoginOutcome.WRONG_PASSWORD, LoginOutcome.WRONG_CODE)


@dataclass(frozen=True)
class Result:
    """How a try ended.

    token      for the cookie, only after a success
    retry_at   when to try again, only when throttled
    user       who it is, once the password proved right; with outcome None the second factor is still due
    letter_to  address and language of a letter that is due now (a stranger address)
    reason     why support blocked the customer
    """

    outcome: LoginOutcome | None
    user: User | None = None
    token: str = ""
    retry_at: datetime | None = None
    letter_to: tuple[str, str] | None = None
    reason: str = ""


@dataclass(frozen=True)
class Visitor:
    """Where a try comes from."""

    address: str
    agent: str


def sign_in(session: CabSession, *, email: str, secret: str, visitor: Visitor, hours: int) -> Result:
    """Try e-mail and password. Never raises for a wrong one: the try itself has to be committed.

    Costs one hash whether the person exists or not. Tries for one account go one after the other.
    """
    account = password.account_key(email)
    take_turn(session, "login", account)
    user = session.scalar(sa.select(User).where(User.email == email.strip().lower()))
    wait = _wait(session, account, visitor)
    if wait is not None:
        return _throttled(session, account, user, visitor, wait)
    right = password.matches(secret, user.password_hash if user else None)
    if user is None or not right or user.status != UserStatus.ACTIVE:
        _write(session, LoginOutcome.WRONG_PASSWORD, account, user, visitor)
        return Result(LoginOutcome.WRONG_PASSWORD)
    password.refresh_hash(user, secret)
    if second_factor.is_on(user):
        return Result(None, user)
    return _enter(session, user, visitor, hours)


def confirm(session: CabSession, *, user_id: int, mark: str, code: str, visitor: Visitor, hours: int) -> Result:
    """The second step: the one-time code of who gave the right password before.

    mark   ``password.fingerprint`` of that moment; a password changed in between ends the try
    """
    user = password.locked(session, user_id)
    account = password.account_key(user.email)
    take_turn(session, "login", account)
    wait = _wait(session, account, visitor)
    if wait is not None:
        return _throttled(session, account, user, visitor, wait)
    if user.status != UserStatus.ACTIVE or password.fingerprint(user) != mark:
        return Result(LoginOutcome.WRONG_PASSWORD)
    if not second_factor.accept(user, code):
        _write(session, LoginOutcome.WRONG_CODE, account, user, visitor)
        return Result(LoginOutcome.WRONG_CODE, user)
    return _enter(session, user, visitor, hours)


def sign_out(session: CabSession, *, session_id: int, user_id: int, email: str, visitor: Visitor) -> None:
    """End the session; one that has ended already is no error."""
    session_record.end(session, session_id)
    user = session.get(User, user_id)
    _write(session, LoginOutcome.LOGOUT, password.account_key(email), user, visitor)


def ask_reset(session: CabSession, *, email: str, visitor: Visitor) -> User | None:
    """Who gets a reset letter for this e-mail now: nobody for an unknown or disabled person, or after three in an hour.

    The page says the same in every case (AC-21). The request is written down for known people.
    """
    account = password.account_key(email)
    take_turn(session, "login", account)
    user = session.scalar(sa.select(User).where(User.email == email.strip().lower()))
    asked = _count(session, account, (LoginOutcome.PASSWORD_RESET_ASKED,))
    if asked >= RESETS_AN_HOUR:
        return None
    _write(session, LoginOutcome.PASSWORD_RESET_ASKED, account, user, visitor)
    return user if user is not None and user.status == UserStatus.ACTIVE else None


def history(session: CabSession, *, user_id: int, limit: int = 20) -> list[LoginEvent]:
    """What happened at the door in this person's name, newest first."""
    statement = (
        sa.select(LoginEvent)
        .where(LoginEvent.user_id == user_id)
        .order_by(LoginEvent.created_at.desc(), LoginEvent.id.desc())
        .limit(limit)
    )
    return list(session.scalars(statement))


def _enter(session: CabSession, user: User, visitor: Visitor, hours: int) -> Result:
    """The last doors: a block by support, then the allow list; then a new session."""
    account = password.account_key(user.email)
    customer = session.get(Customer, user.customer_id) if user.customer_id else None
    if customer is not None and customer.status == CustomerStatus.BLOCKED:
        _write(session, LoginOutcome.BLOCKED, account, user, visitor)
        return Result(LoginOutcome.BLOCKED, user, reason=customer.block_reason or "")
    door = ip_rule.verdict(
        session,
        customer_id=user.customer_id,
        address=visitor.address,
        open_until=customer.ip_open_until if customer else None,
    )
    if not door.allowed:
        return _stranger(session, user, account, visitor)
    _write(session, LoginOutcome.SUCCESS, account, user, visitor)
    if customer is not None:
        customer.last_login_at = clock.now()
    token = session_record.begin(session, user=user, address=visitor.address, agent=visitor.agent, hours=hours)
    return Result(LoginOutcome.SUCCESS, user, token)


def _stranger(session: CabSession, user: User, account: str, visitor: Visitor) -> Result:
    _write(session, LoginOutcome.STRANGER_ADDRESS, account, user, visitor)
    due = ip_denial.note(
        session,
        customer_id=user.customer_id,
        user_id=user.id,
        address=visitor.address,
        door=Door.ADMIN if user.customer_id is None else Door.CABINET,
        agent=visitor.agent,
        letter=True,
    )
    return Result(LoginOutcome.STRANGER_ADDRESS, user, letter_to=ip_denial.recipient(session, user) if due else None)


def _wait(session: CabSession, account: str, visitor: Visitor) -> datetime | None:
    """When the next try is allowed, if that is later than now."""
    at_home = session.scalar(
        sa.select(
            sa.exists().where(
                LoginEvent.account == account,
                LoginEvent.outcome == LoginOutcome.SUCCESS,
                LoginEvent.address == visitor.address,
                LoginEvent.created_at > clock.now() - KNOWN_FOR,
            )
        )
    )
    condition = LoginEvent.address == visitor.address if at_home else sa.true()
    wrong, last = session.execute(
        sa.select(sa.func.count(), sa.func.max(LoginEvent.created_at)).where(
            LoginEvent.account == account,
            LoginEvent.outcome.in_(WRONG),
            LoginEvent.created_at > _since(session, account, visitor.address if at_home else None),
            condition,
        )
    ).one()
    for tries, pause in SLOWED:
        if wrong >= tries:
            return last + pause if last + pause > clock.now() else None
    return None


def _since(session: CabSession, account: str, address: str | None) -> datetime:
    """From where wrong tries count. At a known address a success wipes the slate; elsewhere it must not, or the owner's
    own log-ins would hand a stranger new tries."""
    start = clock.now() - WINDOW
    if address is None:
        return start
    success = session.scalar(
        sa.select(sa.func.max(LoginEvent.created_at)).where(
            LoginEvent.account == account,
            LoginEvent.outcome == LoginOutcome.SUCCESS,
            LoginEvent.created_at > start,
            LoginEvent.address == address,
        )
    )
    return success or start


def _throttled(session: CabSession, account: str, user: User | None, visitor: Visitor, retry_at: datetime) -> Result:
    """Refuse without looking at the password; one row a minute says so."""
    if not _count(session, account, (LoginOutcome.THROTTLED,), timedelta(minutes=1)):
        _write(session, LoginOutcome.THROTTLED, account, user, visitor)
    return Result(LoginOutcome.THROTTLED, retry_at=retry_at)


def _count(session: CabSession, account: str, outcomes: tuple[LoginOutcome, ...], window: timedelta = WINDOW) -> int:
    return (
        session.scalar(
            sa.select(sa.func.count()).where(
                LoginEvent.account == account,
                LoginEvent.outcome.in_(outcomes),
                LoginEvent.created_at > clock.now() - window,
            )
        )
        or 0
    )


def _write(session: CabSession, outcome: LoginOutcome, account: str, user: User | None, visitor: Visitor) -> None:
    session.add(
        LoginEvent(
            user_id=user.id if user else None,
            customer_id=user.customer_id if user else None,
            account=account,
            outcome=outcome,
            address=visitor.address,
            agent=visitor.agent[: session_record.AGENT_LIMIT],
        )
    )
    session.flush()
