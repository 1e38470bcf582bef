"""The rules, in their order. Each looks at the facts and says what it saw; none asks the database."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from callcab.lib import phone as phones
from callcab.models import Campaign, CampaignState, CustomerStatus, Purpose
from callcab.services import pricing
from callcab.services.decision.facts import Case, Facts, Listed
from callcab.services.decision.hours import callee_zones, is_over, opening, window

# A number is not rung twice within this, whatever went wrong (F-05).
PAUSE = timedelta(minutes=10)
# Rule C3: a debtor is called once a day, twice a week, eight times a month.
DEBT_LIMITS = ((timedelta(days=1), 1), (timedelta(days=7), 2), (timedelta(days=30), 8))

OK, NEVER, LATER, CAMPAIGN = "ok", "never", "later", "campaign"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says: verdict ``ok``, ``never`` (this number), ``later``, or ``campaign`` (nobody, for now)."""

    rule: str
    verdict: str
    code: str
    evidence: dict[str, Any]


Answer = tuple[Finding, datetime | None]
CallerRule = Callable[[Facts], Answer]
CalleeRule = Callable[[Facts, Case], Answer]


def number(facts: Facts, case: Case) -> Answer:
    evidence = {"phone": str(case.phone or ""), "kind": case.parsed.kind if case.parsed else case.reason}
    if case.parsed is None:
        return Finding("number", NEVER, f"phone.{case.reason}", evidence), None
    if not phones.is_dialable(case.parsed):
        return Finding("number", NEVER, "number.not_dialable", evidence), None
    since = facts.unallocated.get(case.phone)
    if since is not None:
        return Finding("number", NEVER, "number.unallocated", evidence | {"since": since.isoformat()}), None
    return Finding("number", OK, "", evidence), None


def platform_list(facts: Facts, case: Case) -> Answer:
    return _listed(facts, case, "platform_list", facts.platform, "blacklist.platform")


def own_list(facts: Facts, case: Case) -> Answer:
    return _listed(facts, case, "own_list", facts.own, "blacklist.own")


def _listed(facts: Facts, case: Case, rule: str, entries: Mapping[int, Listed], code: str) -> Answer:
    entry = entries.get(case.phone)
    if entry is None:
        return Finding(rule, OK, "", {"listed": False}), None
    if entry.expires_at is not None and entry.expires_at <= facts.now:
        return Finding(rule, OK, "", entry.evidence() | {"expired": True}), None
    return Finding(rule, NEVER, code, entry.evidence()), None


def hours(facts: Facts, case: Case) -> Answer:
    if case.parsed is None:
        return Finding("hours", OK, "", {}), None
    zones = callee_zones(case.parsed, facts.customer.zone)
    known: Answer | None = facts.by_zones.get(zones)
    if known is None:
        known = facts.by_zones[zones] = _hours_in(facts, zones)
    return known


def _hours_in(facts: Facts, zones: tuple[str, ...]) -> Answer:
    first = ZoneInfo(zones[0])
    evidence: dict[str, Any] = {"zones": list(zones), "local": facts.now.astimezone(first).strftime("%H:%M")}
    evidence["from"], evidence["until"] = (at.strftime("%H:%M") for at in window(facts.campaign, facts.now, first))
    if facts.campaign is not None:
        evidence["weekdays"] = facts.campaign.days
    if is_over(facts.campaign, facts.now, facts.customer.zone):
        return Finding("hours", CAMPAIGN, "campaign.over", evidence), None
    latest = max(opening(facts.campaign, facts.now, ZoneInfo(zone)) for zone in zones)
    if latest > facts.now:
        return Finding("hours", LATER, "hours.closed", evidence), latest
    return Finding("hours", OK, "", evidence), None


def purpose(facts: Facts) -> Answer:
    campaign = facts.campaign
    if campaign is None:
        return Finding("purpose", OK, "", {}), None
    evidence = {"purpose": campaign.purpose.value, "consent": campaign.consent_note[:200]}
    if campaign.purpose is Purpose.ADVERTISING and not campaign.consent_note.strip():
        return Finding("purpose", CAMPAIGN, "campaign.no_consent", evidence), None
    return Finding("purpose", OK, "", evidence), None


def customer(facts: Facts) -> Answer:
    status = facts.customer.status
    if status is CustomerStatus.BLOCKED:
        return Finding("customer", CAMPAIGN, "customer.blocked", {"reason": facts.customer.block_reason}), None
    return Finding("customer", OK, "", {"status": status.value}), None


def balance(facts: Facts) -> Answer:
    needed = pricing.longest(facts.terms)
    evidence = {"available": str(facts.customer.available), "needed": str(needed)}
    if facts.customer.available < needed:
        return Finding("balance", CAMPAIGN, "balance.low", evidence), None
    return Finding("balance", OK, "", evidence), None


def caller(facts: Facts) -> Answer:
    if facts.campaign is None:
        return Finding("caller", OK, "", {"free": facts.free_numbers}), None
    if facts.caller is None:
        return Finding("caller", CAMPAIGN, "number.none_free", {}), None
    return Finding("caller", OK, "", {"from": str(facts.caller.phone)}), None


def retries(facts: Facts, case: Case) -> Answer:
    campaign = facts.campaign
    if campaign is not None and case.attempts >= campaign.max_attempts:
        used = {"attempts": case.attempts, "limit": campaign.max_attempts}
        return Finding("retries", NEVER, "call.attempts_used", used), None
    times = facts.earlier.get(case.phone, [])
    evidence: dict[str, Any] = {"attempts": case.attempts, "last": times[0].isoformat() if times else None}
    if times and times[0] > facts.now - PAUSE:
        return Finding("retries", LATER, "call.too_soon", evidence), times[0] + PAUSE
    if campaign is not None and campaign.purpose is Purpose.DEBT:
        for span, allowed in DEBT_LIMITS:
            inside = [at for at in times if at > facts.now - span]
            if len(inside) >= allowed:
                evidence |= {"days": span.days, "limit": allowed}
                return Finding("retries", LATER, "call.debt_limit", evidence), inside[allowed - 1] + span
    return Finding("retries", OK, "", evidence), None


def campaign_goes_on(facts: Facts) -> Answer:
    """Right before the dial only: a round looks at no other campaigns anyway."""
    campaign: Campaign | None = facts.campaign
    if campaign is None or campaign.state in (CampaignState.RUNNING, CampaignState.WAITING):
        return Finding("campaign", OK, "", {}), None
    return Finding("campaign", CAMPAIGN, f"campaign.is_{campaign.state.value}", {}), None


# The order is that of the trace; those that look at no callee are asked once for all of them.
RULES: tuple[CallerRule | CalleeRule, ...] = (
    number,
    platform_list,
    own_list,
    hours,
    purpose,
    customer,
    balance,
    caller,
    retries,
)
FOR_ALL: frozenset[Any] = frozenset((purpose, customer, balance, caller, campaign_goes_on))
# What may have changed between the record of a call and its dial.
GATE: tuple[CallerRule | CalleeRule, ...] = (platform_list, own_list, hours, customer, campaign_goes_on)
