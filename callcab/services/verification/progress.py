"""The life of a verification call: placed, told by events, over.

Only events of the very call count (AC-12). The last event carries everything that was heard, a digit alone confirms at
once, and what is over stays as it is: so every order and any repetition of events ends the same (F-17, F-18).
"""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from callcab import queue
from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib import phone as phones
from callcab.lib.errors import Conflict, Invalid, NotFound
from callcab.models import CallEvent, NumberState, PhoneNumber, Verification, VerificationState
from callcab.providers.telephony.base import CallKind, CallRequest, Event, EventKind, Gather, HangUp, Heard, Play
from callcab.scope import Actor
from callcab.services import audit
from callcab.services.phone_number.history import note
from callcab.services.phone_number.personal import lock_claims, mark_failed, mark_verified
from callcab.services.verification.attempt import IN_ALL

RING_SECONDS = 40
ANSWER_WINDOW = timedelta(seconds=60)
RIGHT_DIGIT = "1"
MACHINE = Actor.system()
PROMPT = (
    "Здравствуйте! Этот номер указали как исходящий в сервисе обзвона."
    " Чтобы подтвердить, что он ваш, нажмите один. Если вы этого не делали, положите трубку."
)
THANKS = "Спасибо, номер подтверждён."
SCENARIO = (
    Gather(
        prompt=[Play(PROMPT)],
        branches={RIGHT_DIGIT: (Play(THANKS), HangUp())},
        otherwise=(HangUp(),),
        tries=3,
    ),
)
_RANK = {
    VerificationState.QUEUED: 0,
    VerificationState.DIALLING: 1,
    VerificationState.RINGING: 2,
    VerificationState.ANSWERED: 3,
}


def placement(session: CabSession, verification_id: int) -> CallRequest | None:
    """The call to place now, or None when there is nothing (left) to place. Flushed.

    May be asked again as long as no event came: the reference keeps the provider from calling twice.
    """
    verification = _locked(session, Verification.id == verification_id)
    now = clock.now()
    if verification is None or verification.state not in (VerificationState.QUEUED, VerificationState.DIALLING):
        return None
    if verification.deadline_at <= now:
        _fail(session, verification, "expired")
        return None
    if verification.state is VerificationState.QUEUED:
        verification.state = VerificationState.DIALLING
        verification.started_at = now
        verification.deadline_at = min(
            verification.created_at + IN_ALL, now + timedelta(seconds=RING_SECONDS) + ANSWER_WINDOW
        )
        session.flush()
    return CallRequest(
        reference=str(verification.provider_ref),
        to=phones.from_int(verification.phone),
        scenario=SCENARIO,
        kind=CallKind.VERIFICATION,
        ring_seconds=RING_SECONDS,
        longest_seconds=int(ANSWER_WINDOW.total_seconds()),
    )


def fail_unavailable(session: CabSession, verification_id: int, *, outcome: str = "unavailable") -> None:
    """No call was placed: end the attempt so that it can be repeated; it does not count (F-15). Flushed."""
    verification = _locked(session, Verification.id == verification_id)
    if verification is not None and verification.state.is_open:
        _fail(session, verification, outcome)


def on_event(session: CabSession, event: Event) -> Heard:
    """Take a provider's event; says whether it was news. Flushed. Needs a system scope."""
    verification = _locked(session, Verification.provider_ref == event.reference)
    if verification is None:
        return Heard.UNKNOWN
    if not _remember(session, verification, event) or not verification.state.is_open:
        return Heard.AGAIN
    if clock.now() > verification.deadline_at:
        _fail(session, verification, "expired")
        return Heard.AGAIN
    if event.kind is EventKind.RINGING:
        _reach(verification, VerificationState.RINGING)
    elif event.kind is EventKind.ANSWERED:
        _answered(verification, event.at)
    elif event.kind is EventKind.DIGIT:
        _answered(verification, event.at)
        _digit(session, verification, str(event.data.get("digit", "")), event.at)
    elif event.kind is EventKind.HANGUP:
        _hung_up(session, verification, event)
    session.flush()
    return Heard.NEWS


