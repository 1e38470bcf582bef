"""Outgoing numbers: the pool of 1 945, rentals, blocked ones, personal ones, and verifications with every outcome."""

from datetime import timedelta

import sqlalchemy as sa

from callcab.cli.demo import dice
from callcab.cli.demo.people import World
from callcab.lib import clock
from callcab.lib import phone as phones
from callcab.models import NumberKind, NumberState, PhoneNumber, Verification
from callcab.providers.telephony.base import Event, EventKind
from callcab.services import phone_number as numbers
from callcab.services import verification

POOL = 1_945
DUTY = 12
# The number of the product's own pictures.
FAMILIAR = 79253944577
RENTALS = (("north", 6, 38), ("north", 4, 20), ("ural", 5, 45), ("doctor", 3, 30), ("collect", 2, 25))
_SILENT = {"no_answer", "busy", "rejected", "unallocated", "unreachable", "congestion"}
# Customer, days ago, how the call ended; three of one number would be its limit for a day.
ATTEMPTS = (
    ("north", 40, "verified"), ("north", 33, "no_answer"), ("north", 31, "wrong_digit"), ("north", 12, "verified"),
    ("doctor", 44, "verified"), ("doctor", 30, "busy"), ("doctor", 21, "hangup_before_digit"),
    ("ural", 41, "verified"), ("ural", 28, "rejected"), ("ural", 19, "machine"), ("ural", 9, "unavailable"),
    ("collect", 37, "verified"), ("collect", 26, "unallocated"), ("collect", 14, "expired"),
    ("maria", 36, "no_input"), ("maria", 35, "by_hand"), ("maria", 8, "unreachable"),
    ("volga", 29, "cancelled"), ("volga", 27, "taken"), ("volga", 16, "congestion"), ("volga", 5, "verified"),
)  # fmt: skip


def plan(world: World) -> None:
    rolls = dice.dice("numbers")
    pool = {FAMILIAR}
    while len(pool) < POOL:
        pool.add(dice.mobile(rolls) if rolls.random() < 0.8 else dice.fixed(rolls))
    shared = sorted(pool - {FAMILIAR}, key=lambda _: rolls.random())
    duty, shared = shared[:DUTY], [FAMILIAR, *shared[DUTY:]]
    portions = [(59, shared[:800]), (51, shared[800:1_300]), (23, shared[1_300:])]
    for days, phones_added in portions:
        world.timeline.add(
            world.timeline.afternoon(days), lambda batch=phones_added: _add(world, batch, NumberKind.SHARED)
        )
    world.timeline.add(world.timeline.afternoon(58), lambda: _add(world, duty, NumberKind.DUTY))
    for key, days, length in RENTALS:
        for index in range(2):
            world.timeline.add(world.timeline.afternoon(days, 40 + index), lambda k=key, n=length: _rent(world, k, n))
    world.timeline.add(world.timeline.afternoon(1, 30), lambda: _end_rentals(world))
    for key, days in (("north", 30), ("ural", 30)):
        world.timeline.add(world.timeline.afternoon(1, 50), lambda k=key, n=days: _prolong(world, k, n))
    world.timeline.add(world.timeline.afternoon(1, 70), lambda: _rest(world))
    for index, reason in enumerate(("Жалобы абонентов на спам", "Оператор отозвал номер", "Не проходят вызовы")):
        world.timeline.add(world.timeline.afternoon(10 - index, 90), lambda text=reason: _block(world, text))
    for index, (key, days, outcome) in enumerate(ATTEMPTS):
        phone = 79_161_000_000 + rolls.randrange(900_000)
        world.timeline.add(
            world.timeline.afternoon(days, 120 + 5 * index), lambda args=(key, phone, outcome): _verify(world, *args)
        )
    # Still going on when the demo starts: the simulator makes this call.
    world.timeline.add(world.timeline.ago(0.2), lambda: _request(world, "north", 79_037_654_321))


def _add(world: World, batch: list[int], kind: NumberKind) -> None:
    numbers.add_to_pool(world.session, phones=batch, kind=kind, actor=world.support("lead"))


