"""May this number be called, by this customer, in this campaign, now? One function, one ordered trace (design §2.3).

Every rule is looked at and says what it saw, so that «почему не позвонили» shows them all; the first that refuses gives
the code. Creating, dialling (again, right before), the pre-flight of a list and the check API all ask here.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
import sqlalchemy as sa
from phonenumbers import timezone as phone_zones

from callcab.db import CabSession
from callcab.lib import phone as phones
from callcab.lib.errors import NotFound
from callcab.models import (
    BlacklistEntry,
    Call,
    CallState,
    Campaign,
    Customer,
    CustomerStatus,
    NumberKind,
    NumberState,
    Outcome,
    PhoneNumber,
    Purpose,
)
from callcab.services import pricing
from callcab.services.phone_number.lease import find_caller

# Default calling hours of the callee, and those of rule C3 for debt on working days.
DAY_STARTS, DAY_ENDS = time(9), time(20)
DEBT_STARTS, DEBT_ENDS = time(8), time(22)
# A number is not rung twice within this, whatever went wrong (F-05).
PAUSE = timedelta(minutes=10)
# Rule C3: a debtor is called once a day, twice a week, eight times a month.
DEBT_LIMITS = ((timedelta(days=1), 1), (timedelta(days=7), 2), (timedelta(days=30), 8))

OK, NEVER, LATER, CAMPAIGN = "ok", "never", "later", "campaign"


@dataclass(frozen=True)
class Finding:
    """What one rule says: verdict ``ok``, ``never`` (this number), ``later``, or ``campaign`` (nobody, for now)."""

    rule: str
    verdict: str
    code: str
    evidence: dict[str, Any]


@dataclass(frozen=True)
class Decision:
    """The answer; ``code`` is ``allowed`` or the code of the first refusal, ``retry_at`` when it may change."""

    allowed: bool
    code: str
    verdict: str
    trace: tuple[Finding, ...]
    retry_at: datetime | None = None

    def stored(self) -> list[dict[str, Any]]:
        """The trace as it is kept with the call."""
        return [asdict(finding) for finding in self.trace]


@dataclass(frozen=True)
class _Case:
    session: CabSession
    customer: Customer
    phone: int
    parsed: phones.Phone | None
    reason: str
    campaign: Campaign | None
    attempts: int
    now: datetime


def decide(
    session: CabSession,
    *,
    customer_id: int,
    phone: int | str,
    campaign: Campaign | None,
    now: datetime,
    attempts: int = 0,
) -> Decision:
    """Decide about one number; reads only. Needs a system or staff scope: the platform's list is not the customer's.

    phone     as stored, or as typed
    attempts  calls already made to this contact of the campaign
    raises    NotFound for an unknown customer
    """
    customer = session.get(Customer, customer_id)
    if customer is None:
        raise NotFound("customer.not_found")
    text = f"+{phone}" if isinstance(phone, int) else phone
    parsed, reason = _parse(text)
    stored = phones.to_int(parsed.e164) if parsed else 0
    case = _Case(session, customer, stored, parsed, reason, campaign, attempts, now)
    trace, retries = [], []
    for rule in RULES:
        finding, retry_at = rule(case)
        trace.append(finding)
        retries.append(retry_at)
    for finding, retry_at in zip(trace, retries, strict=True):
        if finding.verdict != OK:
            return Decision(False, finding.code, finding.verdict, tuple(trace), retry_at)
    return Decision(True, "allowed", OK, tuple(trace))


def blocked_phones(session: CabSession, *, customer_id: int, phones: Iterable[int], now: datetime) -> set[int]:
    """Those of ``phones`` that the customer's or the platform's list forbids now; for batches. Needs a system scope."""
    wanted = list(phones)
    found: set[int] = set()
    for start in range(0, len(wanted), 5_000):
        found.update(
            session.scalars(
                sa.select(BlacklistEntry.phone).where(
                    BlacklistEntry.phone.in_(wanted[start : start + 5_000]),
                    sa.or_(BlacklistEntry.customer_id == customer_id, BlacklistEntry.customer_id.is_(None)),
                    _in_force(now),
                )
            )
        )
    return found


def callee_zones(phone: phones.Phone, default: str) -> tuple[str, ...]:
    """The callee's time zones: by region for fixed numbers, the customer's for mobile ones (nobody knows better)."""
    if phone.kind != "fixed":
        return (default,)
    return _zones_of(phone.e164[:7]) or (default,)


@lru_cache(maxsize=4096)
def _zones_of(prefix: str) -> tuple[str, ...]:
    zones = phone_zones.time_zones_for_number(phonenumbers.parse(prefix.ljust(12, "0")))
    # Kaliningrad is given as Bucharest, whose summer time Russia does not have.
    mended = tuple("Europe/Kaliningrad" if zone == "Europe/Bucharest" else zone for zone in zones)
    return mended if len(mended) <= 3 and phone_zones.UNKNOWN_TIMEZONE not in mended else ()


def _parse(text: str) -> tuple[phones.Phone | None, str]:
    try:
        return phones.parse(text), ""
    except phones.PhoneError as error:
        return None, error.reason


Answer = tuple[Finding, datetime | None]


def _number(case: _Case) -> Answer:
    evidence = {"phone": str(case.phone or ""), "kind": case.parsed.kind if case.parsed else case.reason}
    if case.parsed is None:
        return Finding("number", NEVER, f"phone.{case.reason}", evidence), None
    if not phones.is_dialable(case.parsed):
        return Finding("number", NEVER, "number.not_dialable", evidence), None
    return Finding("number", OK, "", evidence), None


def _platform_list(case: _Case) -> Answer:
    return _listed(case, "platform_list", BlacklistEntry.customer_id.is_(None), "blacklist.platform")


def _own_list(case: _Case) -> Answer:
    return _listed(case, "own_list", BlacklistEntry.customer_id == case.customer.id, "blacklist.own")


def _listed(case: _Case, rule: str, whose: sa.ColumnElement[bool], code: str) -> Answer:
    entry = case.session.scalar(sa.select(BlacklistEntry).where(BlacklistEntry.phone == case.phone, whose))
    if entry is None:
        return Finding(rule, OK, "", {"listed": False}), None
    evidence = {
        "listed": True,
        "source": entry.source.value,
        "since": entry.created_at.isoformat(),
        "until": entry.expires_at.isoformat() if entry.expires_at else None,
    }
    if entry.expires_at is not None and entry.expires_at <= case.now:
        return Finding(rule, OK, "", evidence | {"expired": True}), None
    return Finding(rule, NEVER, code, evidence), None


def _hours(case: _Case) -> Answer:
    if case.parsed is None:
        return Finding("hours", OK, "", {}), None
    zones = callee_zones(case.parsed, case.customer.zone)
    evidence: dict[str, Any] = {"zones": list(zones)}
    opens = [_opening(case.campaign, case.now, ZoneInfo(zone)) for zone in zones]
    evidence["local"] = case.now.astimezone(ZoneInfo(zones[0])).strftime("%H:%M")
    evidence["from"], evidence["until"] = (
        at.strftime("%H:%M") for at in _window(case.campaign, case.now, ZoneInfo(zones[0]))
    )
    latest = max(opens)
    if latest > case.now:
        return Finding("hours", LATER, "hours.closed", evidence), latest
    return Finding("hours", OK, "", evidence), None


def _window(campaign: Campaign | None, moment: datetime, zone: ZoneInfo) -> tuple[time, time]:
    """Calling hours of the callee's day: the campaign's, for debt never wider than rule C3 allows."""
    start = campaign.quiet_until if campaign else DAY_STARTS
    end = campaign.quiet_from if campaign else DAY_ENDS
    if campaign is None or campaign.purpose is not Purpose.DEBT:
        return start, end
    weekend = moment.astimezone(zone).weekday() >= 5
    return (max(start, DAY_STARTS), min(end, DAY_ENDS)) if weekend else (max(start, DEBT_STARTS), min(end, DEBT_ENDS))


def _opening(campaign: Campaign | None, now: datetime, zone: ZoneInfo) -> datetime:
    """``now`` when calls are allowed in the zone, else the next moment when they are."""
    for day in _days(now, zone):
        start, end = _window(campaign, day, zone)
        opens, closes = (datetime.combine(day.date(), at, zone) for at in (start, end))
        if opens < closes and now < closes:
            return max(now, opens.astimezone(now.tzinfo))
    return now + timedelta(days=1)


def is_closed(phone: int, campaign: Campaign, default_zone: str, now: datetime) -> bool:
    """Whether it is outside calling hours at the callee's; for the count before a start."""
    zones = callee_zones(phones.parse(phones.from_int(phone)), default_zone)
    return any(_opening(campaign, now, ZoneInfo(zone)) > now for zone in zones)


