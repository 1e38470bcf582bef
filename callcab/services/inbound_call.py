"""Somebody calls one of our numbers: who he reaches, and what becomes of the call (telephony.md §9).

A personal number reaches its owner, a shared one the campaign that called this person, a duty number nobody
(product.md «Виды номеров»). Incoming calls cost nothing: no tariff has a price for them. The code of a decision is the
rule that made it; the sentences are in ``web/texts/inbound_call.py``.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib import phone as phones
from callcab.models import (
    Call,
    CallEvent,
    CallState,
    Campaign,
    Contact,
    Customer,
    CustomerStatus,
    InboundAction,
    InboundCall,
    NumberKind,
    NumberState,
    Outcome,
    PhoneNumber,
)
from callcab.providers.telephony.base import (
    Answer,
    Cause,
    Connect,
    Event,
    EventKind,
    Follow,
    Heard,
    Incoming,
    Refuse,
)
from callcab.services import bulk, callback_request, operation, prompt
from callcab.services.call.opting_out import OptOut, opt_out, opt_out_digits
from callcab.services.call.scenario import scenario_of
from callcab.services.callback_request import Pressed
from callcab.services.operation import ExportColumn
from callcab.services.pricing import LONGEST_SECONDS

RING_SECONDS = 30
LONGEST_TALK = 3600
GRACE = timedelta(seconds=30)
CODES = (
    "inbound.owner",
    "inbound.owner_calls",
    "inbound.last_campaign",
    "inbound.duty",
    "inbound.unknown_number",
    "inbound.unproved",
    "inbound.number_blocked",
    "inbound.customer_blocked",
    "inbound.not_called",
)
_DIGITS = re.compile(r"\+?\d{7,15}")


@dataclass(frozen=True)
class Route:
    """Where a call goes and why; ``cause`` is what a refused caller's line hears."""

    action: InboundAction
    code: str
    customer_id: int | None = None
    campaign_id: int | None = None
    cause: Cause | None = None


def receive(session: CabSession, call: Incoming) -> Answer:
    """Decide about an incoming call and put it on record; told again, the same answer. Flushed.

    Needs a system scope: who is reached is not known before.
    """
    known = _by_reference(session, call.reference)
    if known is None:
        phone, to_phone = read(call.caller), read(call.to)
        number = _number(session, to_phone)
        route = _open_to(session, _route(session, number, phone))
        now = clock.now()
        session.execute(
            insert(InboundCall)
            .values(
                provider_ref=call.reference,
                phone=phone,
                to_phone=to_phone,
                number_id=number.id if number is not None else None,
                customer_id=route.customer_id,
                campaign_id=route.campaign_id,
                action=route.action,
                code=route.code,
                outcome=Outcome(route.cause.value) if route.cause else None,
                ended_at=now if route.cause else None,
                deadline_at=now + timedelta(seconds=RING_SECONDS + _longest(route.action)) + GRACE,
                digits="",
                seconds=0,
                created_at=call.at,
            )
            .on_conflict_do_nothing()
        )
        known = _by_reference(session, call.reference)
    if known is None:
        raise RuntimeError("an incoming call vanished")
    return _answer(session, known)


def on_event(session: CabSession, event: Event) -> Heard:
    """Take an event of an incoming call; says whether it was news. Flushed. Needs a system scope.

    Repeated events change nothing (F-17); the last one decides, in any order (F-18).
    """
    call = _by_reference(session, event.reference, lock=True)
    if call is None:
        return Heard.UNKNOWN
    if call.customer_id is None or not _remember(session, call, event):
        return Heard.AGAIN
    pressed = str(event.data.get("digits" if event.kind is EventKind.HANGUP else "digit", ""))
    # An opt-out holds even when it is heard after the call's end (rule C1: at once, whatever else happens).
    _heed(session, call, pressed)
    if call.ended_at is not None:
        return Heard.NEWS
    if event.kind is EventKind.ANSWERED:
        call.answered_at = min(call.answered_at or event.at, event.at)
    elif event.kind is EventKind.DIGIT:
        call.digits = (call.digits + pressed)[:32]
    elif event.kind is EventKind.HANGUP:
        _hung_up(call, event, pressed)
    session.flush()
    return Heard.NEWS


def reap(session: CabSession, *, now: datetime) -> int:
    """End calls whose last event should have come by now; returns how many. For the timetable."""
    ended = session.execute(
        sa.update(InboundCall)
        .where(InboundCall.ended_at.is_(None), InboundCall.deadline_at < now)
        .values(ended_at=now, outcome=Outcome.LOST)
    )
    return bulk.written(ended)


def read(text: str) -> int | None:
    """A number as the line tells it, Russian or not; None when it is hidden or no number."""
    try:
        return phones.to_int(phones.parse(text).e164)
    except phones.PhoneError:
        return int(text) if _DIGITS.fullmatch(text) else None


def _number(session: CabSession, phone: int | None) -> PhoneNumber | None:
    """Whose number it is: the pool's, else the proved one, else a blocked one, else anybody's unproved claim."""
    if phone is None:
        return None
    rank = sa.case(
        (PhoneNumber.kind != NumberKind.PERSONAL, 0),
        (PhoneNumber.state == NumberState.VERIFIED, 1),
        (PhoneNumber.state == NumberState.BLOCKED, 2),
        else_=3,
    )
    return session.scalar(
        sa.select(PhoneNumber).where(PhoneNumber.phone == phone).order_by(rank, PhoneNumber.id).limit(1)
    )