def _free(world: World) -> PhoneNumber:
    return world.session.scalars(
        sa.select(PhoneNumber)
        .where(PhoneNumber.kind == NumberKind.SHARED, PhoneNumber.state == NumberState.FREE)
        .where(PhoneNumber.customer_id.is_(None), PhoneNumber.phone != FAMILIAR)
        .order_by(PhoneNumber.id.desc())
        .limit(1)
    ).one()


def _rent(world: World, key: str, days: int) -> None:
    until = clock.now() + timedelta(days=days)
    customer_id = world.customers[key].id
    numbers.rent(world.session, number_id=_free(world).id, customer_id=customer_id, until=until, actor=world.support())


def _end_rentals(world: World) -> None:
    numbers.end_rentals(world.session, now=clock.now())


def _prolong(world: World, key: str, days: int) -> None:
    """One rental of the customer goes on by itself."""
    mine = sa.select(PhoneNumber).where(PhoneNumber.customer_id == world.customers[key].id)
    rented = mine.where(PhoneNumber.rented_until.is_not(None)).order_by(PhoneNumber.id).limit(1)
    number = world.session.scalars(rented).one()
    numbers.set_prolonging(world.session, number.id, days, customer_id=number.customer_id, actor=world.owner(key))


def _rest(world: World) -> None:
    until = clock.now() + timedelta(days=7)
    numbers.rest(world.session, _free(world).id, until=until, actor=world.support(), reason="Упал дозвон, ждём неделю")


def _block(world: World, reason: str) -> None:
    numbers.block(world.session, _free(world).id, actor=world.support("lead"), reason=reason)


def _request(world: World, key: str, phone: int) -> Verification:
    return verification.request(
        world.session, customer_id=world.customers[key].id, text=phones.from_int(phone), actor=world.owner(key)
    )


def _verify(world: World, key: str, phone: int, outcome: str) -> None:
    """Ask for a call and let it end as wanted, by the events that a provider would send."""
    attempt = _request(world, key, phone)
    session = world.session
    if outcome == "unavailable":
        verification.fail_unavailable(session, attempt.id)
    elif outcome == "cancelled":
        verification.cancel(session, number_id=int(attempt.number_id or 0), actor=world.owner(key))
    elif outcome == "by_hand":
        verification.placement(session, attempt.id)
        _events(world, attempt, "no_answer")
        verification.confirm_by_hand(
            session, attempt.id, actor=world.support("lead"), reason="Договор с оператором предъявлен, скан в письме"
        )
    elif outcome == "expired":
        verification.placement(session, attempt.id)
        with clock.frozen(clock.now() + timedelta(minutes=5)):
            verification.expire(session, now=clock.now())
    else:
        verification.placement(session, attempt.id)
        if outcome == "taken":
            _add(world, [phone], NumberKind.DUTY)
        _events(world, attempt, "verified" if outcome == "taken" else outcome)


def _events(world: World, attempt: Verification, outcome: str) -> None:
    start = clock.now()
    digits = {"verified": "1", "wrong_digit": "5"}.get(outcome, "")
    answered = None if outcome in _SILENT else start + timedelta(seconds=9)
    told = [(EventKind.PLACED, 1, {}), (EventKind.RINGING, 3, {})]
    if answered:
        told.append((EventKind.ANSWERED, 9, {}))
    if digits:
        told.append((EventKind.DIGIT, 16, {"digit": digits}))
    summary = {
        "cause": outcome if outcome in _SILENT or outcome == "machine" else "completed",
        "by": "them" if outcome == "hangup_before_digit" else "us",
        "digits": digits,
        "answered_at": answered.isoformat() if answered else None,
        "seconds": 12 if answered else 0,
    }
    told.append((EventKind.HANGUP, 21, summary))
    for kind, seconds, data in told:
        at = start + timedelta(seconds=seconds)
        with clock.frozen(at):
            event = Event(str(attempt.provider_ref), kind.value, kind, at, data)
            verification.on_event(world.session, event)
