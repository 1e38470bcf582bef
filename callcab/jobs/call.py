"""Places recorded calls, ends lost ones, hangs up on those who asked not to be called."""

import logging
from collections.abc import Sequence

from callcab import queue
from callcab.db import unit_of_work
from callcab.jobs.registry import every, job
from callcab.lib import clock
from callcab.models import Call
from callcab.providers import telephony
from callcab.providers.telephony.base import CallRequest, ProviderDown, RequestRefused
from callcab.scope import Scope
from callcab.services import call as calls

log = logging.getLogger(__name__)
SCOPE = Scope.system("calls")
PLACED_AT_ONCE = 100


@job("call.place", queue="calls", timeout=30)
def place(call_ids: list[int]) -> None:
    """Hand recorded calls over again, after their first worker died."""
    place_all(call_ids)


@job("call.hang_up", queue="calls", timeout=30)
def hang_up(call_id: int) -> None:
    """End a call that is on its way to somebody who does not want it any more."""
    with unit_of_work(SCOPE) as session:
        call = session.get(Call, call_id)
        reference = call.provider_ref if call is not None and call.ended_at is None else None
    if reference:
        telephony.provider().hang_up(reference)


@job("telephony.hang_up", queue="calls", timeout=30)
def hang_up_reference(reference: str) -> None:
    """End a call by its reference: its own record is gone or over."""
    telephony.provider().hang_up(reference)


def place_all(call_ids: Sequence[int]) -> bool:
    """Hand recorded calls over to the provider; False when it took not all of them, and those were given up."""
    with unit_of_work(SCOPE) as session:
        requests = calls.placements(session, call_ids)
    return hand_over(call_ids, requests)


def hand_over(call_ids: Sequence[int], requests: Sequence[CallRequest]) -> bool:
    """As ``place_all``, with requests that were read already."""
    if not requests:
        return True
    try:
        telephony.provider().place(requests)
    except ProviderDown as problem:
        log.warning("calls could not be placed: %s", problem)
        _give_up(call_ids, "telephony.down")
        return False
    except RequestRefused as problem:
        if len(call_ids) > 1:
            # One of them is at fault, and none was taken: each for itself.
            refused = [call_id for call_id in call_ids if not place_all([call_id])]
            return not refused
        log.error("the provider refuses a call: %s", problem.code)
        _give_up(call_ids, problem.code)
        return False
    return True


@every(10)
def sweep() -> None:
    """End calls whose last event never came; place those whose worker died in between (F-05)."""
    now = clock.now()
    with unit_of_work(SCOPE) as session:
        calls.reap(session, calls.overdue(session, now=now), now=now)
    with unit_of_work(SCOPE) as session:
        unplaced = calls.unplaced(session, now=now)
    for start in range(0, len(unplaced), PLACED_AT_ONCE):
        queue.send("call.place", {"call_ids": unplaced[start : start + PLACED_AT_ONCE]})


def _give_up(call_ids: Sequence[int], code: str) -> None:
    with unit_of_work(SCOPE) as session:
        calls.give_up(session, call_ids, code=code)
