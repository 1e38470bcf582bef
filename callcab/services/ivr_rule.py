"""The voice menu of a campaign: what each digit does (product.md «условие IVR»)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib.errors import Invalid
from callcab.models import IvrAction, IvrRule, NumberKind, NumberState, PhoneNumber

KEYS = "1234567890*#"
TRIES = (1, 3)
LONGEST_PROMPT = 1_000


@dataclass(frozen=True)
class Rule:
    """What a digit does; ``prompt`` is said before it is done, in place of the usual words.

    transfer_to  digits of the customer's own number, for ``transfer`` only
    """

    digit: str
    action: IvrAction
    prompt: str = ""
    transfer_to: int | None = None


def check(session: CabSession, rules: Sequence[Rule], *, customer_id: int) -> None:
    """Raises Invalid with the field at fault: ``rules``, ``rule_5_prompt`` or ``rule_5_transfer``."""
    for rule in rules:
        if len(rule.digit) != 1 or rule.digit not in KEYS:
            raise Invalid("campaign.digit", field="rules")
    digit, count = Counter(rule.digit for rule in rules).most_common(1)[0] if rules else ("", 0)
    if count > 1:
        raise Invalid("campaign.digit_twice", field="rules", digit=digit)
    for rule in rules:
        if len(rule.prompt) > LONGEST_PROMPT:
            raise Invalid("field.too_long", field=f"rule_{rule.digit}_prompt", limit=LONGEST_PROMPT)
        if rule.action is IvrAction.PLAY and not rule.prompt.strip():
            raise Invalid("field.required", field=f"rule_{rule.digit}_prompt")
    _check_transfers(session, [rule for rule in rules if rule.action is IvrAction.TRANSFER], customer_id)


def rows(rules: Sequence[Rule], customer_id: int) -> list[IvrRule]:
    """The checked rules as rows of a campaign."""
    return [
        IvrRule(
            customer_id=customer_id,
            digit=rule.digit,
            action=rule.action,
            prompt=rule.prompt.strip(),
            transfer_to=rule.transfer_to if rule.action is IvrAction.TRANSFER else None,
        )
        for rule in rules
    ]


def transfer_numbers(session: CabSession, customer_id: int) -> list[int]:
    """Numbers that callees may be joined with: the customer's own, proved by a pressed 1 (rules C5, T9)."""
    return list(
        session.scalars(
            sa.select(PhoneNumber.phone)
            .where(PhoneNumber.customer_id == customer_id, PhoneNumber.kind == NumberKind.PERSONAL)
            .where(PhoneNumber.state == NumberState.VERIFIED)
            .order_by(PhoneNumber.phone)
        )
    )


def _check_transfers(session: CabSession, rules: Sequence[Rule], customer_id: int) -> None:
    if not rules:
        return
    allowed = set(transfer_numbers(session, customer_id))
    for rule in rules:
        if rule.transfer_to is None or rule.transfer_to not in allowed:
            raise Invalid("campaign.transfer_number", field=f"rule_{rule.digit}_transfer")
