"""Payments by card and СБП over two months, refunds, and what the customers used outside of campaigns."""

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from callcab.cli.demo import dice
from callcab.cli.demo.daybook import Paid
from callcab.cli.demo.people import FIRMS, Firm, World
from callcab.models import Account, PaymentKind, PaymentMethod

PAYMENTS = 3_150
_SUMS = (100, 150, 200, 250, 300, 350, 500, 500, 500, 700, 1000, 1000, 1500, 2000, 3000)
# A balance is used down to about this many roubles when it grows over four times as much.
_KEPT = 4_500
_FEE = Decimal("290.00")


def plan(world: World) -> None:
    """Give each customer's mornings their payments; ``calls.plan`` adds the calls, ``mornings.plan`` writes both."""
    total = sum(firm.weight * (firm.days - 1) for firm in FIRMS)
    for firm in FIRMS:
        rolls = dice.dice(f"money:{firm.key}")
        for days in range(firm.days - 1, -1, -1):
            window = world.timeline.morning(days)
            if window is None or not firm.weight:
                continue
            share = PAYMENTS * firm.weight / total
            count = int(share) + (rolls.random() < share % 1)
            world.paid[firm.key, days] = _credits(rolls, firm, days, window, count)


def _credits(rolls: Random, firm: Firm, days: int, window: tuple[datetime, datetime], count: int) -> list[Paid]:
    start, end = window
    seconds = int((end - start).total_seconds())
    made = []
    for index in range(count):
        method = rolls.choices((PaymentMethod.CARD, PaymentMethod.SBP), (6, 4))[0]
        amount = Decimal(rolls.choice(_SUMS)) + rolls.choice((Decimal(0), Decimal(0), Decimal("0.50"), Decimal("9.90")))
        made.append(
            Paid(
                at=start + timedelta(seconds=rolls.randrange(seconds)),
                kind=PaymentKind.CREDIT,
                method=method,
                amount=amount,
                account=Account.BANK,
                receipt_url=_receipt(rolls, amount),
                external_id=f"demo-{firm.key}-{days}-{index}",
            )
        )
    return made


def _receipt(rolls: Random, amount: Decimal) -> str:
    """A link as fiscal data operators make them, at a host that does not exist."""
    sign = rolls.randrange(10**9, 2**32)
    return f"https://receipt.example/v01/show?fp={sign}&s={amount:.2f}"


def used(world: World, key: str, days: int, at: datetime, balance: Decimal) -> list[Paid]:
    """What the customer spends outside of campaigns: a weekly fee, now and then a refund, and traffic by the act of
    support, which brings a balance that grew too high down again."""
    rolls = dice.dice(f"used:{key}:{days}")
    made = []
    if days % 7 == 3 and balance > _FEE:
        made.append(_taken(at, PaymentKind.DEBIT, _FEE, Account.REVENUE, "Абонентская плата за линию"))
    if rolls.random() < 0.05 and balance > _KEPT:
        amount = Decimal(rolls.randrange(3, 15) * 100)
        made.append(_taken(at, PaymentKind.REFUND, amount, Account.BANK, "Возврат по заявлению клиента"))
    balance += sum(item.amount for item in made)
    if balance > 4 * _KEPT:
        amount = (balance - _KEPT - rolls.randrange(3_000)).quantize(Decimal("0.01"))
        made.append(_taken(at, PaymentKind.ADJUSTMENT, amount, Account.CORRECTION, "Трафик SIP по акту, вне кабинета"))
    return made


def _taken(at: datetime, kind: PaymentKind, amount: Decimal, account: Account, reason: str) -> Paid:
    return Paid(at, kind, PaymentMethod.MANUAL, -amount, account, reason=reason)
