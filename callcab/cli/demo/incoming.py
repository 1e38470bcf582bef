"""Calls to our numbers: people who call back, callers of personal numbers, and those who reach nobody."""

from datetime import timedelta
from random import Random

import sqlalchemy as sa

from callcab.cli.demo import dice
from callcab.cli.demo.numbers import FAMILIAR
from callcab.cli.demo.people import World
from callcab.lib import clock
from callcab.models import Call, NumberKind, NumberState, Outcome, PhoneNumber
from callcab.providers.telephony.base import Event, EventKind, Incoming, Refuse
from callcab.services import inbound_call

# Who called back in the afternoon of a morning with calls: customer, days ago, what he pressed.
CALLED_BACK = (
    ("north", 23, ""), ("north", 9, "1"), ("north", 5, "2"), ("north", 2, "9"), ("north", 1, "1"),
    ("doctor", 15, "1"), ("doctor", 8, "2"), ("doctor", 1, "1"), ("ural", 10, "0"), ("collect", 6, "9"),
)  # fmt: skip
# Whose personal number was called: customer, days ago, how it ended, seconds of talk.
TO_OWNER = (
    ("north", 11, "busy", 0), ("north", 6, "completed", 67), ("north", 1, "completed", 128),
    ("doctor", 17, "completed", 95), ("doctor", 4, "no_answer", 0), ("ural", 7, "completed", 340),
)  # fmt: skip
# Days ago when somebody called a number where nobody is to be reached.
LOST_WAY = (20, 13, 6, 1)


def plan(world: World) -> None:
    """All in the afternoon, when the calls of the morning are written; needs ``numbers.plan`` and ``mornings.plan``."""
    for index, (key, days, digit) in enumerate(CALLED_BACK):
        at = world.timeline.afternoon(days, 200 + 3 * index)
        world.timeline.add(at, lambda n=index, k=key, d=digit: _call_back(world, dice.dice(f"incoming:{n}"), k, d))
    for index, (key, days, ended, seconds) in enumerate(TO_OWNER):
        at = world.timeline.afternoon(days, 260 + 5 * index)
        caller = dice.mobile(dice.dice(f"incoming:owner:{index}"))
        world.timeline.add(at, lambda args=(key, caller, ended, seconds): _to_owner(world, *args))
    for index, days in enumerate(LOST_WAY):
        rolls = dice.dice(f"incoming:lost:{index}")
        at = world.timeline.afternoon(days, 310 + index)
        world.timeline.add(at, lambda r=rolls, duty=bool(index % 2): _lost_way(world, r, duty))


def _call_back(world: World, rolls: Random, key: str, digit: str) -> None:
    """One of the last whom the customer's campaigns did not reach calls back and hears the menu."""
    missed = (
        sa.select(Call.phone, Call.from_phone)
        .where(Call.customer_id == world.customers[key].id, Call.outcome == Outcome.NO_ANSWER)
        .order_by(Call.created_at.desc(), Call.id.desc())
        .offset(rolls.randrange(8))
        .limit(1)
    )
    found = world.session.execute(missed).first()
    if found is not None:
        _come_in(world, found.from_phone, found.phone, "completed", rolls.randint(9, 40), digit)


def _to_owner(world: World, key: str, caller: int, ended: str, seconds: int) -> None:
    own = (
        sa.select(PhoneNumber.phone)
        .where(PhoneNumber.customer_id == world.customers[key].id, PhoneNumber.kind == NumberKind.PERSONAL)
        .where(PhoneNumber.state == NumberState.VERIFIED)
        .order_by(PhoneNumber.id)
        .limit(1)
    )
    _come_in(world, world.session.scalars(own).one(), caller, ended, seconds)


def _lost_way(world: World, rolls: Random, duty: bool) -> None:
    """Somebody calls a duty number, or a shared one from which nobody called him."""
    duties = sa.select(PhoneNumber.phone).where(PhoneNumber.kind == NumberKind.DUTY).order_by(PhoneNumber.id).limit(1)
    _come_in(world, world.session.scalars(duties).one() if duty else FAMILIAR, dice.mobile(rolls))


def _come_in(world: World, to: int | None, caller: int, ended: str = "", seconds: int = 0, digit: str = "") -> None:
    """The rules answer; a call that is taken ends as said, by the events that a provider would send."""
    start = clock.now()
    reference = f"in-demo-{caller}-{start:%Y%m%d%H%M}"
    answer = inbound_call.receive(world.session, Incoming(reference, f"+{to}", f"+{caller}", start))
    if isinstance(answer, Refuse):
        return
    answered = start + timedelta(seconds=4) if seconds else None
    told: list[tuple[EventKind, int, dict[str, object]]] = []
    if answered:
        told.append((EventKind.ANSWERED, 4, {}))
    if digit:
        told.append((EventKind.DIGIT, 9, {"digit": digit}))
    summary = {"cause": ended, "by": "them", "digits": digit, "seconds": seconds}
    summary["answered_at"] = answered.isoformat() if answered else None
    told.append((EventKind.HANGUP, 4 + (seconds or 20), summary))
    for kind, after, data in told:
        at = start + timedelta(seconds=after)
        with clock.frozen(at):
            inbound_call.on_event(world.session, Event(reference, kind.value, kind, at, data))