def expire(session: CabSession, *, now: datetime, limit: int = 200) -> int:
    """End attempts whose time is over; returns how many. For the timetable (F-16)."""
    due = session.scalars(
        sa.select(Verification)
        .where(Verification.finished_at.is_(None), Verification.deadline_at < now)
        .order_by(Verification.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for verification in due:
        _fail(session, verification, "expired")
    return len(due)


def unplaced(session: CabSession, *, now: datetime, limit: int = 200) -> list[int]:
    """Attempts that should have been placed by now: their job or its process was lost (F-05, F-07)."""
    return list(
        session.scalars(
            sa.select(Verification.id)
            .where(Verification.state.in_((VerificationState.QUEUED, VerificationState.DIALLING)))
            .where(Verification.created_at < now - timedelta(seconds=10), Verification.deadline_at > now)
            .where(~sa.exists().where(CallEvent.verification_id == Verification.id))
            .order_by(Verification.id)
            .limit(limit)
        )
    )


def confirm_by_hand(session: CabSession, verification_id: int, *, actor: Actor, reason: str) -> Verification:
    """Support takes a number as proved, with a reason; the same consequences as a pressed 1. Flushed.

    Raises NotFound, Invalid("reason.missing"), Conflict("verification.already"), Conflict("number.in_pool").
    """
    if not reason.strip():
        raise Invalid("reason.missing", field="reason")
    verification = _locked(session, Verification.id == verification_id)
    if verification is None:
        raise NotFound("verification.not_found")
    number = _number(session, verification)
    if number is None:
        raise NotFound("number.not_found")
    if verification.state is VerificationState.VERIFIED or number.state is NumberState.VERIFIED:
        raise Conflict("verification.already")
    if number.state is NumberState.BLOCKED:
        raise Invalid("number.blocked")
    _tell_losers(session, mark_verified(session, number, actor=actor, reason=reason))
    before = {"state": verification.state.value, "outcome": verification.outcome}
    _finish(verification, VerificationState.VERIFIED, "by_hand")
    verification.confirmed_by = actor.user_id
    verification.reason = reason.strip()
    audit.record(
        session,
        "verification.confirm",
        actor=actor,
        customer_id=verification.customer_id,
        object_type="verification",
        object_id=verification.id,
        before=before,
        after={"state": "verified", "phone": str(verification.phone)},
        reason=reason.strip(),
    )
    session.flush()
    return verification


def _locked(session: CabSession, condition: Any) -> Verification | None:
    return session.scalar(
        sa.select(Verification).where(condition).with_for_update().execution_options(populate_existing=True)
    )


def _remember(session: CabSession, verification: Verification, event: Event) -> bool:
    """Store the event; False when it was stored before."""
    statement = (
        insert(CallEvent)
        .values(
            verification_id=verification.id,
            customer_id=verification.customer_id,
            provider_ref=event.reference,
            event_key=event.key,
            kind=event.kind.value,
            at=event.at,
            data=dict(event.data),
        )
        .on_conflict_do_nothing()
        .returning(CallEvent.id)
    )
    return session.scalar(statement) is not None


def _reach(verification: Verification, state: VerificationState) -> None:
    if _RANK[verification.state] < _RANK[state]:
        verification.state = state


def _answered(verification: Verification, at: datetime) -> None:
    if verification.answered_at is None or at < verification.answered_at:
        verification.answered_at = at
        verification.deadline_at = min(verification.created_at + IN_ALL, at + ANSWER_WINDOW)
    _reach(verification, VerificationState.ANSWERED)


def _digit(session: CabSession, verification: Verification, digit: str, at: datetime) -> None:
    verification.digits = (verification.digits + digit)[:32]
    if at > verification.deadline_at:
        _fail(session, verification, "expired")
    elif digit == RIGHT_DIGIT:
        _succeed(session, verification)


def _hung_up(session: CabSession, verification: Verification, event: Event) -> None:
    """The last word: its own summary decides, whatever came before it or will still come."""
    digits = str(event.data.get("digits", ""))
    answered = event.data.get("answered_at")
    if answered:
        _answered(verification, datetime.fromisoformat(answered))
    verification.digits = (digits or verification.digits)[:32]
    if RIGHT_DIGIT in digits and event.at <= verification.deadline_at:
        _succeed(session, verification)
    elif answered and event.data.get("cause") == "machine":
        _fail(session, verification, "machine")
    elif answered:
        silent = "hangup_before_digit" if event.data.get("by") == "them" else "no_input"
        _fail(session, verification, "wrong_digit" if verification.digits else silent)
    else:
        _fail(session, verification, str(event.data.get("cause", "no_answer"))[:32])


def _succeed(session: CabSession, verification: Verification) -> None:
    number = _number(session, verification)
    if number is None or number.state is NumberState.BLOCKED:
        _finish(verification, VerificationState.FAILED, "cancelled")
        return
    try:
        losers = mark_verified(session, number, actor=MACHINE)
    except Conflict:
        note(session, number, "not_verified", actor=MACHINE, outcome="taken")
        number.state = NumberState.FAILED
        _finish(verification, VerificationState.FAILED, "taken")
        return
    _tell_losers(session, losers)
    _finish(verification, VerificationState.VERIFIED, "verified")


def _tell_losers(session: CabSession, losers: list[PhoneNumber]) -> None:
    """Who held the number before gets a letter; the words are the edge's."""
    for number in losers:
        queue.later(session, "number.lost_letter", number_id=number.id)


def _fail(session: CabSession, verification: Verification, outcome: str) -> None:
    _finish(verification, VerificationState.FAILED, outcome)
    number = _number(session, verification)
    if number is not None:
        mark_failed(session, number, outcome=outcome, actor=MACHINE)
    session.flush()


def _finish(verification: Verification, state: VerificationState, outcome: str) -> None:
    verification.state = state
    verification.outcome = outcome
    verification.finished_at = verification.finished_at or clock.now()


def _number(session: CabSession, verification: Verification) -> PhoneNumber | None:
    """The number of the attempt, locked with all other claims to the phone in one order."""
    claims = lock_claims(session, verification.phone)
    return next((number for number in claims if number.id == verification.number_id), None)
