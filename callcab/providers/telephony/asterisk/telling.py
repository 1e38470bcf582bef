"""Delivers events to the rules in batches, in the order of each call, again and again until they were taken."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import Executor

from callcab.providers.telephony.base import Event, EventKind, Listener

log = logging.getLogger(__name__)

BATCH = 300
# A batch costs the rules nearly the same, however many events are in it: while calls are many, so long is gathered.
# What comes after a silence is told at once.
GATHER_S = 0.1
# Somebody waits for these: a call to be dialled, a line to be free. The others come with them, or a little later.
URGENT = (EventKind.PLACED, EventKind.HANGUP)
LATER_S = 0.3
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
# So many calls in a row that fail mean that all would.
ENOUGH_FAILURES = 3

Told = Callable[[Sequence[Event], Collection[str]], Awaitable[None]]


class Telling:
    """The queue of events. ``told`` hears of each batch that was taken, and which references may be dialled.

    One call whose events the rules can't take waits alone, longer and longer; the others go on.
    """

    def __init__(self, listener: Listener, executor: Executor, told: Told) -> None:
        self._listener = listener
        self._executor = executor
        self._told = told
        self._queue: list[Event] = []
        self._held: dict[str, tuple[float, float, list[Event]]] = {}
        self._news = asyncio.Event()

    def tell(self, events: Sequence[Event]) -> None:
        for event in events:
            held = self._held.get(event.reference)
            if held is not None:
                held[2].append(event)
            else:
                self._queue.append(event)
            if event.kind in URGENT:
                self._news.set()

    async def run(self) -> None:
        begun = 0.0
        while True:
            if len(self._queue) < BATCH:
                await asyncio.sleep(begun + GATHER_S - time.monotonic())
            begun = time.monotonic()
            await self.round()
            if not self._queue:
                self._news.clear()
                try:
                    async with asyncio.timeout(LATER_S):
                        await self._news.wait()
                except TimeoutError:
                    pass

    async def round(self) -> None:
        """Deliver one batch and what waited long enough."""
        batch, self._queue = self._queue[:BATCH], self._queue[BATCH:]
        if batch and not await self._deliver(batch):
            await self._one_by_one(batch)
        for reference, (until, wait, events) in list(self._held.items()):
            if until <= time.monotonic() and not await self._one_call(reference, events, min(wait * 2, LONGEST_WAIT_S)):
                return

    async def _one_by_one(self, batch: Sequence[Event]) -> None:
        """Somebody's events are to blame, or the database is away."""
        calls: dict[str, list[Event]] = {}
        for event in batch:
            calls.setdefault(event.reference, []).append(event)
        failures = 0
        for number, (reference, events) in enumerate(calls.items()):
            failures += not await self._one_call(reference, events, FIRST_WAIT_S)
            if failures == ENOUGH_FAILURES:
                rest = list(calls.values())[number + 1 :]
                self._queue = [event for events in rest for event in events] + self._queue
                await asyncio.sleep(FIRST_WAIT_S)
                return

    async def _one_call(self, reference: str, events: list[Event], wait: float) -> bool:
        self._held[reference] = (time.monotonic() + wait, wait, events)
        count = len(events)
        if not await self._deliver(events[:count]):
            log.warning("events of call %s could not be handled; again in %.0f s", reference, wait)
            return False
        _, _, events = self._held.pop(reference)
        self._queue = events[count:] + self._queue
        return True

    async def _deliver(self, events: Sequence[Event]) -> bool:
        loop = asyncio.get_running_loop()
        try:
            fresh = await loop.run_in_executor(self._executor, self._listener.events, events)
        except Exception as problem:
            log.warning("events could not be handled: %s: %s", type(problem).__name__, problem)
            return False
        await self._told(events, fresh)
        return True

    @property
    def idle(self) -> bool:
        return not self._queue and not self._held
