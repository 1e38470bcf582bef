"""What a provider tells about a call of a campaign. The last event decides; earlier ones only show progress."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert

from callcab.db import CabSession
from callcab.models import Call, CallEvent, CallState, Campaign, Outcome
from callcab.providers.telephony.base import Event, EventKind, Heard
from callcab.services.call.ending import finish
from callcab.services.call.locking import lock_call
from callcab.services.call.opting_out import is_opt_out, opt_out

_RANK = {CallState.PLACED: 0, CallState.RINGING: 1, CallState.ANSWERED: 2}


def on_event(session: CabSession, event: Event) -> Heard:
    """Take an event; says whether it was news. Flushed. Needs a system scope.

    Repeated events change nothing (F-17); the end state is the same in every order (F-18).
    """
    call = lock_call(session, Call.provider_ref == event.reference)
    if call is None:
        return Heard.UNKNOWN
    if not _remember(session, call, event):
        return Heard.AGAIN
    if event.kind is EventKind.DIGIT:
        # An opt-out holds even when it is heard after the call's end (rule C1: at once, whatever else happens).
        _digit(session, call, str(event.data.get("digit", "")))
    if call.ended_at is not None:
        # A call that was given up must not be dialled after all.
        return Heard.AGAIN if event.kind is EventKind.PLACED else Heard.NEWS
    if event.kind is EventKind.RINGING:
        _reach(call, CallState.RINGING)
    elif event.kind is EventKind.ANSWERED:
        _answered(call, event.at)
    elif event.kind is EventKind.DIGIT:
        _answered(call, event.at)
        call.digits = (call.digits + str(event.data.get("digit", "")))[:32]
    elif event.kind is EventKind.HANGUP:
        _hung_up(session, call, event)
    session.flush()
    return Heard.NEWS


def _remember(session: CabSession, call: Call, event: Event) -> bool:
    statement = (
        insert(CallEvent)
        .values(
            call_id=call.id,
            customer_id=call.customer_id,
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


def _reach(call: Call, state: CallState) -> None:
    if _RANK[call.state] < _RANK[state]:
        call.state = state


def _answered(call: Call, at: datetime) -> None:
    call.answered_at = min(call.answered_at or at, at)
    _reach(call, CallState.ANSWERED)


def _hung_up(session: CabSession, call: Call, event: Event) -> None:
    answered, digits = event.data.get("answered_at"), str(event.data.get("digits", ""))
    for digit in dict.fromkeys(digits):
        _digit(session, call, digit)
    call.digits = digits[:32]
    if answered:
        call.answered_at = datetime.fromisoformat(answered)
        call.state = CallState.ANSWERED
    finish(session, call, _outcome(event, bool(answered), digits), seconds=int(event.data.get("seconds", 0)))


def _outcome(event: Event, answered: bool, digits: str) -> Outcome:
    cause = str(event.data.get("cause", ""))
    if answered and cause == Outcome.COMPLETED:
        early = event.data.get("by") == "them" and not digits
        return Outcome.HANGUP_BEFORE_DIGIT if early else Outcome.COMPLETED
    try:
        return Outcome(cause)
    except ValueError:
        return Outcome.COMPLETED if answered else Outcome.CONGESTION


def _digit(session: CabSession, call: Call, digit: str) -> None:
    campaign = session.get_one(Campaign, call.campaign_id)
    if is_opt_out(campaign, digit):
        opt_out(session, customer_id=call.customer_id, phone=call.phone, digit=digit, call_id=call.id)
