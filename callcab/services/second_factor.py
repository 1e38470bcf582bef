"""Second factor by one-time codes of an app (RFC 6238). A secret counts once its first code was typed back."""

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock, totp
from callcab.lib.errors import Conflict, Invalid
from callcab.models import User
from callcab.scope import Actor
from callcab.services import audit, password, session_record


def is_on(user: User) -> bool:
    """Whether this person is asked for a code; a secret without a used step is only offered yet."""
    return user.totp_secret is not None and user.totp_last_step is not None


def offer(session: CabSession, *, user_id: int) -> str:
    """The secret for the app, made at the first call and kept until it is confirmed.

    Raises Conflict ``totp.on`` when a second factor is in use already.
    """
    user = password.locked(session, user_id)
    if is_on(user):
        raise Conflict("totp.on")
    if user.totp_secret is None:
        user.totp_secret = totp.new_secret()
        session.flush()
    return user.totp_secret


def enrol(session: CabSession, *, user_id: int, code: str, keep_session: int | None, actor: Actor) -> None:
    """Switch it on with the first code; other sessions end. Raises Conflict ``totp.on``, Invalid ``totp.wrong``."""
    user = password.locked(session, user_id)
    if is_on(user):
        raise Conflict("totp.on")
    if user.totp_secret is None or not accept(user, code):
        raise Invalid("totp.wrong", field="code")
    session_record.revoke_all(session, user_id=user.id, keep=keep_session)
    _note(session, "user.totp_on", user, actor)


def accept(user: User, code: str) -> bool:
    """Whether the code is right and newer than the last one used; notes its step. ``user`` must be locked."""
    step = totp.matching_step(user.totp_secret or "", code, clock.now()) if user.totp_secret else None
    if step is None or (user.totp_last_step is not None and step <= user.totp_last_step):
        return False
    user.totp_last_step = step
    return True


def switch_off(session: CabSession, *, user_id: int, secret: str, actor: Actor) -> None:
    """Switch one's own off, with the password. Raises Invalid ``password.wrong_old``."""
    user = password.locked(session, user_id)
    if not password.matches(secret, user.password_hash):
        raise Invalid("password.wrong_old", field="old")
    _clear(session, user, "user.totp_off", actor)


def reset(session: CabSession, *, user_id: int, actor: Actor) -> None:
    """Switch somebody else's off, because the phone is lost; all his sessions end. The caller checks who may."""
    user = password.locked(session, user_id)
    _clear(session, user, "user.totp_reset", actor)
    session_record.revoke_all(session, user_id=user.id)


def _clear(session: CabSession, user: User, action: str, actor: Actor) -> None:
    session.execute(sa.update(User).where(User.id == user.id).values(totp_secret=None, totp_last_step=None))
    session.refresh(user)
    _note(session, action, user, actor)


def _note(session: CabSession, action: str, user: User, actor: Actor) -> None:
    audit.record(session, action, actor=actor, customer_id=user.customer_id, object_type="user", object_id=user.id)
    session.flush()
