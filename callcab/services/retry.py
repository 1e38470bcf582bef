"""Whether and when a contact is called again after a call that did not reach him.

The end of a call asks here and nowhere else. A campaign has a rule of its own for each outcome in ``CHOSEN``; what it
does not say, and a call whose end nobody heard, goes by the advice of the line (providers.telephony.base.ADVICE).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from callcab.lib.errors import Invalid
from callcab.models import Campaign, MachineAction, Outcome
from callcab.providers.telephony.base import advice

# Outcomes that a person may decide about, in the order of the form.
CHOSEN = (Outcome.NO_ANSWER, Outcome.BUSY, Outcome.UNREACHABLE, Outcome.CONGESTION, Outcome.MACHINE)
# Minutes: a number is not rung twice within ten (rule «retries» of the decision), nor forgotten for weeks.
MINUTES = (10, 7 * 24 * 60)
TRIES = (0, 4)


@dataclass(frozen=True)
class Retry:
    """Call again after ``minutes`` at the earliest, ``tries`` more times at most (0 = never)."""

    minutes: int
    tries: int


def default(outcome: Outcome) -> Retry:
    """The line's advice as a rule."""
    hint = advice(outcome.value)
    return Retry(int(hint.delay / timedelta(minutes=1)), min(hint.tries, TRIES[1]))


def check(rules: Mapping[Outcome, Retry]) -> dict[str, Any]:
    """Rules as they are kept with a campaign. Raises Invalid with the field, ``retry_<outcome>_tries``."""
    for outcome, rule in rules.items():
        for name, value, (low, high) in (("minutes", rule.minutes, MINUTES), ("tries", rule.tries, TRIES)):
            if not low <= value <= high:
                raise Invalid("campaign.out_of_range", field=f"retry_{outcome.value}_{name}", low=low, high=high)
    return {outcome.value: asdict(rule) for outcome, rule in rules.items()}


def rule_of(campaign: Campaign, outcome: Outcome) -> Retry:
    """The campaign's rule for calls that end like this; it never promises more tries than the campaign makes in all."""
    if outcome is Outcome.MACHINE and campaign.machine_action is MachineAction.HANGUP:
        return Retry(MINUTES[0], 0)
    stored = campaign.retries.get(outcome.value)
    rule = Retry(**stored) if stored else default(outcome)
    return replace(rule, tries=min(rule.tries, campaign.max_attempts - 1))


def next_try(campaign: Campaign, outcome: Outcome, attempts: int) -> timedelta | None:
    """How long to wait after this call, or None when the contact is done with.

    attempts  calls made to the contact, the one that has just ended included
    """
    rule = rule_of(campaign, outcome)
    if attempts > rule.tries:
        return None
    return timedelta(minutes=rule.minutes)
