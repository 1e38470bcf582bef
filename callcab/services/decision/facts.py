"""What the rules look at, read once for a whole batch of callees: a handful of queries, however many they are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import phone as phones
from callcab.models import (
    BlacklistEntry,
    BlacklistSource,
    Call,
    CallState,
    Campaign,
    Customer,
    NumberKind,
    NumberState,
    Outcome,
    PhoneNumber,
)
from callcab.services import bulk, pricing
from callcab.services.phone_number.lease import Caller, find_caller

# How far back calls are looked at (rule C3 counts a month), and how many of a number at most.
MEMORY = timedelta(days=30)
MOST_EARLIER = 8
# So many free numbers are told; who asks wants to know whether there are any.
MOST_FREE = 100
# A number that the network called non-existent is not dialled for so long; it may be given to somebody one day.
UNALLOCATED_LIFE = timedelta(days=180)


class Callee(NamedTuple):
    """Who shall be called: the number as stored or as typed, and the calls already made to this contact."""

    phone: int | str
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """One callee, read: ``phone`` is 0 and ``reason`` says why when it is no number."""

    phone: int
    parsed: phones.Phone | None
    reason: str
    attempts: int


class Listed(NamedTuple):
    """An entry of a blacklist. ``author`` and ``reason`` are empty for the platform's: customers read the trace, and
    support's words may name another of them."""

    source: BlacklistSource
    created_at: datetime
    expires_at: datetime | None
    author: str = ""
    reason: str = ""

    def evidence(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "listed": True,
            "source": self.source.value,
            "since": self.created_at.isoformat(),
            "until": self.expires_at.isoformat() if self.expires_at else None,
        }
        return found | {key: text for key in ("author", "reason") if (text := getattr(self, key))}


@dataclass
class Facts:
    """Everything that the rules may look at. ``own``, ``platform``, ``earlier`` (newest first) and ``unallocated``
    (when the network said so) are by number; the rest is the same for all callees."""

    customer: Customer
    campaign: Campaign | None
    now: datetime
    own: dict[int, Listed] = field(default_factory=dict)
    platform: dict[int, Listed] = field(default_factory=dict)
    earlier: dict[int, list[datetime]] = field(default_factory=dict)
    unallocated: dict[int, datetime] = field(default_factory=dict)
    caller: Caller | None = None
    free_numbers: int = 0
    # Answers that depend on the zones alone.
    by_zones: dict[tuple[str, ...], Any] = field(default_factory=dict)

    @property
    def terms(self) -> pricing.Terms:
        return pricing.terms(self.customer.tariff, self.caller.kind if self.caller else pricing.SHARED)


def read(callee: Callee) -> Case:
    """Read the number; never raises."""
    text = f"+{callee.phone}" if isinstance(callee.phone, int) else callee.phone
    try:
        parsed = phones.parse(text)
    except phones.PhoneError as error:
        return Case(0, None, error.reason, callee.attempts)
    return Case(phones.to_int(parsed.e164), parsed, "", callee.attempts)


def gather(
    session: CabSession,
    customer: Customer,
    campaign: Campaign | None,
    cases: Sequence[Case],
    now: datetime,
    caller: Caller | None,
) -> Facts:
    """Read all facts of a batch; ``caller`` is the campaign's number when it is known already."""
    facts = Facts(customer, campaign, now)
    numbers = sorted({case.phone for case in cases if case.phone})
    add_lists(session, facts, numbers)
    _add_earlier(session, facts, numbers)
    if campaign is not None:
        facts.caller = caller or find_caller(session, campaign)
    else:
        facts.free_numbers = _free_numbers(session, customer.id)
    return facts


def add_lists(session: CabSession, facts: Facts, numbers: Sequence[int]) -> None:
    """The entries of both lists; expired ones too, the trace shows them."""
    if not numbers:
        return
    entry = BlacklistEntry
    found = session.execute(
        sa.select(
            entry.customer_id,
            entry.phone,
            entry.source,
            entry.created_at,
            entry.expires_at,
            entry.author_name,
            entry.reason,
        )
        .where(entry.phone == bulk.any_of(numbers))
        .where(sa.or_(entry.customer_id == facts.customer.id, entry.customer_id.is_(None)))
    )
    for owner, phone, source, since, until, author, reason in found:
        if owner is None:
            facts.platform[phone] = Listed(source, since, until)
        else:
            facts.own[phone] = Listed(source, since, until, author, reason)


def _add_earlier(session: CabSession, facts: Facts, numbers: Sequence[int]) -> None:
    """When this customer really rang the numbers, newest first, and which of them do not exist."""
    if not numbers:
        return
    recent, unallocated = Call.created_at > facts.now - MEMORY, Call.outcome == Outcome.UNALLOCATED
    found = session.execute(
        sa.select(Call.phone, Call.created_at, Call.outcome)
        .where(Call.customer_id == facts.customer.id, Call.phone == bulk.any_of(numbers))
        .where(Call.outcome.is_distinct_from(Outcome.REQUEST_REFUSED), Call.state != CallState.REFUSED)
        .where(sa.or_(recent, sa.and_(unallocated, Call.created_at > facts.now - UNALLOCATED_LIFE)))
        .order_by(Call.created_at.desc())
    )
    for phone, created_at, outcome in found:
        if outcome is Outcome.UNALLOCATED:
            facts.unallocated.setdefault(phone, created_at)
        times = facts.earlier.setdefault(phone, [])
        if created_at > facts.now - MEMORY and len(times) < MOST_EARLIER:
            times.append(created_at)


def _free_numbers(session: CabSession, customer_id: int) -> int:
    """How many, up to MOST_FREE: a pool of a hundred thousand took longer to count than all else to decide."""
    free = (
        sa.select(PhoneNumber.id)
        .where(PhoneNumber.kind == NumberKind.SHARED, PhoneNumber.state == NumberState.FREE)
        .where(sa.or_(PhoneNumber.customer_id.is_(None), PhoneNumber.customer_id == customer_id))
        .limit(MOST_FREE)
        .subquery()
    )
    return session.scalar(sa.select(sa.func.count()).select_from(free)) or 0
