"""Putting calls on record: a batch of due contacts is decided about, paid for and written down in one transaction.

Contacts are taken with SKIP LOCKED; the lists are read in the transaction that records the calls (AC-54), and again
before each telephone rings (``services.call.gate``). However many contacts: a handful of statements.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

from callcab.db import CabSession
from callcab.lib import clock
from callcab.models import Call, CallState, Campaign, Contact, ContactState, Customer, Outcome
from callcab.providers.telephony.base import CallRequest
from callcab.services import bulk, ledger, pricing, reservation
from callcab.services.call.ending import Fate, write_fates
from callcab.services.call.gate import LOOK_AGAIN
from callcab.services.call.placing import RING_SECONDS
from callcab.services.campaign import pace
from callcab.services.decision import CAMPAIGN, LATER, NEVER, OK, Callee, Decision, decide_many
from callcab.services.phone_number.lease import Caller

# How many contacts one transaction looks at: never more, and not fewer when lines are few, for refused ones take none.
MOST, LEAST = 200, 20
GRACE = timedelta(seconds=30)


@dataclass
class Round:
    """What a batch did: calls and the provider's requests to place them, how many contacts were refused or put off, why
    the campaign has to wait, and whether the next batch may be taken at once."""

    calls: list[int] = field(default_factory=list)
    requests: list[CallRequest] = field(default_factory=list)
    refused: int = 0
    later: int = 0
    waits_for: str = ""
    more: bool = False


@dataclass(frozen=True, slots=True)
class _Case:
    """A contact that is locked for this batch, and what was decided about him."""

    id: int
    phone: int
    attempts: int
    decision: Decision


def record(session: CabSession, campaign: Campaign, caller: Caller, *, lines: int) -> Round:
    """Record calls of a locked campaign on at most ``lines`` lines. Flushed. Needs a system scope."""
    outcome = Round()
    if lines <= 0:
        return outcome
    now = clock.now()
    # Held here, so that it is read once.
    owner = session.get_one(Customer, campaign.customer_id)
    size = min(MOST, max(lines, LEAST))
    cases = _cases(session, campaign, caller, size, now)
    outcome.refused = _refuse(session, campaign, _of(cases, NEVER), now)
    outcome.later = _put_off(session, _of(cases, LATER), now)
    outcome.waits_for = next((case.decision.code for case in _of(cases, CAMPAIGN)), "")
    wanted = _of(cases, OK)[:lines]
    if wanted and not outcome.waits_for:
        _call(session, campaign, pricing.terms(owner.tariff, caller.kind), caller, wanted, now, outcome)
    full = len(outcome.calls) == lines or len(outcome.calls) < len(wanted)
    outcome.more = len(cases) == size and not full and not outcome.waits_for
    return outcome


def _cases(session: CabSession, campaign: Campaign, caller: Caller, size: int, now: datetime) -> list[_Case]:
    contacts = session.execute(
        sa.select(Contact.id, Contact.phone, Contact.attempts)
        .where(Contact.campaign_id == campaign.id, Contact.next_at <= now)
        .where(Contact.state.in_((ContactState.NEW, ContactState.WAITING)))
        .order_by(Contact.next_at, Contact.id)
        .limit(size)
        .with_for_update(skip_locked=True, key_share=True)
    ).all()
    answers = decide_many(
        session,
        customer_id=campaign.customer_id,
        campaign=campaign,
        callees=[Callee(phone, attempts) for _, phone, attempts in contacts],
        now=now,
        caller=caller,
    )
    return [_Case(*contact, answer) for contact, answer in zip(contacts, answers, strict=True)]


def _of(cases: Sequence[_Case], verdict: str) -> list[_Case]:
    return [case for case in cases if case.decision.verdict == verdict]


def _put_off(session: CabSession, cases: Sequence[_Case], now: datetime) -> int:
    """These may be called later: when their rule says, or are looked at again."""
    if not cases:
        return 0
    new = bulk.rows(
        "new",
        id=(bulk.NUMBER, [case.id for case in cases]),
        next_at=(bulk.MOMENT, [case.decision.retry_at or now + LOOK_AGAIN for case in cases]),
    )
    session.execute(
        sa.update(Contact)
        .where(Contact.id == new.c.id)
        .values(state=ContactState.WAITING, next_at=new.c.next_at)
        .execution_options(synchronize_session=False)
    )
    return len(cases)


def _refuse(session: CabSession, campaign: Campaign, cases: Sequence[_Case], now: datetime) -> int:
    """These will never be called: on record with the reason, without money or a line."""
    if not cases:
        return 0
    fates = [Fate(case.id, ContactState.REFUSED, case.decision.code[:32], case.attempts, now) for case in cases]
    write_fates(session, fates)
    refused = {"state": CallState.REFUSED.value, "outcome": Outcome.REQUEST_REFUSED.value, "ended_at": now}
    _insert(
        session, campaign, cases, _next_attempts(session, cases), {**refused, "created_at": now, "deadline_at": now}
    )
    campaign.contacts_done += len(cases)
    return len(cases)


def _call(
    session: CabSession,
    campaign: Campaign,
    terms: pricing.Terms,
    caller: Caller,
    cases: Sequence[_Case],
    now: datetime,
    outcome: Round,
) -> None:
    """Hold the highest price of each call, as far as money, lines and pace go, and put those calls on record."""
    attempts = _next_attempts(session, cases)
    account = ledger.lock_accounts(session, (campaign.customer_id,))[campaign.customer_id]
    enough = reservation.enough_for(account, pricing.longest(terms), len(cases))
    if enough < len(cases):
        outcome.waits_for = "balance.low"
    paid = cases[: pace.grant(session, campaign, account, enough, now=now)] if enough else []
    if not paid:
        return
    keys = {case.id: f"call:{case.id}:{attempts[case.id]}" for case in paid}
    held = reservation.hold(session, account, amount=pricing.longest(terms), keys=keys, cause="contact")
    session.execute(
        sa.update(Contact)
        .where(Contact.id == bulk.any_of([case.id for case in paid]))
        .values(state=ContactState.CALLING)
        .execution_options(synchronize_session=False)
    )
    same = {
        "state": CallState.PLACED.value,
        "from_phone": caller.phone,
        "terms": terms.stored(),
        "created_at": now,
        "deadline_at": now + timedelta(seconds=RING_SECONDS + pricing.LONGEST_SECONDS) + GRACE,
    }
    outcome.calls = _insert(session, campaign, paid, attempts, same, reservations=[held[case.id] for case in paid])


def _next_attempts(session: CabSession, cases: Sequence[_Case]) -> dict[int, int]:
    made = session.execute(
        sa.select(Call.contact_id, sa.func.max(Call.attempt))
        .where(Call.contact_id == bulk.any_of([case.id for case in cases]))
        .group_by(Call.contact_id)
    )
    last = {row[0]: row[1] for row in made}
    return {case.id: last.get(case.id, 0) + 1 for case in cases}


def _insert(
    session: CabSession,
    campaign: Campaign,
    cases: Sequence[_Case],
    attempts: dict[int, int],
    same: dict[str, Any],
    *,
    reservations: Sequence[int] = (),
) -> list[int]:
    """Insert a call for each case; ``same`` are the columns that all of them share, and only those with a reservation
    get a reference. Returns the ids."""
    nothing = [None] * len(cases)
    references = [f"c-{uuid.uuid4().hex}" for _ in cases] if reservations else nothing
    new = bulk.rows(
        "new",
        contact_id=(bulk.NUMBER, [case.id for case in cases]),
        attempt=(bulk.COUNT, [attempts[case.id] for case in cases]),
        phone=(bulk.NUMBER, [case.phone for case in cases]),
        decision=(bulk.TEXT, [case.decision.as_json() for case in cases]),
        provider_ref=(bulk.TEXT, references),
        reservation_id=(bulk.NUMBER, reservations or nothing),
    )
    table = Call.__table__.c
    values: dict[str, Any] = {column.name: column for column in new.c}
    values["decision"] = sa.cast(new.c.decision, JSONB)
    whose = {"campaign_id": campaign.id, "customer_id": campaign.customer_id}
    shared = {"digits": "", "seconds": 0, "cost": pricing.NOTHING, **same, **whose}
    values |= {name: sa.literal(value, table[name].type) for name, value in shared.items()}
    made = session.scalars(insert(Call).from_select(list(values), sa.select(*values.values())).returning(Call.id))
    return sorted(made)
