"""What a call costs: started intervals of the tariff, rounded to kopecks once at the end.

A call keeps the terms that it was begun under, so that a tariff edited meanwhile changes neither its reserve nor its
price. Three things decide: how it ended, how long it was talked, and the kind of number it was made from.

| outcome | price |
|---|---|
| answered (completed, hung up, …) | started intervals x minute price of the number's kind |
| machine | ``machine_price``, however long |
| no_answer, busy, rejected | ``attempt_price``: the callee's telephone was reached |
| unallocated, unreachable, congestion, refused, lost | nothing |
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from math import ceil
from typing import Any, Protocol

from callcab.models import Outcome, Tariff

# The provider ends every call after this long, so that what was reserved always covers what is charged.
LONGEST_SECONDS = 180
KOPECK = Decimal("0.01")
NOTHING = Decimal("0.00")
# Kinds of number as prices know them: a rented one is a shared one with a renter.
SHARED, DUTY, PERSONAL, RENTED = "shared", "duty", "personal", "rented"
# Nobody talked, but the callee's telephone was reached.
ATTEMPTS = frozenset((Outcome.NO_ANSWER, Outcome.BUSY, Outcome.REJECTED))
FREE = frozenset((Outcome.UNALLOCATED, Outcome.UNREACHABLE, Outcome.CONGESTION, Outcome.REQUEST_REFUSED, Outcome.LOST))


class Intervals(Protocol):
    """A tariff, or the terms of a call."""

    @property
    def first_seconds(self) -> int: ...
    @property
    def step_seconds(self) -> int: ...
    @property
    def minute_price(self) -> Decimal: ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What a call is charged by; ``minute_price`` is the one of the number's ``kind``."""

    kind: str
    minute_price: Decimal
    first_seconds: int
    step_seconds: int
    attempt_price: Decimal
    machine_price: Decimal

    def stored(self) -> dict[str, Any]:
        """As it is kept with the call."""
        return {
            "kind": self.kind,
            "minute": str(self.minute_price),
            "first": self.first_seconds,
            "step": self.step_seconds,
            "attempt": str(self.attempt_price),
            "machine": str(self.machine_price),
        }


def terms(tariff: Tariff, kind: str) -> Terms:
    """The terms of a call made now from a number of that kind."""
    own = {
        DUTY: tariff.duty_minute_price,
        PERSONAL: tariff.personal_minute_price,
        RENTED: tariff.rented_minute_price,
    }.get(kind)
    return Terms(
        kind=kind,
        minute_price=tariff.minute_price if own is None else own,
        first_seconds=tariff.first_seconds,
        step_seconds=tariff.step_seconds,
        attempt_price=tariff.attempt_price,
        machine_price=tariff.machine_price,
    )


def read_terms(stored: dict[str, Any]) -> Terms:
    """The terms that a call was put on record with."""
    return Terms(
        kind=stored["kind"],
        minute_price=Decimal(stored["minute"]),
        first_seconds=stored["first"],
        step_seconds=stored["step"],
        attempt_price=Decimal(stored["attempt"]),
        machine_price=Decimal(stored["machine"]),
    )


def price(of: Terms, outcome: Outcome, seconds: int) -> Decimal:
    """What a call costs that ended like this and was talked for ``seconds`` (started seconds)."""
    if outcome in FREE:
        return NOTHING
    if outcome is Outcome.MACHINE:
        return rounded(of.machine_price)
    if outcome in ATTEMPTS:
        return rounded(of.attempt_price)
    return call_price(of, seconds)


def longest(of: Terms) -> Decimal:
    """What is reserved before dialling: the most that a call can cost."""
    return max(call_price(of, LONGEST_SECONDS), rounded(of.machine_price), rounded(of.attempt_price))


def billed_seconds(intervals: Intervals, seconds: int) -> int:
    """Seconds that are paid for: nothing for an unanswered call, else the first interval and started steps."""
    if seconds <= 0:
        return 0
    more = max(0, seconds - intervals.first_seconds)
    return intervals.first_seconds + ceil(more / intervals.step_seconds) * intervals.step_seconds


def call_price(intervals: Intervals, seconds: int) -> Decimal:
    """Price in roubles of a call that was talked for ``seconds`` (started seconds)."""
    return rounded(intervals.minute_price * billed_seconds(intervals, seconds) / 60)


def longest_call(tariff: Tariff) -> Decimal:
    """As ``longest``, for a shared number."""
    return longest(terms(tariff, SHARED))


def rounded(amount: Decimal) -> Decimal:
    """Whole kopecks, half up: the one place where the price of a call is rounded."""
    return amount.quantize(KOPECK, ROUND_HALF_UP)
