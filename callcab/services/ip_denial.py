"""Refusals of the IP allow list: few rows under attack, one letter an hour (rule I6)."""

from datetime import timedelta

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock, ip_network
from callcab.models import Customer, Door, IpDenial, User, UserStatus
from callcab.services.lock import take_turn
from callcab.services.session_record import AGENT_LIMIT

ROW_EVERY = timedelta(minutes=1)
LETTER_EVERY = timedelta(hours=1)
UNREADABLE = "0.0.0.0"  # noqa: S104 - a stored value, nothing listens


def note(
    session: CabSession,
    *,
    customer_id: int | None,
    user_id: int | None,
    address: str,
    door: Door,
    agent: str,
    letter: bool = False,
) -> bool:
    """Note a refusal: one row for an address and minute. Returns whether a letter is due now.

    letter   the password was right: a letter is wanted, at most one for an address and hour, whoever asks at once
    """
    known = ip_network.read_address(address)
    shown = UNREADABLE if known is None else str(known)
    take_turn(session, "ip_denial", customer_id, shown)
    now = clock.now()
    recent = sa.select(IpDenial).where(_of(customer_id), IpDenial.address == shown)
    row = session.scalar(recent.where(IpDenial.created_at > now - ROW_EVERY).order_by(IpDenial.id.desc()).limit(1))
    if row is None:
        row = IpDenial(customer_id=customer_id, user_id=user_id, address=shown, door=door, agent=agent[:AGENT_LIMIT])
        session.add(row)
    due = letter and not session.scalar(
        sa.select(recent.where(IpDenial.mailed, IpDenial.created_at > now - LETTER_EVERY).exists())
    )
    if due:
        row.mailed = True
    session.flush()
    return due


def recipient(session: CabSession, user: User) -> tuple[str, str]:
    """Address and language of the one who is told: the customer's first owner, or the member of support himself."""
    if user.customer_id is None:
        return user.email, user.language
    owner = session.scalar(
        sa.select(User)
        .where(User.customer_id == user.customer_id, User.role == "owner", User.status == UserStatus.ACTIVE)
        .order_by(User.id)
        .limit(1)
    )
    if owner is not None:
        return owner.email, owner.language
    email = session.scalar(sa.select(Customer.email).where(Customer.id == user.customer_id))
    return email or user.email, user.language


def _of(customer_id: int | None) -> sa.ColumnElement[bool]:
    return IpDenial.customer_id.is_(None) if customer_id is None else IpDenial.customer_id == customer_id
