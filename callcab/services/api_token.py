"""Keys of customers' programs: made, shown once, checked, revoked (AC-09)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from callcab.db import CabSession, Reader
from callcab.lib import clock, tokens
from callcab.lib.errors import Invalid, LimitReached, NotFound
from callcab.models import ApiToken, Customer, CustomerStatus
from callcab.scope import Actor
from callcab.services import audit
from callcab.services.lock import take_turn

# Area and verb, as a program needs them; writing does not include reading.
SCOPES = (
    "account:read",
    "blacklist:read",
    "blacklist:write",
    "callbacks:read",
    "callbacks:write",
    "check:write",
    "inbound:read",
    "payments:read",
    "numbers:read",
)
LIMIT = 20
NAME_LIMIT = 100
LONGEST_LIFE = timedelta(days=366)
USED_EVERY = timedelta(minutes=1)
# So that secret scanners recognise a leaked token.
MARK = "ccab_"
PREFIX_LENGTH = 12


@dataclass(frozen=True)
class Holder:
    """The program behind a token, and what every request has to know about it."""

    token_id: int
    name: str
    scopes: frozenset[str]
    customer_id: int
    zone: str
    ip_open_until: datetime | None
    stamp_due: bool


def create(
    session: CabSession,
    *,
    customer_id: int,
    name: str,
    scopes: Collection[str],
    expires_at: datetime | None,
    actor: Actor,
) -> tuple[ApiToken, str]:
    """Make a token; returns its row and the text that is shown this once. Flushed.

    Raises Invalid ``field.required``, ``field.too_long``, ``token.scopes`` or ``token.expiry``, LimitReached
    ``token.limit``.
    """
    name = " ".join(name.split())
    if not name:
        raise Invalid("field.required", field="name")
    if len(name) > NAME_LIMIT:
        raise Invalid("field.too_long", field="name", limit=NAME_LIMIT)
    if not scopes or set(scopes) - set(SCOPES):
        raise Invalid("token.scopes", field="scopes")
    now = clock.now()
    if expires_at is not None and not now < expires_at <= now + LONGEST_LIFE:
        raise Invalid("token.expiry", field="expires_at")
    take_turn(session, "api_token", customer_id)
    if session.scalar(sa.select(sa.func.count()).select_from(ApiToken).where(*_open(customer_id))) >= LIMIT:  # type: ignore[operator]
        raise LimitReached("token.limit", limit=LIMIT)
    text = MARK + tokens.random_token(240)
    row = ApiToken(
        customer_id=customer_id,
        name=name,
        prefix=text[:PREFIX_LENGTH],
        token_hash=tokens.token_hash(text),
        scopes=[scope for scope in SCOPES if scope in set(scopes)],
        created_by=actor.user_id,
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    _note(session, "token.create", row, actor, after={"name": name, "scopes": row.scopes, "prefix": row.prefix})
    return row, text


def revoke(session: CabSession, *, customer_id: int, token_id: int, actor: Actor) -> None:
    """End a token at once. Raises NotFound ``token.not_found``, also for one that has ended."""
    row = session.scalar(
        sa.update(ApiToken)
        .where(ApiToken.id == token_id, ApiToken.customer_id == customer_id, ApiToken.revoked_at.is_(None))
        .values(revoked_at=clock.now())
        .returning(ApiToken)
        .execution_options(synchronize_session=False)
    )
    if row is None:
        raise NotFound("token.not_found")
    _note(session, "token.revoke", row, actor, before={"name": row.name, "prefix": row.prefix})


def find(session: Reader, text: str) -> Holder | None:
    """Whose token this is; None when it is unknown, revoked or expired, or its customer is blocked."""
    if not text.startswith(MARK):
        return None
    now = clock.now()
    row = session.execute(
        sa.select(
            ApiToken.id,
            ApiToken.name,
            ApiToken.scopes,
            ApiToken.customer_id,
            ApiToken.last_used_at,
            Customer.zone,
            Customer.ip_open_until,
        )
        .join(Customer, Customer.id == ApiToken.customer_id)
        .where(
            ApiToken.token_hash == tokens.token_hash(text),
            ApiToken.revoked_at.is_(None),
            sa.or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now),
            Customer.status == CustomerStatus.ACTIVE,
        )
    ).one_or_none()
    if row is None:
        return None
    return Holder(
        token_id=row.id,
        name=row.name,
        scopes=frozenset(row.scopes),
        customer_id=row.customer_id,
        zone=row.zone,
        ip_open_until=row.ip_open_until,
        stamp_due=row.last_used_at is None or now - row.last_used_at >= USED_EVERY,
    )


def stamp(session: CabSession, token_id: int) -> None:
    """Note that the token is in use, at most once a minute."""
    now = clock.now()
    session.execute(
        sa.update(ApiToken)
        .where(
            ApiToken.id == token_id,
            sa.or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at <= now - USED_EVERY),
        )
        .values(last_used_at=now)
        .execution_options(synchronize_session=False)
    )


def _open(customer_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        ApiToken.customer_id == customer_id,
        ApiToken.revoked_at.is_(None),
        sa.or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > clock.now()),
    )


def _note(
    session: CabSession,
    action: str,
    row: ApiToken,
    actor: Actor,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    audit.record(
        session,
        action,
        actor=actor,
        customer_id=row.customer_id,
        object_type="api_token",
        object_id=row.id,
        before=before,
        after=after,
    )
