"""Letting a number rest: no campaign gets it for a while; the one that has it keeps it."""

from datetime import datetime, timedelta

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.errors import Invalid
from callcab.models import NumberKind, NumberState, PhoneNumber
from callcab.scope import Actor
from callcab.services.phone_number.history import locked, note, record

LONGEST = timedelta(days=90)


def rest(session: CabSession, number_id: int, *, until: datetime, actor: Actor, reason: str = "") -> PhoneNumber:
    """Keep a number of the pool from new campaigns until then; it ends by itself. Flushed.

    raises  NotFound, Invalid("number.kind_not_pool"), Invalid("number.blocked"), Invalid("number.rest_until")
    """
    number = locked(session, number_id)
    if number.kind is NumberKind.PERSONAL:
        raise Invalid("number.kind_not_pool")
    if number.state is NumberState.BLOCKED:
        raise Invalid("number.blocked")
    if not clock.now() < until <= clock.now() + LONGEST:
        raise Invalid("number.rest_until", field="days", limit=LONGEST.days)
    before = number.rests_until
    number.rests_until = until
    note(session, number, "rest", actor=actor, until=until.isoformat(), reason=reason)
    record(session, "number.rest", number, actor, {"rests_until": before}, {"rests_until": until}, reason)
    return number


def wake(session: CabSession, number_id: int, *, actor: Actor) -> PhoneNumber:
    """End a rest early. Flushed. NotFound, Invalid("number.not_resting")."""
    number = locked(session, number_id)
    if number.rests_until is None or number.rests_until <= clock.now():
        raise Invalid("number.not_resting")
    before = number.rests_until
    number.rests_until = None
    note(session, number, "rest_over", actor=actor)
    record(session, "number.wake", number, actor, {"rests_until": before}, {"rests_until": None})
    return number
