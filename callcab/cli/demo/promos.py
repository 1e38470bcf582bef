"""Promo batches in every state, codes taken by customers, and codes that nobody has."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa

from callcab.cli.demo.people import FIRMS, World
from callcab.lib import clock
from callcab.models import PromoCode
from callcab.services import promo


@dataclass(frozen=True)
class Batch:
    """A batch to be: ``life`` in days (0 = for ever), ``takers`` and days ago; with one code all take the same."""

    name: str
    days: int
    amount: int
    count: int
    uses: int
    life: int
    takers: tuple[tuple[str, int], ...]
    paused: bool = False


EVERYBODY = tuple((firm.key, 41 - 2 * index) for index, firm in enumerate(FIRMS[:6]))
BATCHES = (
    Batch("Приветственный бонус", 55, 300, 1, 1_000, 0, EVERYBODY),
    Batch("Осень-2026: партнёры", 47, 500, 200, 1, 90, (("north", 39), ("doctor", 33), ("ural", 28), ("north", 12))),
    Batch("День связиста", 44, 150, 1, 50, 20, (("north", 36), ("maria", 31), ("collect", 30))),
    Batch("Извинения за сбой 12.10", 40, 1_000, 25, 1, 30, (("ural", 29), ("collect", 25))),
    Batch("Выставка «Колл-центр»", 30, 700, 100, 1, 60, (("volga", 24),), paused=True),
    Batch("Зимний бонус", 5, 250, 500, 1, 45, (("north", 3), ("doctor", 2))),
)
# Codes that fail: typed wrong, used before, of a batch that is over.
SLIPS = (
    ("north", 38, "START-301"),
    ("north", 37, "Приветственный бонус"),
    ("maria", 9, "День связиста"),
    ("volga", 4, "ZIMA2026"),
    ("doctor", 15, "Выставка «Колл-центр»"),
)


def plan(world: World) -> None:
    timeline = world.timeline
    for index, batch in enumerate(BATCHES):
        timeline.add(timeline.afternoon(batch.days, 350 + index), lambda batch=batch: _issue(world, batch))
        if batch.paused:
            timeline.add(timeline.afternoon(20, 355), lambda batch=batch: _pause(world, batch))
        for serial, (key, days) in enumerate(batch.takers):
            timeline.add(
                timeline.afternoon(days, 360 + 5 * index + serial),
                lambda args=(batch, key, serial): _take(world, *args),
            )
    for key, days, code in SLIPS:
        timeline.add(timeline.afternoon(days, 420), lambda args=(key, code): _slip(world, *args))


def _issue(world: World, batch: Batch) -> None:
    made = promo.create_batch(
        world.session,
        name=batch.name,
        amount=Decimal(batch.amount),
        count=batch.count,
        uses_per_code=batch.uses,
        expires_at=clock.now() + timedelta(days=batch.life) if batch.life else None,
        request_key=f"demo:{batch.name}",
        actor=world.support("lead"),
    )
    world.batches[batch.name] = made.id


def _pause(world: World, batch: Batch) -> None:
    promo.pause(world.session, world.batches[batch.name], actor=world.support("lead"))


def _take(world: World, batch: Batch, key: str, serial: int) -> None:
    code = _code(world, batch.name, serial if batch.count > 1 else 0)
    promo.activate(world.session, customer_id=world.customers[key].id, code=code, actor=world.owner(key))


def _slip(world: World, key: str, text: str) -> None:
    """A try that is refused: ``text`` is a code, or the name of the batch whose first code is tried."""
    code = _code(world, text, 0) if text in world.batches else text
    tried = promo.attempt(world.session, customer_id=world.customers[key].id, code=code, actor=world.owner(key))
    if tried.refusal is None:
        raise RuntimeError("the demo's wrong code was taken")


def _code(world: World, name: str, serial: int) -> str:
    return world.session.scalars(
        sa.select(PromoCode.code)
        .where(PromoCode.batch_id == world.batches[name])
        .order_by(PromoCode.id)
        .offset(serial)
        .limit(1)
    ).one()
