"""Invoices in every status, transfers that paid them, and what support did with money by hand."""

from decimal import Decimal
from random import Random

import sqlalchemy as sa

from callcab.cli.demo import dice
from callcab.cli.demo.companies import payers
from callcab.cli.demo.people import World
from callcab.models import Payment, PaymentMethod
from callcab.services import invoice, payment
from callcab.services.company import Buyer

# How many invoices each customer has, spread over its time.
SHARES = (
    ("north", 26, 58),
    ("doctor", 14, 56),
    ("ural", 18, 55),
    ("collect", 9, 54),
    ("volga", 7, 43),
    ("maria", 5, 50),
)
_SUMS = (1_500, 2_000, 3_000, 4_500, 5_000, 6_100, 7_320, 9_000, 12_200, 15_000)
CORRECTIONS = (
    ("north", 32, "150.00", "Компенсация за недозвоны из-за сбоя 18.10"),
    ("doctor", 27, "-80.40", "Ошибочно начислено дважды, согласовано с клиентом"),
    ("ural", 21, "420.00", "Перерасчёт по тарифу за сентябрь"),
    ("collect", 13, "-36.00", "Звонки вне согласованных часов"),
    ("volga", 8, "60.00", "Бонус за отзыв"),
)


def plan(world: World) -> None:
    rolls = dice.dice("papers")
    for key, count, oldest in SHARES:
        for index in range(count):
            days = max(1, oldest - index * oldest // count - rolls.randrange(2))
            _plan_invoice(world, rolls, key, days, index)
    for days in range(50, 0, -5):
        world.timeline.add(world.timeline.afternoon(days, 1), lambda: invoice.sweep_overdue(world.session))
    for key, days, amount, reason in CORRECTIONS:
        world.timeline.add(
            world.timeline.afternoon(days, 140), lambda args=(key, Decimal(amount), reason): _correct(world, *args)
        )
    world.timeline.add(world.timeline.afternoon(14, 150), lambda: _twice(world))
    world.timeline.add(world.timeline.afternoon(14, 190), lambda: _undo(world))


def _plan_invoice(world: World, rolls: Random, key: str, days: int, index: int) -> None:
    """Most are paid within days; some in two parts, some never, some were a mistake."""
    timeline = world.timeline
    amount = Decimal(rolls.choice(_SUMS))
    name = f"demo-invoice-{key}-{index}"
    buyer = rolls.randrange(len(payers()))
    minutes = rolls.randrange(5, 115)
    timeline.add(timeline.afternoon(days, minutes), lambda: _issue(world, key, name, amount, buyer))
    fate = rolls.choices(("paid", "parts", "unpaid", "cancelled"), (66, 9, 15, 10))[0]
    later = days - rolls.randrange(1, 5)
    if later < 1 or fate == "unpaid":
        return
    moment = timeline.afternoon(later, rolls.randrange(120, 300))
    if fate == "cancelled":
        timeline.add(moment, lambda: _cancel(world, key, name))
        return
    part = amount if fate == "paid" else (amount / 2).quantize(Decimal(1))
    timeline.add(moment, lambda: _paid(world, name, part, "1"))
    if fate == "parts" and later > 8:
        timeline.add(timeline.afternoon(later - 6, 60), lambda: _paid(world, name, amount - part, "2"))


def _issue(world: World, key: str, name: str, amount: Decimal, buyer: int) -> None:
    payer = payers()[buyer]
    made = invoice.issue(
        world.session,
        customer_id=world.customers[key].id,
        buyer=Buyer(payer.inn, payer.name, payer.kpp, payer.ogrn, payer.address, payer.head),
        amount=amount,
        basis="" if buyer % 3 else f"Договор № {100 + buyer} от 12.01.2026",
        request_key=name,
        actor=world.owner(key),
    )
    world.invoices[name] = made.id


def _paid(world: World, name: str, amount: Decimal, part: str) -> None:
    invoice.mark_paid(
        world.session,
        world.invoices[name],
        amount=amount,
        external_id=f"{name}-{part}",
        actor=world.support(),
    )


def _cancel(world: World, key: str, name: str) -> None:
    invoice.cancel(
        world.session,
        world.invoices[name],
        customer_id=world.customers[key].id,
        reason="Выписан не на ту организацию",
        actor=world.owner(key),
    )


def _correct(world: World, key: str, amount: Decimal, reason: str) -> None:
    payment.correct(
        world.session,
        customer_id=world.customers[key].id,
        amount=amount,
        reason=reason,
        external_id=f"demo-correction-{key}",
        actor=world.support("lead"),
    )


def _twice(world: World) -> None:
    """A transfer that an agent typed in twice."""
    for serial in (1, 2):
        payment.record(
            world.session,
            customer_id=world.customers["ural"].id,
            amount=Decimal("2500.00"),
            method=PaymentMethod.MANUAL,
            external_id=f"demo-twice-{serial}",
            actor=world.support(),
        )


def _undo(world: World) -> None:
    wrong = world.session.scalars(sa.select(Payment.id).where(Payment.external_id == "demo-twice-2")).one()
    payment.reverse(world.session, wrong, reason="Введён дважды", actor=world.support("lead"))
