"""Passwords: how they are kept, which are refused, and how they change."""

import hashlib
import sys
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from callcab.db import CabSession
from callcab.lib import clock, tokens
from callcab.lib.errors import Invalid, NotFound
from callcab.models import LoginEvent, LoginOutcome, User, UserStatus
from callcab.scope import Actor
from callcab.services import audit, session_record
from callcab.services.common_passwords import COMMON

MIN_LENGTH = 10
MAX_LENGTH = 200
RESET_LIFE = timedelta(hours=1)
INVITE_LIFE = timedelta(days=3)
RESET_PURPOSE = "password-reset"
INVITE_PURPOSE = "invite"

# OWASP's cost: 19 MiB, two passes, one lane; about 25 ms and never more memory than the threads can take together.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def weaken_for_tests() -> None:
    """Make hashing cheap. RuntimeError outside a test run, so that no installation can get weak hashes by accident."""
    global _hasher
    if "pytest" not in sys.modules:
        raise RuntimeError("weak password hashes are for tests only")
    _hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    dummy_hash.cache_clear()


def hash_password(password: str) -> str:
    return _hasher.hash(password)


@lru_cache(maxsize=1)
def dummy_hash() -> str:
    """The hash of a password that nobody knows, for the work of a log-in with an unknown e-mail (AC-21)."""
    return _hasher.hash(tokens.random_token())


def unusable() -> str:
    """What stands in place of a hash until the invited person chooses a password; unique, so that links bind to it."""
    return "!" + tokens.random_token()


def matches(password: str, password_hash: str | None) -> bool:
    """Whether the password is right; the same work is done when there is no hash."""
    try:
        return _hasher.verify(password_hash or "", password[:MAX_LENGTH])
    except InvalidHashError:
        with suppress(Argon2Error):
            _hasher.verify(dummy_hash(), password[:MAX_LENGTH])
        return False
    except Argon2Error:
        return False


def refresh_hash(user: User, password: str) -> None:
    """Hash again when the cost has been raised since; call it right after a successful check."""
    if _hasher.check_needs_rehash(user.password_hash):
        user.password_hash = hash_password(password)


def check_strength(password: str, email: str) -> None:
    """Refuse what is guessed first. Raises Invalid ``password.short``, ``.long``, ``.email`` or ``.common``."""
    lowered = password.strip().lower()
    if len(password) < MIN_LENGTH:
        raise Invalid("password.short", field="password", limit=MIN_LENGTH)
    if len(password) > MAX_LENGTH:
        raise Invalid("password.long", field="password", limit=MAX_LENGTH)
    if lowered in (email.lower(), email.lower().partition("@")[0]):
        raise Invalid("password.email", field="password")
    if lowered in COMMON or len(set(lowered)) < 4:
        raise Invalid("password.common", field="password")


def fingerprint(user: User) -> str:
    """A short text that changes with the password: a link bound to it works once."""
    return hashlib.sha256(user.password_hash.encode()).hexdigest()[:20]


def change(
    session: CabSession,
    *,
    user_id: int,
    old: str,
    new: str,
    keep_session: int | None,
    actor: Actor,
) -> None:
    """Change one's own password; all other sessions end. Raises Invalid ``password.wrong_old`` or a strength code."""
    user = locked(session, user_id)
    if not matches(old, user.password_hash):
        raise Invalid("password.wrong_old", field="old")
    _replace(session, user, new, actor, keep_session)


def sign_link(key: str, user: User, purpose: str = RESET_PURPOSE) -> str:
    """The secret part of a one-time link for this person and the password of now."""
    return tokens.sign(key, purpose, f"{user.id}:{fingerprint(user)}")


def read_link(session: CabSession, *, key: str, token: str, purpose: str = RESET_PURPOSE) -> User:
    """The person whom a link is for, locked. Raises NotFound ``password.link_dead`` for an altered, old or used one."""
    life = INVITE_LIFE if purpose == INVITE_PURPOSE else RESET_LIFE
    try:
        user_id, _, mark = tokens.unsign(key, purpose, token, life).partition(":")
    except tokens.TokenError:
        raise NotFound("password.link_dead") from None
    user = session.scalar(sa.select(User).where(User.id == int(user_id)).with_for_update())
    if user is None or user.status != UserStatus.ACTIVE or not tokens.equal(fingerprint(user), mark):
        raise NotFound("password.link_dead")
    return user


def reset(
    session: CabSession, *, key: str, token: str, new: str, address: str, agent: str, purpose: str = RESET_PURPOSE
) -> User:
    """Set a password by a link; every session of the person ends.

    Raises NotFound ``password.link_dead``, or Invalid with a strength code (the link stays usable then).
    """
    user = read_link(session, key=key, token=token, purpose=purpose)
    actor = Actor(user.name, user.role, user.id, user.customer_id, address)
    _replace(session, user, new, actor, None, agent)
    return user


def set_password(session: CabSession, *, email: str, new: str, actor: Actor) -> User:
    """Give a login a password from the console; every session of the person ends. NotFound ``user.not_found``."""
    user_id = session.scalar(sa.select(User.id).where(User.email == email.strip().lower()))
    user = locked(session, user_id or 0)
    _replace(session, user, new, actor, None, "console")
    return user


def locked(session: CabSession, user_id: int) -> User:
    """The person's row, locked until the end. Raises NotFound ``user.not_found``."""
    user = session.scalar(sa.select(User).where(User.id == user_id).with_for_update())
    if user is None:
        raise NotFound("user.not_found")
    return user


def _replace(
    session: CabSession, user: User, new: str, actor: Actor, keep_session: int | None, agent: str = ""
) -> None:
    check_strength(new, user.email)
    user.password_hash = hash_password(new)
    user.password_changed_at = clock.now()
    session_record.revoke_all(session, user_id=user.id, keep=keep_session)
    session.add(
        LoginEvent(
            user_id=user.id,
            customer_id=user.customer_id,
            account=account_key(user.email),
            outcome=LoginOutcome.PASSWORD_CHANGED,
            address=actor.address,
            agent=agent,
        )
    )
    audit.record(
        session, "user.password", actor=actor, customer_id=user.customer_id, object_type="user", object_id=user.id
    )
    session.flush()


def account_key(email: str) -> str:
    """What stands for a typed e-mail in the log-in journal."""
    return tokens.token_hash("account:" + email.strip().lower())
