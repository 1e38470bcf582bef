"""May these numbers be called, by this customer, in this campaign, now? One answer each, with a trace (design §2.3).

Every rule is looked at and says what it saw, so that «почему не позвонили» shows them all; the first that refuses gives
the code. Creating, dialling (again, right before), the pre-flight of a list and the check API all ask here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callcab.db import CabSession
from callcab.lib.errors import NotFound
from callcab.models import Campaign, Customer
from callcab.services import bulk
from callcab.services.decision import rules
from callcab.services.decision.facts import Callee, Case, Facts, add_lists, gather, read
from callcab.services.decision.hours import callee_zones, is_over
from callcab.services.decision.rules import CAMPAIGN, LATER, NEVER, OK, PAUSE, Finding
from callcab.services.decision.survey import Group, survey
from callcab.services.phone_number.lease import Caller

__all__ = [
    "CAMPAIGN",
    "LATER",
    "NEVER",
    "OK",
    "PAUSE",
    "Callee",
    "Decision",
    "Finding",
    "Group",
    "callee_zones",
    "decide",
    "decide_many",
    "is_over",
    "look_again",
    "survey",
]


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer; ``code`` is ``allowed`` or the code of the first refusal, ``retry_at`` when it may change."""

    allowed: bool
    code: str
    verdict: str
    trace: tuple[Finding, ...]
    retry_at: datetime | None = None

    def stored(self) -> list[dict[str, Any]]:
        """The trace as it is kept with the call."""
        return [
            {"rule": found.rule, "verdict": found.verdict, "code": found.code, "evidence": found.evidence}
            for found in self.trace
        ]

    def as_json(self) -> str:
        """The same as text, for statements that write many."""
        return bulk.json_of(self.stored())


def decide(
    session: CabSession,
    *,
    customer_id: int,
    phone: int | str,
    campaign: Campaign | None,
    now: datetime,
    attempts: int = 0,
) -> Decision:
    """Decide about one number; as ``decide_many``."""
    return decide_many(
        session, customer_id=customer_id, campaign=campaign, callees=(Callee(phone, attempts),), now=now
    )[0]


def decide_many(
    session: CabSession,
    *,
    customer_id: int,
    campaign: Campaign | None,
    callees: Sequence[Callee],
    now: datetime,
    caller: Caller | None = None,
) -> list[Decision]:
    """Decide about many numbers, in their order; reads only, a handful of queries however many they are.

    Needs a system or staff scope: the platform's list is not the customer's.

    caller  the number that the campaign calls from, when that is known already
    raises  NotFound for an unknown customer
    """
    customer = session.get(Customer, customer_id)
    if customer is None:
        raise NotFound("customer.not_found")
    cases = [read(callee) for callee in callees]
    facts = gather(session, customer, campaign, cases, now, caller)
    return _judge(rules.RULES, facts, cases)


def look_again(
    session: CabSession, *, customer_id: int, campaign: Campaign, callees: Sequence[Callee], now: datetime
) -> list[Decision]:
    """Right before the dial: only what may have changed since the call was put on record. Reads only."""
    customer = session.get_one(Customer, customer_id)
    cases = [read(callee) for callee in callees]
    facts = Facts(customer, campaign, now)
    add_lists(session, facts, sorted({case.phone for case in cases if case.phone}))
    return _judge(rules.GATE, facts, cases)


def _judge(wanted: Sequence[Any], facts: Facts, cases: Sequence[Case]) -> list[Decision]:
    common = {rule: rule(facts) for rule in wanted if rule in rules.FOR_ALL}
    return [_decision([common[rule] if rule in common else rule(facts, case) for rule in wanted]) for case in cases]


def _decision(answers: Sequence[rules.Answer]) -> Decision:
    trace = tuple(finding for finding, _ in answers)
    for finding, retry_at in answers:
        if finding.verdict != OK:
            return Decision(False, finding.code, finding.verdict, trace, retry_at)
    return Decision(True, "allowed", OK, trace)
