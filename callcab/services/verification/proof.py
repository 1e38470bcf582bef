"""How long a pressed 1 proves a number: telephone numbers change hands, so the proof has to be repeated (rule C5).

A proof lasts a year (``personal.PROOF_LASTS``). In its last month it may be renewed by another call while the number
stays in use; who lets it run out has to prove the number again before he may call from it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.models import NumberKind, NumberState, PhoneNumber
from callcab.scope import Actor
from callcab.services.phone_number.history import note, record

RENEW_WITHIN = timedelta(days=30)
# Days before the end when a letter leaves, each at most once.
NOTICES = (14, 3)


@dataclass(frozen=True)
class Notice:
    """A number whose proof ends soon."""

    phone: int
    until: datetime


def may_renew(number: PhoneNumber, now: datetime) -> bool:
    """Whether a proved number may be called again to prove it for another year."""
    if number.state is not NumberState.VERIFIED or number.proved_until is None:
        return False
    return now >= number.proved_until - RENEW_WITHIN


def expire_proofs(session: CabSession, *, now: datetime, limit: int = 200) -> int:
    """Take proofs back whose time is over; returns how many. Flushed. For the timetable."""
    due = session.scalars(
        _proved(now).order_by(PhoneNumber.id).limit(limit).with_for_update(skip_locked=True, of=PhoneNumber)
    ).all()
    machine = Actor.system()
    for number in due:
        number.state = NumberState.FAILED
        note(session, number, "proof_expired", actor=machine)
        record(session, "number.expire", number, machine, {"state": "verified"}, {"state": "failed"})
    return len(due)


def notices(session: CabSession, *, now: datetime) -> dict[int, list[Notice]]:
    """Letters that are due, by customer; claimed in this transaction, so write them in it. Flushed."""
    found: dict[int, list[Notice]] = {}
    for days in sorted(NOTICES):
        claimed = session.execute(
            sa.update(PhoneNumber)
            .where(PhoneNumber.id.in_(_proved(now + timedelta(days=days)).with_only_columns(PhoneNumber.id)))
            .where(sa.or_(PhoneNumber.proof_noticed_days.is_(None), PhoneNumber.proof_noticed_days > days))
            .where(PhoneNumber.proved_until > now)
            .values(proof_noticed_days=days)
            .returning(PhoneNumber.customer_id, PhoneNumber.phone, PhoneNumber.proved_until)
        )
        for customer_id, phone, until in claimed:
            if customer_id is None or until is None:
                continue
            found.setdefault(customer_id, []).append(Notice(phone, until))
    return found


def _proved(until: datetime) -> sa.Select[PhoneNumber]:
    """Numbers whose proof ends by then."""
    return sa.select(PhoneNumber).where(
        PhoneNumber.kind == NumberKind.PERSONAL,
        PhoneNumber.state == NumberState.VERIFIED,
        PhoneNumber.proved_until <= until,
    )
