"""People of a customer, and of support: invited, given a role, switched off."""

import re
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

from callcab.db import CabSession
from callcab.lib.errors import Conflict, Invalid, LimitReached, NotFound
from callcab.models import User, UserStatus
from callcab.permissions import CUSTOMER_ROLES, STAFF_ROLES
from callcab.scope import Actor
from callcab.services import audit, password, session_record
from callcab.services.lock import take_turn

LIMIT = 50
NAME_LIMIT = 100
LANGUAGES = ("ru", "en")
_EMAIL = re.compile(r"[^\s@<>(),;:\\\"\[\]\x00-\x1f\x7f]{1,64}@[^\s@<>(),;:\\\"\[\]\x00-\x1f\x7f]+\.[^\s@.]{2,63}")


def roles(customer_id: int | None) -> Sequence[str]:
    """The roles of this side; the first of a customer's and the last of support's can't be left empty."""
    return STAFF_ROLES if customer_id is None else CUSTOMER_ROLES


def invite(session: CabSession, *, customer_id: int | None, email: str, name: str, role: str, actor: Actor) -> User:
    """Make a person who still has to choose a password; the edge mails the link. Flushed.

    Raises Invalid ``user.email``, ``field.required``, ``field.too_long`` or ``user.role``, LimitReached ``user.limit``,
    Conflict ``user.email_taken`` (whoever has it).
    """
    email = email.strip().lower()
    if len(email) > 254 or not _EMAIL.fullmatch(email):
        raise Invalid("user.email", field="email")
    name = _name(name)
    _check_role(customer_id, role)
    take_turn(session, "user", customer_id)
    if (session.scalar(sa.select(sa.func.count()).select_from(User).where(_of(customer_id))) or 0) >= LIMIT:
        raise LimitReached("user.limit", limit=LIMIT)
    # The e-mail may belong to a customer whom this session can't see: only the index knows.
    user_id = session.scalar(
        insert(User)
        .values(customer_id=customer_id, email=email, name=name, role=role, password_hash=password.unusable())
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(User.id)
    )
    if user_id is None:
        raise Conflict("user.email_taken", field="email")
    user = session.get_one(User, user_id)
    _note(session, "user.invite", user, actor, after={"email": email, "role": role})
    return user


def awaiting(user: User) -> bool:
    """Whether the invited person has not chosen a password yet."""
    return user.password_hash.startswith("!")


def invite_again(session: CabSession, *, customer_id: int | None, user_id: int, actor: Actor) -> User:
    """The person for a new invitation; older links die. Raises NotFound, Conflict ``user.invited_already``."""
    user = _find(session, customer_id, user_id)
    if not awaiting(user):
        raise Conflict("user.invited_already")
    user.password_hash = password.unusable()
    _note(session, "user.invite_again", user, actor)
    session.flush()
    return user


def change_role(session: CabSession, *, customer_id: int | None, user_id: int, role: str, actor: Actor) -> User:
    """Give another role; it holds from the next request on.

    Raises NotFound ``user.not_found``, Invalid ``user.role``, Conflict ``user.self``, ``user.last_owner`` or
    ``user.last_admin``.
    """
    _check_role(customer_id, role)
    take_turn(session, "user", customer_id)
    user = _find(session, customer_id, user_id)
    if user.role == role:
        return user
    _guard(session, user, actor)
    before = user.role
    user.role = role
    _note(session, "user.role", user, actor, before={"role": before}, after={"role": role})
    session.flush()
    return user


def disable(session: CabSession, *, customer_id: int | None, user_id: int, actor: Actor) -> User:
    """Switch a person off; his sessions end. Raises like ``change_role``."""
    take_turn(session, "user", customer_id)
    user = _find(session, customer_id, user_id)
    _guard(session, user, actor)
    if user.status != UserStatus.DISABLED:
        user.status = UserStatus.DISABLED
        session_record.revoke_all(session, user_id=user.id)
        _note(session, "user.disable", user, actor)
        session.flush()
    return user


def enable(session: CabSession, *, customer_id: int | None, user_id: int, actor: Actor) -> User:
    """Let a person in again. Raises NotFound ``user.not_found``."""
    user = _find(session, customer_id, user_id)
    if user.status != UserStatus.ACTIVE:
        user.status = UserStatus.ACTIVE
        _note(session, "user.enable", user, actor)
        session.flush()
    return user


def set_list_settings(
    session: CabSession, *, user_id: int, list_name: str, hidden: Sequence[str], dense: bool, usual: Sequence[str] = ()
) -> None:
    """Remember which columns of a list a person does not want to see, and whether its rows should be low.

    One statement, so that two windows don't lose each other's lists. A list as it comes (``usual``: what it
    hides by itself) is forgotten. Not audited: it
    changes what he sees and nothing else.
    """
    row = User.__table__.c
    kept = sa.cast({list_name: {"hidden": list(hidden), "dense": dense}}, JSONB)
    known: Any = row.list_settings.op("-", return_type=JSONB())(sa.literal(list_name, sa.Text))
    session.execute(
        sa.update(User)
        .where(User.id == user_id)
        .values(list_settings=known.concat(kept) if dense or {*hidden} != {*usual} else known)
        .execution_options(synchronize_session=False)
    )


def update_profile(session: CabSession, *, user_id: int, name: str, language: str, actor: Actor) -> User:
    """Change one's own name and language. Raises Invalid ``field.required``, ``field.too_long``, ``field.choice``."""
    user = password.locked(session, user_id)
    if language not in LANGUAGES:
        raise Invalid("field.choice", field="language")
    before = {"name": user.name, "language": user.language}
    after = {"name": _name(name), "language": language}
    if before != after:
        user.name, user.language = after["name"], language
        _note(session, "user.profile", user, actor, before=dict(before), after=dict(after))
        session.flush()
    return user


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name:
        raise Invalid("field.required", field="name")
    if len(name) > NAME_LIMIT or not name.isprintable():
        raise Invalid("field.too_long", field="name", limit=NAME_LIMIT)
    return name


def _check_role(customer_id: int | None, role: str) -> None:
    if role not in roles(customer_id):
        raise Invalid("user.role", field="role")


def _find(session: CabSession, customer_id: int | None, user_id: int) -> User:
    user = session.scalar(sa.select(User).where(User.id == user_id, _of(customer_id)).with_for_update())
    if user is None:
        raise NotFound("user.not_found")
    return user


def _guard(session: CabSession, user: User, actor: Actor) -> None:
    """Nobody takes his own role away, and somebody always holds the first one. The turn is taken already."""
    if user.id == actor.user_id:
        raise Conflict("user.self")
    first = "admin" if user.customer_id is None else "owner"
    if user.role != first or user.status != UserStatus.ACTIVE:
        return
    others = session.scalar(
        sa.select(sa.func.count())
        .select_from(User)
        .where(_of(user.customer_id), User.role == first, User.status == UserStatus.ACTIVE, User.id != user.id)
    )
    if not others:
        raise Conflict(f"user.last_{first}")


def _of(customer_id: int | None) -> sa.ColumnElement[bool]:
    return User.customer_id.is_(None) if customer_id is None else User.customer_id == customer_id


def _note(
    session: CabSession,
    action: str,
    user: User,
    actor: Actor,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    audit.record(
        session,
        action,
        actor=actor,
        customer_id=user.customer_id,
        object_type="user",
        object_id=user.id,
        before=before,
        after=after,
    )
