"""How the dialer of Asterisk passes events on to the rules: in batches, in order, nothing lost."""

import asyncio
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from callcab.providers.telephony.asterisk.telling import Telling
from callcab.providers.telephony.base import Answer, Cause, Event, EventKind, Incoming, Refuse
from tests import loop

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


class Rules:
    """Keeps the batches; the first ``trouble`` of them are not taken."""

    def __init__(self, trouble: int = 0) -> None:
        self.batches: list[list[str]] = []
        self.trouble = trouble

    def events(self, events: Sequence[Event]) -> Collection[str]:
        if self.trouble:
            self.trouble -= 1
            raise RuntimeError("the database is away")
        self.batches.append([event.key for event in events])
        return ()

    def incoming(self, call: Incoming) -> Answer:
        return Refuse(Cause.REJECTED)


def event(key: str, kind: EventKind = EventKind.HANGUP, reference: str = "c-1") -> Event:
    return Event(reference, key, kind, NOW)


async def nothing(events: Sequence[Event], fresh: Collection[str]) -> None:
    return None


def told(rules: Rules, *groups: Sequence[Event], pause: float, after: float = 0.6) -> list[list[str]]:
    """Tell each group after a pause; the batches that came of it."""

    async def run() -> None:
        with ThreadPoolExecutor(1) as pool:
            telling = Telling(rules, pool, nothing)
            work = asyncio.create_task(telling.run())
            for group in groups:
                await asyncio.sleep(pause)
                telling.tell(group)
            await asyncio.sleep(after)
            work.cancel()

    loop.run(run())
    return rules.batches


def test_events_that_come_one_after_the_other_are_told_together_in_their_order() -> None:
    keys = [str(number) for number in range(40)]
    batches = told(Rules(), *([event(key)] for key in keys), pause=0.005)
    assert [key for batch in batches for key in batch] == keys
    assert len(batches) <= len(keys) / 2


def test_an_end_after_a_silence_is_told_at_once() -> None:
    assert told(Rules(), [event("end")], pause=0.4, after=0.25) == [["end"]]


def test_progress_is_told_by_itself_when_nothing_urgent_comes() -> None:
    steps = [event("ringing", EventKind.RINGING), event("answered", EventKind.ANSWERED)]
    assert [key for batch in told(Rules(), steps, pause=0.4) for key in batch] == ["ringing", "answered"]


def test_what_was_not_taken_is_told_again() -> None:
    assert told(Rules(trouble=2), [event("end")], pause=0.2, after=3) == [["end"]]
