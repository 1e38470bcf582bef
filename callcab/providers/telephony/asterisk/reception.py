"""Somebody calls one of our numbers: ask the rules, then turn him away, ring somebody, or lead him through a menu."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from callcab.lib import clock
from callcab.lib import phone as phones
from callcab.providers.telephony.asterisk.conversation import come_in
from callcab.providers.telephony.asterisk.lines import Lines, moment
from callcab.providers.telephony.base import Answer, Cause, Follow, Incoming, Refuse, Step

log = logging.getLogger(__name__)

# A caller who hears nothing for longer hangs up; the line's own patience is not much longer.
RULES_S = 10.0
DIGITS = re.compile(r"\+?[0-9]{2,15}")
# A reference has at most 64.
MOST_CHARACTERS = 60


class Arrivals:
    """Implements ``lines.Reception``. ``ask`` brings a question to the rules, ``prepare`` has prompts spoken."""

    def __init__(
        self, ask: Callable[[Incoming], Awaitable[Answer]], prepare: Callable[[Sequence[Step]], Awaitable[None]]
    ) -> None:
        self._ask = ask
        self._prepare = prepare
        self.lines: Lines | None = None
        self.arriving: dict[str, bool] = {}

    def heard(self, channel: str, event: Mapping[str, Any]) -> None:
        """A new caller, or one who hung up before the rules had answered."""
        arguments = event.get("args") or [""]
        if event.get("type") == "StasisEnd" and channel in self.arriving:
            self.arriving[channel] = False
        elif event.get("type") == "StasisStart" and arguments[0] == "inbound" and self.lines is not None:
            self.arriving[channel] = True
            self.lines.spawn(self._receive(self.lines, channel, arguments[1:], event))

    async def _receive(self, lines: Lines, channel: str, arguments: list[str], event: Mapping[str, Any]) -> None:
        to, caller = [*arguments, "", ""][:2]
        reference = "in-" + channel[-MOST_CHARACTERS:]
        call = Incoming(reference, number(to), number(caller), moment(event))
        answer = await self._decide(call)
        conversation = come_in(call, answer, channel)
        here = self.arriving.pop(channel)
        lines.add(conversation)
        if not here:
            conversation.ended(clock.now(), Cause.NO_ANSWER, "them")
        lines.flow(lines.calls[reference])

    async def _decide(self, call: Incoming) -> Answer:
        """What the rules say; when they can't, nobody is left hanging."""
        try:
            async with asyncio.timeout(RULES_S):
                answer = await self._ask(call)
                if isinstance(answer, Follow):
                    await self._prepare(answer.scenario)
            return answer
        except Exception as problem:
            log.error("nobody decided about an incoming call: %s: %s", type(problem).__name__, problem)
        return Refuse(Cause.CONGESTION)


def number(text: str) -> str:
    """A number as E.164 as far as it is one; empty when it is hidden or no number."""
    try:
        return phones.parse(text).e164
    except phones.PhoneError:
        return text if DIGITS.fullmatch(text) else ""
