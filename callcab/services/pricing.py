"""What a call costs: started intervals of the tariff, rounded to kopecks once at the end."""

from decimal import ROUND_HALF_UP, Decimal
from math import ceil

from callcab.models import Tariff

# The provider ends every call after this long, so that what was reserved always covers what is charged.
LONGEST_SECONDS = 180
KOPECK = Decimal("0.01")


def billed_seconds(tariff: Tariff, seconds: int) -> int:
    """Seconds that are paid for: nothing for an unanswered call, else the first interval and started steps."""
    if seconds <= 0:
        return 0
    more = max(0, seconds - tariff.first_seconds)
    return tariff.first_seconds + ceil(more / tariff.step_seconds) * tariff.step_seconds


def call_price(tariff: Tariff, seconds: int) -> Decimal:
    """Price in roubles of a call that was talked for ``seconds`` (started seconds)."""
    return (tariff.minute_price * billed_seconds(tariff, seconds) / 60).quantize(KOPECK, ROUND_HALF_UP)


def longest_call(tariff: Tariff) -> Decimal:
    """What is reserved before dialling: the price of the longest call that the provider lets happen."""
    return call_price(tariff, LONGEST_SECONDS)
