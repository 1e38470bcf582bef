"""Comparing our calls with the line's channels while some are just being dialled."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, cast

from callcab.lib import clock
from callcab.providers.telephony.asterisk import Connection, Reply, Trunk
from callcab.providers.telephony.asterisk.conversation import begin
from callcab.providers.telephony.asterisk.lines import Lines
from callcab.providers.telephony.asterisk.prompts import Prompts
from callcab.providers.telephony.asterisk.reception import Arrivals
from callcab.providers.telephony.asterisk.reconciling import reconcile
from callcab.providers.telephony.base import CallKind, CallRequest, Cause, Event
from tests import loop


class SlowLine(Connection):
    """Takes its time to place a call, and has no channel of it meanwhile or ever."""

    def __init__(self) -> None:
        super().__init__()
        self.placed = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def drop(self) -> None:
        return None

    async def directly(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Reply:
        if method == "POST":
            await self.placed.wait()
            return Reply(200, None)
        return Reply(200, [] if path == "channels" else {})


def test_a_call_that_is_just_being_dialled_is_not_taken_for_lost() -> None:
    told: list[Event] = []

    async def scene() -> None:
        line = SlowLine()
        lines = Lines(
            Trunk("callcab", "PJSIP/{e164}@trunk", ""), cast(Prompts, None), told.extend, cast(Arrivals, None)
        )
        lines.ari = line
        request = CallRequest("t-1", "+79250000001", (), CallKind.CAMPAIGN)
        lines.add(begin(request, clock.now()))
        lines.dial("t-1")
        await asyncio.sleep(0)
        await reconcile(lines, line, adopt=False, arriving=())
        assert told == []
        line.placed.set()
        await asyncio.sleep(0.01)
        await reconcile(lines, line, adopt=False, arriving=())

    loop.run(scene())
    assert [event.data["cause"] for event in told] == [Cause.LOST]