def _days(now: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    local = now.astimezone(zone)
    for offset in range(3):
        yield local + timedelta(days=offset)


def _purpose(case: _Case) -> Answer:
    campaign = case.campaign
    if campaign is None:
        return Finding("purpose", OK, "", {}), None
    evidence = {"purpose": campaign.purpose.value, "consent": campaign.consent_note[:200]}
    if campaign.purpose is Purpose.ADVERTISING and not campaign.consent_note.strip():
        return Finding("purpose", CAMPAIGN, "campaign.no_consent", evidence), None
    return Finding("purpose", OK, "", evidence), None


def _customer(case: _Case) -> Answer:
    status = case.customer.status
    if status is CustomerStatus.BLOCKED:
        return Finding("customer", CAMPAIGN, "customer.blocked", {"reason": case.customer.block_reason}), None
    return Finding("customer", OK, "", {"status": status.value}), None


def _balance(case: _Case) -> Answer:
    needed = pricing.longest_call(case.customer.tariff)
    evidence = {"available": str(case.customer.available), "needed": str(needed)}
    if case.customer.available < needed:
        return Finding("balance", CAMPAIGN, "balance.low", evidence), None
    return Finding("balance", OK, "", evidence), None


def _caller(case: _Case) -> Answer:
    if case.campaign is None:
        free = case.session.scalar(
            sa.select(sa.func.count())
            .select_from(PhoneNumber)
            .where(PhoneNumber.kind == NumberKind.SHARED, PhoneNumber.state == NumberState.FREE)
            .where(sa.or_(PhoneNumber.customer_id.is_(None), PhoneNumber.customer_id == case.customer.id))
        )
        return Finding("caller", OK, "", {"free": free}), None
    caller = find_caller(case.session, case.campaign)
    if caller is None:
        return Finding("caller", CAMPAIGN, "number.none_free", {}), None
    return Finding("caller", OK, "", {"from": str(caller.phone)}), None


def _retries(case: _Case) -> Answer:
    if case.campaign is not None and case.attempts >= case.campaign.max_attempts:
        used = {"attempts": case.attempts, "limit": case.campaign.max_attempts}
        return Finding("retries", NEVER, "call.attempts_used", used), None
    times = _earlier_calls(case)
    evidence: dict[str, Any] = {"attempts": case.attempts, "last": times[0].isoformat() if times else None}
    if times and times[0] > case.now - PAUSE:
        return Finding("retries", LATER, "call.too_soon", evidence), times[0] + PAUSE
    if case.campaign is not None and case.campaign.purpose is Purpose.DEBT:
        for window, allowed in DEBT_LIMITS:
            inside = [at for at in times if at > case.now - window]
            if len(inside) >= allowed:
                evidence |= {"days": window.days, "limit": allowed}
                return Finding("retries", LATER, "call.debt_limit", evidence), inside[allowed - 1] + window
    return Finding("retries", OK, "", evidence), None


def _earlier_calls(case: _Case) -> list[datetime]:
    """When this customer really rang the number in the last 30 days, newest first."""
    return list(
        case.session.scalars(
            sa.select(Call.created_at)
            .where(Call.customer_id == case.customer.id, Call.phone == case.phone)
            .where(Call.outcome.is_distinct_from(Outcome.REQUEST_REFUSED), Call.state != CallState.REFUSED)
            .where(Call.created_at > case.now - DEBT_LIMITS[-1][0])
            .order_by(Call.created_at.desc())
            .limit(DEBT_LIMITS[-1][1])
        )
    )


def _in_force(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(BlacklistEntry.expires_at.is_(None), BlacklistEntry.expires_at > now)


RULES: tuple[Callable[[_Case], Answer], ...] = (
    _number,
    _platform_list,
    _own_list,
    _hours,
    _purpose,
    _customer,
    _balance,
    _caller,
    _retries,
)
