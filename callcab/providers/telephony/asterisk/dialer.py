"""The process that holds the lines: takes requests on, dials them, hears Asterisk, tells the rules.

One of them at a time (``heartbeat``). Everything runs on one event loop; the rules, the store and the voices are asked
in threads, so that nobody's call waits for a database.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import redis

from callcab.lib import clock
from callcab.providers.speech import SpeechUnavailable
from callcab.providers.telephony.asterisk.ari import AriDenied, AriDown, Connection, name
from callcab.providers.telephony.asterisk.conversation import Conversation, begin
from callcab.providers.telephony.asterisk.lines import EVENTS, Lines, Replaced
from callcab.providers.telephony.asterisk.prompts import Prompts
from callcab.providers.telephony.asterisk.reception import Arrivals
from callcab.providers.telephony.asterisk.reconciling import reconcile
from callcab.providers.telephony.asterisk.store import Store
from callcab.providers.telephony.asterisk.telling import Telling
from callcab.providers.telephony.asterisk.trunk import Trunk
from callcab.providers.telephony.base import (
    Answer,
    CallRequest,
    Cause,
    Event,
    EventKind,
    Incoming,
    Listener,
    Step,
)
from callcab.providers.telephony.heartbeat import Place

log = logging.getLogger(__name__)
T = TypeVar("T")

PULSE_S = 1.0
ROUND_S = 0.05
AT_ONCE = 200
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 5.0
RECONCILE_S = 60.0
# A request that waited this long for Asterisk is not dialled any more: the rules may try again later.
STALE_S = 60.0
GOODBYE_S = 5.0
SWEEP_S = 6 * 3600.0
MOST_UNWANTED = 1000
TRUNK_STATES = {
    403: "telephony.line_denied",
    404: "telephony.trunk_unknown",
    503: "telephony.line_away",
}


class LostPlace(Exception):
    """Another process listens now."""


class Stopped(Exception):
    """We were asked to go."""


class Dialer:
    """One run of ``listen``. ``connection`` makes a connection to the line that is not open yet."""

    def __init__(
        self,
        store: Store,
        place: Place,
        trunk: Trunk,
        prompts: Prompts,
        connection: Callable[[], Connection],
        listener: Listener,
        stop: threading.Event,
    ) -> None:
        self._store = store
        self._place = place
        self._prompts = prompts
        self._connection = connection
        self._stop = stop
        # One asks whether calls may be dialled, one tells how they go, one asks about callers: none waits for another.
        self._rules = ThreadPoolExecutor(3, "rules")
        self._store_thread = ThreadPoolExecutor(1, "store")
        self._voices = ThreadPoolExecutor(2, "voices")
        self._listener = listener
        self._telling = Telling(listener, self._rules, self._told)
        self._asking = Telling(listener, self._rules, self._told)
        self._arrivals = Arrivals(self._ask_rules, self._have_spoken)
        self._lines = self._arrivals.lines = Lines(trunk, prompts, self._telling.tell, self._arrivals)
        self._asked: dict[str, CallRequest] = {}
        self._unwanted: dict[str, None] = {}
        self._over: set[str] = set()
        self._state = "telephony.line_away"

    async def run(self) -> None:
        """Until stopped, or until another one listens (then LostPlace)."""
        lost = False
        try:
            for call in await self._in_store(self._store.load):
                # Another process had the prompts made; this one has to know their names.
                await self._have_spoken(call.scenario)
                self._lines.add(call)
            async with asyncio.TaskGroup() as group:
                tellings = (self._asking.run(), self._telling.run())
                for work in (self._pulse(), self._connect(), self._feed(), self._sweep(), *tellings):
                    group.create_task(work)
        except* Stopped:
            await self._say_goodbye()
        except* LostPlace:
            lost = True
        finally:
            for pool in (self._rules, self._store_thread, self._voices):
                pool.shutdown(wait=False, cancel_futures=True)
        if lost:
            raise LostPlace

    # Staying the one who listens

    async def _pulse(self) -> None:
        while not self._stop.is_set():
            said = self._state
            try:
                if not await self._in_store(self._place.take):
                    raise LostPlace
                await self._in_store(self._store.say_line, said)
            except redis.RedisError as problem:
                # Nobody else can take the place either; calls that are up go on.
                log.warning("the store is away: %s", problem)
            for _ in range(10):
                await asyncio.sleep(PULSE_S / 10)
                if self._stop.is_set() or self._state != said:
                    break
        raise Stopped

    async def _say_goodbye(self) -> None:
        """Tell and keep what is known; calls stay up for the next one."""
        until = time.monotonic() + GOODBYE_S
        while not (self._asking.idle and self._telling.idle) and time.monotonic() < until:
            await self._asking.round()
            await self._telling.round()
        try:
            await self._save()
            await self._in_store(self._store.forget_line)
            await self._in_store(self._place.leave)
        except redis.RedisError:
            log.info("the heartbeat runs out by itself")

    # Asterisk

    async def _connect(self) -> None:
        """Hold a connection, and make a new one whenever it ends."""
        wait = FIRST_WAIT_S
        while True:
            try:
                async with self._connection() as ari:
                    await self._greet(ari)
                    wait = FIRST_WAIT_S
                    await self._hear(ari)
                    log.warning("the connection to the line ended")
            except AriDenied as problem:
                self._say("telephony.line_denied")
                log.error("the line refuses our user name or password (%s)", problem)
            except AriDown as problem:
                self._say("telephony.line_away")
                log.warning("the line can't be reached: %s", problem)
            except Replaced:
                log.error("another program listens under our application's name (CALLCAB_ARI_APP)")
                raise LostPlace from None
            finally:
                self._lines.ari = None
            self._say(self._state if self._state != "ok" else "telephony.line_away")
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_S)

    async def _greet(self, ari: Connection) -> None:
        app = name(self._lines.trunk.app)
        allowed = {"allowed": [{"type": kind} for kind in EVENTS]}
        filtered = await ari.request("PUT", f"applications/{app}/eventFilter", allowed)
        if not filtered.ok:
            log.info("this Asterisk sends all its events; it has no filter")
        self._lines.ari = ari
        await reconcile(self._lines, ari, adopt=True, arriving=self._arrivals.arriving)
        await self._check_trunk(ari)
        log.info("connected to the line with %d calls", len(self._lines.calls))

    async def _check_trunk(self, ari: Connection) -> None:
        """Without the way out every call would fail, one by one; better that none is dialled."""
        resource = self._lines.trunk.resource
        status = (await ari.request("GET", f"endpoints/{resource}")).status if resource else 200
        state = TRUNK_STATES.get(status, "ok")
        if state != "ok" and state != self._state:
            log.error("there is no way out through %s: status %d", resource, status)
        self._say(state)

    async def _hear(self, ari: Connection) -> None:
        async def compare() -> None:
            while True:
                await asyncio.sleep(RECONCILE_S)
                try:
                    await reconcile(self._lines, ari, adopt=False, arriving=self._arrivals.arriving)
                    await self._check_trunk(ari)
                except AriDown as problem:
                    log.warning("the channels could not be read: %s", problem)

        comparing = asyncio.create_task(compare())
        try:
            async for event in ari.events():
                try:
                    if event.get("type") == "EndpointStateChange":
                        await self._check_trunk(ari)
                    else:
                        self._lines.heard(event)
                except Replaced:
                    raise
                except Exception:
                    # One call's trouble is not everybody's.
                    log.exception("an event of the line could not be handled: %s", event.get("type"))
        finally:
            comparing.cancel()

    async def _ask_rules(self, call: Incoming) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._rules, self._listener.incoming, call)

    def _say(self, state: str) -> None:
        self._state = state

    # Requests

    async def _feed(self) -> None:
        """Take new requests on, keep states, hear who shall be hung up: one look at the store each round."""
        while True:
            try:
                for reference in await self._save():
                    self._hang_up(reference)
                if len(self._asked) < AT_ONCE:
                    await self._take_requests()
            except redis.RedisError as problem:
                log.warning("the store is away: %s", problem)
                await asyncio.sleep(1)
            await asyncio.sleep(ROUND_S)

    async def _save(self) -> list[str]:
        dirty, over = self._lines.dirty, self._over
        self._lines.dirty, self._over = set(), set()
        calls = [self._lines.calls[reference].call for reference in dirty if reference in self._lines.calls]
        try:
            return await self._in_store(self._store.save, calls, over)
        except redis.RedisError:
            self._lines.dirty |= dirty
            self._over |= over
            raise

    def _hang_up(self, reference: str) -> None:
        if reference in self._lines.calls:
            self._lines.stop(reference)
        else:
            # Perhaps it waits still; perhaps it ended long ago.
            self._unwanted[reference] = None
            if len(self._unwanted) > MOST_UNWANTED:
                del self._unwanted[next(iter(self._unwanted))]

    async def _take_requests(self) -> None:
        connected = self._lines.ari is not None and self._state == "ok"
        taken, scenarios = [], []
        for request, placed_at in await self._in_store(self._store.due, AT_ONCE, set(self._asked)):
            stale = (clock.now() - placed_at).total_seconds() > STALE_S
            if not (connected or stale):
                continue
            self._asked[request.reference] = request
            taken.append(request)
            if not stale:
                scenarios.append(request.scenario)
        # Names and sums make a prompt of its own for each contact: all voices speak at once.
        await asyncio.gather(*map(self._have_spoken, scenarios))
        for request in taken:
            self._tell_placed(request)

    async def _have_spoken(self, scenario: Sequence[Step]) -> None:
        """Make the prompts before anybody answers; calls of one campaign have the same. Failures are only logged."""
        if self._prompts.fresh(scenario):
            return
        try:
            await asyncio.get_running_loop().run_in_executor(self._voices, self._prompts.prepare, scenario)
        except SpeechUnavailable as problem:
            log.error("a prompt can't be spoken: %s", problem.code)
        except OSError as problem:
            log.error("a sound can't be read or written: %s", problem)

    async def _sweep(self) -> None:
        """Keep the folder of sounds from growing for ever."""
        while True:
            try:
                gone = await asyncio.get_running_loop().run_in_executor(self._voices, self._prompts.sweep)
                log.info("%d sounds that no call used for a month were removed", gone)
            except OSError as problem:
                log.warning("the folder of sounds can't be swept: %s", problem)
            await asyncio.sleep(SWEEP_S)

    def _tell_placed(self, request: CallRequest) -> None:
        self._asking.tell([Event(request.reference, "placed", EventKind.PLACED, clock.now())])

    def _tell_lost(self, request: CallRequest) -> None:
        """It was told as placed before, or may not ring: nobody dials it, and nobody shall wait for it (``base``)."""
        call = begin(request, clock.now())
        call.ended(clock.now(), Cause.LOST, "us")
        self._telling.tell(call.events)

    async def _told(self, events: Sequence[Event], fresh: Collection[str]) -> None:
        """These events were taken: dial what is new, forget what ended."""
        taken, dropped = [], []
        for event in events:
            if event.kind is EventKind.HANGUP:
                self._lines.drop(event.reference)
                self._over.add(event.reference)
            elif event.kind is EventKind.PLACED:
                request = self._asked.get(event.reference)
                if request is None or event.reference in self._lines.calls:
                    dropped.append(event.reference)
                elif event.reference in fresh:
                    taken.append(begin(request, clock.now()))
                else:
                    dropped.append(event.reference)
                    self._tell_lost(request)
        if taken or dropped:
            await self._take_on(taken, dropped)

    async def _take_on(self, taken: Sequence[Conversation], dropped: Sequence[str]) -> None:
        for call in taken:
            self._lines.add(call)
        while True:
            try:
                await self._in_store(self._store.take_on, taken, dropped)
                break
            except redis.RedisError as problem:
                log.warning("the store is away: %s", problem)
                await asyncio.sleep(1)
        for reference in (*dropped, *(call.reference for call in taken)):
            self._asked.pop(reference, None)
        for call in taken:
            self._start(call)

    def _start(self, call: Conversation) -> None:
        if call.reference in self._unwanted:
            del self._unwanted[call.reference]
            call.stopped = True
            self._lines.give_up(call.reference, Cause.NO_ANSWER)
        elif not self._prompts.ready(call.scenario) or self._lines.ari is None:
            self._lines.give_up(call.reference, Cause.CONGESTION)
        else:
            self._lines.dial(call.reference)

    async def _in_store(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._store_thread, work, *arguments)
