"""Signed-in browsers: begun at log-in, looked up at each request, ended at log-out, password change and disabling."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from callcab.db import CabSession, ask
from callcab.lib import clock, tokens
from callcab.lib.errors import NotFound
from callcab.models import SessionRecord, User
from callcab.prepared import Prepared
from callcab.scope import Actor
from callcab.services import audit, bulk, ip_rule

# "Last seen" is told to the minute; writing it at every request would make each page a write.
SEEN_EVERY = timedelta(minutes=1)
AGENT_LIMIT = 300


@dataclass(frozen=True)
class SignedIn:
    """The person behind a live session, and what every request has to know about him.

    list_settings  how he wants lists drawn, None as they come; ``viewed_lists``: the lists in which he sees saved views
    balance        of his customer, as it was when the request came; None for support
    door           what the allow list says about the address he comes from
    """

    session_id: int
    last_seen_at: datetime
    user_id: int
    email: str
    name: str
    role: str
    language: str
    customer_id: int | None
    list_settings: Mapping[str, Any] | None
    viewed_lists: Sequence[str]
    has_second_factor: bool
    customer_name: str
    zone: str
    balance: Decimal | None
    door: ip_rule.Verdict


# In the order of ``SignedIn``, then what the allow list is judged by (``callcab.policies.create_session_holder``).
_HOLDER = Prepared(
    "session_holder",
    """
SELECT session_id, last_seen_at, user_id, email, name, role, language, customer_id,
       nullif(list_settings, '{}'), viewed_lists, has_second_factor, coalesce(customer_name, ''), coalesce(zone, ''),
       balance, rules, rule_id, rule_used_at, ip_open_until
FROM session_holder(%(token)s::text, %(at)s::timestamptz, %(address)s::inet)
""",
    ("token", "at", "address"),
)


def begin(session: CabSession, *, user: User, address: str, agent: str, hours: int) -> str:
    """Begin a session that lives ``hours``; returns the token for the cookie, which is kept nowhere else. Flushed."""
    token = tokens.random_token(256)
    now = clock.now()
    session.add(
        SessionRecord(
            user_id=user.id,
            customer_id=user.customer_id,
            token_hash=tokens.token_hash(token),
            address=address,
            agent=agent[:AGENT_LIMIT],
            last_seen_at=now,
            expires_at=now + timedelta(hours=hours),
        )
    )
    session.flush()
    return token


def find(token: str, *, address: str = "") -> SignedIn | None:
    """Who holds this token and comes from this address, as far as it is committed.

    None when the token is unknown, ended or expired, or its person is disabled or blocked (AC-22).
    """
    asked = {"token": tokens.token_hash(token), "at": clock.now(), "address": ip_rule.readable(address)}
    found = ask(_HOLDER, asked)
    if not found:
        return None
    *person, rules, rule_id, used_at, open_until = found[0]
    person.append(ip_rule.judge(rules, rule_id, used_at, open_until))
    return SignedIn(*person)


def stamp_due(known: SignedIn) -> bool:
    """Whether it is time to note that the session is in use."""
    return clock.now() - known.last_seen_at >= SEEN_EVERY


def stamp(session: CabSession, session_id: int) -> None:
    """Note that the session is in use; of several requests at once only one writes."""
    now = clock.now()
    session.execute(
        sa.update(SessionRecord)
        .where(SessionRecord.id == session_id, SessionRecord.last_seen_at <= now - SEEN_EVERY)
        .values(last_seen_at=now)
        .execution_options(synchronize_session=False)
    )


def live(session: CabSession, *, user_id: int) -> list[SessionRecord]:
    """The person's open sessions, the one used last first."""
    statement = (
        sa.select(SessionRecord)
        .where(
            SessionRecord.user_id == user_id,
            SessionRecord.revoked_at.is_(None),
            SessionRecord.expires_at > clock.now(),
        )
        .order_by(SessionRecord.last_seen_at.desc(), SessionRecord.id.desc())
    )
    return list(session.scalars(statement))


def revoke(session: CabSession, *, session_id: int, user_id: int, actor: Actor | None = None) -> None:
    """End one session of the person. Raises NotFound ``session.not_found`` when it is not open or not his."""
    done = _end(session, SessionRecord.id == session_id, SessionRecord.user_id == user_id)
    if not done:
        raise NotFound("session.not_found")
    if actor is not None:
        audit.record(
            session,
            "session.end",
            actor=actor,
            customer_id=actor.customer_id,
            object_type="session_record",
            object_id=session_id,
        )


def end(session: CabSession, session_id: int) -> None:
    """End a session at log-out; one that has ended already is no error."""
    _end(session, SessionRecord.id == session_id)


def revoke_all(session: CabSession, *, user_id: int, keep: int | None = None) -> int:
    """End the person's sessions, except ``keep``; returns how many."""
    condition = SessionRecord.user_id == user_id
    return _end(session, condition) if keep is None else _end(session, condition, SessionRecord.id != keep)


def revoke_customer(session: CabSession, *, customer_id: int) -> int:
    """End every session of a customer's people, when support blocks him; returns how many."""
    return _end(session, SessionRecord.customer_id == customer_id)


def _end(session: CabSession, *conditions: sa.ColumnElement[bool]) -> int:
    statement = (
        sa.update(SessionRecord)
        .where(*conditions, SessionRecord.revoked_at.is_(None))
        .values(revoked_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    return bulk.written(session.execute(statement))
