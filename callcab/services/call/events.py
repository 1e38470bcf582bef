"""What a provider tells about calls of campaigns, a batch at a time. The last event decides; earlier ones only show
progress. A handful of statements, however many events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

from callcab.db import CabSession
from callcab.lib import clock
from callcab.models import Call, CallEvent, CallState, Outcome
from callcab.providers.telephony.base import Event, EventKind, Heard
from callcab.services import bulk, callback_request
from callcab.services.call import gate
from callcab.services.call.ending import End, finish
from callcab.services.call.locking import Live, lock_calls, lock_campaigns, store
from callcab.services.call.opting_out import OptOut, opt_out, opt_out_digits
from callcab.services.callback_request import Pressed
from callcab.services.decision import Decision

_RANK = {CallState.PLACED: 0, CallState.RINGING: 1, CallState.ANSWERED: 2}


def on_events(session: CabSession, events: Sequence[Event]) -> list[Heard]:
    """Take events, in their order; says of each whether it was news. Flushed. Needs a system scope.

    Repeated events change nothing (F-17); the end state is the same in every order (F-18). ``placed`` is news only when
    the call may be dialled now: a call that was given up, or that the gate turns away, is not.
    """
    found = _find(session, events)
    mine = [event for event in events if event.reference in found]
    if not mine:
        return [Heard.UNKNOWN] * len(events)
    now = clock.now()
    placed = [found[event.reference] for event in mine if event.kind is EventKind.PLACED]
    refusals = gate.refusals(session, placed, now=now) if placed else {}
    ending = [found[event.reference] for event in mine if event.kind is EventKind.HANGUP]
    ending += [call for call in placed if call.id in refusals]
    campaigns = lock_campaigns(session, [call.campaign_id for call in ending])
    calls = {call.reference: call for call in lock_calls(session, [found[event.reference].id for event in mine])}
    # What never rang has no events: told of a refused call, they are left out.
    told = [event for event in mine if calls[event.reference].state is not CallState.REFUSED]
    news = _remember(session, told, calls)
    batch = _Batch(session, now)
    heard = [batch.take(event, calls.get(event.reference), news, refusals) for event in events]
    opt_out(session, batch.wishes(list(calls.values())))
    callback_request.take(session, batch.pressed())
    finish(session, batch.ends, campaigns)
    store(session, list(batch.changed.values()))
    gate.keep_traces(session, {call_id: refusals[call_id] for call_id in batch.turned_away})
    return heard


def _find(session: CabSession, events: Sequence[Event]) -> dict[str, gate.Recorded]:
    references = sorted({event.reference for event in events})
    rows = session.execute(
        sa.select(Call.provider_ref, Call.id, Call.campaign_id, Call.phone).where(
            Call.provider_ref == bulk.any_text(references)
        )
    )
    return {str(row[0]): gate.Recorded(*row[1:]) for row in rows}


def _remember(session: CabSession, events: Sequence[Event], calls: dict[str, Live]) -> set[tuple[str, str]]:
    """Store the events; returns reference and key of those that were not stored before."""
    unique = {(event.reference, event.key): event for event in events}
    # In one order: a batch that is told again meets the first one here.
    ordered = [unique[name] for name in sorted(unique)]
    if not ordered:
        return set()
    owners = [calls[event.reference] for event in ordered]
    new = bulk.rows(
        "new",
        call_id=(bulk.NUMBER, [call.id for call in owners]),
        customer_id=(bulk.NUMBER, [call.customer_id for call in owners]),
        provider_ref=(bulk.TEXT, [event.reference for event in ordered]),
        event_key=(bulk.TEXT, [event.key for event in ordered]),
        kind=(bulk.TEXT, [event.kind.value for event in ordered]),
        at=(bulk.MOMENT, [event.at for event in ordered]),
        data=(bulk.TEXT, [bulk.json_of(dict(event.data)) for event in ordered]),
    )
    values: dict[str, Any] = {column.name: column for column in new.c} | {"data": sa.cast(new.c.data, JSONB)}
    stored = session.execute(
        insert(CallEvent)
        .from_select(list(values), sa.select(*values.values()))
        .on_conflict_do_nothing()
        .returning(CallEvent.provider_ref, CallEvent.event_key)
    )
    return {(reference, key) for reference, key in stored}


class _Batch:
    """What a batch of events comes to, before it is written: changed calls, ends, digits."""

    def __init__(self, session: CabSession, now: datetime) -> None:
        self._session = session
        self._now = now
        self._seen: set[tuple[str, str]] = set()
        self._pressed: list[tuple[Live, str]] = []
        self._over: set[int] = set()
        self.changed: dict[int, Live] = {}
        self.ends: list[End] = []
        self.turned_away: list[int] = []

    def take(self, event: Event, call: Live | None, news: set[tuple[str, str]], refusals: dict[int, Decision]) -> Heard:
        """One event of a locked call."""
        if call is None:
            return Heard.UNKNOWN
        name = (event.reference, event.key)
        if name not in news or name in self._seen:
            return Heard.AGAIN
        self._seen.add(name)
        # An opt-out holds even when it is heard after the call's end (rule C1: at once, whatever else happens).
        if event.kind in (EventKind.DIGIT, EventKind.HANGUP):
            pressed = f"{event.data.get('digit', '')}{event.data.get('digits', '')}"
            self._pressed += [(call, digit) for digit in dict.fromkeys(pressed)]
        if call.ended_at is not None or call.id in self._over:
            # A call that was given up must not be dialled after all.
            return Heard.AGAIN if event.kind is EventKind.PLACED else Heard.NEWS
        if event.kind is EventKind.PLACED:
            return self._placed(call, refusals.get(call.id))
        self.changed[call.id] = call
        if event.kind is EventKind.RINGING:
            _reach(call, CallState.RINGING)
        elif event.kind is EventKind.ANSWERED:
            _answered(call, event.at)
        elif event.kind is EventKind.DIGIT:
            _answered(call, event.at)
            call.digits = (call.digits + str(event.data.get("digit", "")))[:32]
        elif event.kind is EventKind.HANGUP:
            self._hung_up(call, event)
        return Heard.NEWS

    def wishes(self, calls: Sequence[Live]) -> list[OptOut]:
        """Who pressed a digit that means «no more calls»."""
        if not self._pressed:
            return []
        digits = opt_out_digits(self._session, [call.campaign_id for call in calls])
        return [
            OptOut(call.customer_id, call.phone, digit, call.id)
            for call, digit in self._pressed
            if (call.campaign_id, digit) in digits
        ]

    def pressed(self) -> list[Pressed]:
        """All digits that were heard."""
        return [
            Pressed(call.campaign_id, digit, call.customer_id, call.phone, call_id=call.id)
            for call, digit in self._pressed
        ]

    def _placed(self, call: Live, refusal: Decision | None) -> Heard:
        if refusal is None:
            return Heard.NEWS
        self.turned_away.append(call.id)
        self._end(gate.turn_away(call, refusal, self._now))
        return Heard.AGAIN

    def _hung_up(self, call: Live, event: Event) -> None:
        answered, digits = event.data.get("answered_at"), str(event.data.get("digits", ""))
        call.digits = digits[:32]
        if answered:
            call.answered_at = datetime.fromisoformat(answered)
        outcome = _outcome(event, bool(answered), digits)
        self._end(End(call, outcome, seconds=int(event.data.get("seconds", 0))))

    def _end(self, end: End) -> None:
        self.changed[end.call.id] = end.call
        self._over.add(end.call.id)
        self.ends.append(end)


def _reach(call: Live, state: CallState) -> None:
    if _RANK[call.state] < _RANK[state]:
        call.state = state


def _answered(call: Live, at: datetime) -> None:
    call.answered_at = min(call.answered_at or at, at)
    _reach(call, CallState.ANSWERED)


def _outcome(event: Event, answered: bool, digits: str) -> Outcome:
    cause = str(event.data.get("cause", ""))
    if answered and cause == Outcome.COMPLETED:
        early = event.data.get("by") == "them" and not digits
        return Outcome.HANGUP_BEFORE_DIGIT if early else Outcome.COMPLETED
    try:
        return Outcome(cause)
    except ValueError:
        return Outcome.COMPLETED if answered else Outcome.CONGESTION