def _route(session: CabSession, number: PhoneNumber | None, caller: int | None) -> Route:
    if number is None:
        return _refused("inbound.unknown_number", Cause.UNALLOCATED)
    if number.state is NumberState.BLOCKED:
        return _refused("inbound.number_blocked", Cause.REJECTED, number.customer_id)
    if number.kind is NumberKind.DUTY:
        return _refused("inbound.duty", Cause.REJECTED)
    if number.kind is NumberKind.PERSONAL:
        return _to_owner(number, caller)
    return _to_campaign(session, number, caller)


def _to_owner(number: PhoneNumber, caller: int | None) -> Route:
    if number.state is not NumberState.VERIFIED:
        # Nobody has shown that it is his: whom it belongs to is not told to those who claim it.
        return _refused("inbound.unproved", Cause.UNALLOCATED)
    if number.phone == caller:
        return _refused("inbound.owner_calls", Cause.BUSY, number.customer_id)
    return Route(InboundAction.CONNECT, "inbound.owner", number.customer_id)


def _to_campaign(session: CabSession, number: PhoneNumber, caller: int | None) -> Route:
    """To the last campaign that called this person from this number; who was not called from it has reached nobody."""
    last = None
    if caller is not None:
        last = session.execute(
            sa.select(Call.campaign_id, Call.customer_id)
            .where(Call.phone == caller, Call.from_phone == number.phone, Call.state != CallState.REFUSED)
            .order_by(Call.created_at.desc(), Call.id.desc())
            .limit(1)
        ).first()
    if last is None:
        return _refused("inbound.not_called", Cause.UNALLOCATED, number.customer_id)
    return Route(InboundAction.MENU, "inbound.last_campaign", last.customer_id, last.campaign_id)


def _open_to(session: CabSession, route: Route) -> Route:
    """The route, unless its customer is blocked."""
    if route.action is InboundAction.REFUSE or route.customer_id is None:
        return route
    if session.get_one(Customer, route.customer_id).status is CustomerStatus.BLOCKED:
        return _refused("inbound.customer_blocked", Cause.REJECTED, route.customer_id)
    return route


def _refused(code: str, cause: Cause, customer_id: int | None = None) -> Route:
    return Route(InboundAction.REFUSE, code, customer_id, cause=cause)


def _longest(action: InboundAction) -> int:
    return LONGEST_TALK if action is InboundAction.CONNECT else LONGEST_SECONDS


def _answer(session: CabSession, call: InboundCall) -> Answer:
    if call.ended_at is not None:
        refused = call.outcome if call.action is InboundAction.REFUSE else None
        return Refuse(Cause(refused.value) if refused else Cause.REJECTED)
    if call.action is InboundAction.CONNECT:
        return Connect(
            to=f"+{call.to_phone}",
            caller_id=f"+{call.phone}" if call.phone else None,
            ring_seconds=RING_SECONDS,
            longest_seconds=LONGEST_TALK,
        )
    campaign = session.get_one(Campaign, call.campaign_id)
    contact = sa.select(Contact.variables).where(Contact.campaign_id == campaign.id, Contact.phone == call.phone)
    variables = session.scalar(contact) or {}
    return Follow(prompt.spoken(scenario_of(session, campaign), variables), longest_seconds=LONGEST_SECONDS)


def _by_reference(session: CabSession, reference: str, *, lock: bool = False) -> InboundCall | None:
    statement = sa.select(InboundCall).where(InboundCall.provider_ref == reference)
    if lock:
        statement = statement.with_for_update()
    return session.scalar(statement.execution_options(populate_existing=True))


def _remember(session: CabSession, call: InboundCall, event: Event) -> bool:
    stored = session.scalar(
        insert(CallEvent)
        .values(
            inbound_call_id=call.id,
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
    return stored is not None


def _heed(session: CabSession, call: InboundCall, pressed: str) -> None:
    """A digit means the same when the person called by himself."""
    if call.action is not InboundAction.MENU or call.customer_id is None or call.phone is None:
        return
    campaign_id = int(call.campaign_id or 0)
    meant = opt_out_digits(session, (campaign_id,))
    digits = list(dict.fromkeys(pressed))
    wishes = [
        OptOut(call.customer_id, call.phone, digit, inbound_call_id=call.id)
        for digit in digits
        if (campaign_id, digit) in meant
    ]
    opt_out(session, wishes)
    callback_request.take(
        session,
        [Pressed(campaign_id, digit, call.customer_id, call.phone, inbound_call_id=call.id) for digit in digits],
    )


def _hung_up(call: InboundCall, event: Event, digits: str) -> None:
    answered, cause = event.data.get("answered_at"), str(event.data.get("cause", ""))
    if answered:
        call.answered_at = datetime.fromisoformat(answered)
    call.digits = digits[:32]
    call.seconds = max(0, min(int(event.data.get("seconds", 0)), _longest(call.action)))
    call.ended_at = clock.now()
    try:
        call.outcome = Outcome(cause)
    except ValueError:
        call.outcome = Outcome.COMPLETED if answered else Outcome.CONGESTION


ACTIONS = {item.value: f"inbound_action.{item.value}" for item in InboundAction}
OUTCOMES = {item.value: f"outcome.{item.value}" for item in Outcome}

operation.register_export(
    "inbound_call",
    (
        ExportColumn("created_at", InboundCall.created_at),
        ExportColumn("caller", InboundCall.phone, phone=True),
        ExportColumn("to_phone", InboundCall.to_phone, phone=True),
        ExportColumn("done", InboundCall.action, choices=ACTIONS),
        ExportColumn("rule", InboundCall.code, choices={code: code for code in CODES}),
        ExportColumn("digits", InboundCall.digits),
        ExportColumn("seconds", InboundCall.seconds),
        ExportColumn("ended_at", InboundCall.ended_at),
    ),
    permission="call.export",
)
