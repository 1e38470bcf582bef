"""The calls that are up, between Asterisk and their conversations: its events go in, their commands go out.

The id of a channel is made of the reference, and Asterisk refuses an id that it has: so no call can be placed twice.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from callcab.lib import clock
from callcab.providers.telephony.asterisk import causes
from callcab.providers.telephony.asterisk.ari import Ari, AriDown, name
from callcab.providers.telephony.asterisk.conversation import (
    Conversation,
    Detect,
    End,
    Hush,
    Join,
    Limit,
    Say,
    Wait,
)
from callcab.providers.telephony.asterisk.prompts import Prompts
from callcab.providers.telephony.base import Cause, Event

log = logging.getLogger(__name__)

DIAL_AT_ONCE = 40
# Asterisk's own limit comes a little later than ours: it is for when we are gone.
MARGIN_S = 2
HANGING_UP_S = 0.5
LEG = ".leg"
# What Asterisk tells of a channel besides is of no use to us, and there is a lot of it. The answers to our requests
# pass the same filter.
EVENTS = (
    "ApplicationReplaced",
    "ChannelDestroyed",
    "ChannelDtmfReceived",
    "ChannelHangupRequest",
    "Dial",
    "PlaybackFinished",
    "RESTResponse",
    "StasisStart",
)


class Replaced(Exception):
    """Another program took over our application's events."""


@dataclass(frozen=True)
class Trunk:
    """How to reach people through this Asterisk: application, template of the endpoint, dialplan context of AMD."""

    app: str
    endpoint: str
    machine_context: str

    @property
    def resource(self) -> str:
        """Technology and name of the endpoint, as ``PJSIP/trunk``; empty when the template doesn't show it."""
        technology, _, rest = self.endpoint.partition("/")
        found = rest.rpartition("@")[2] if rest.startswith("{") and "@" in rest else rest.partition("/")[0]
        return f"{technology}/{found}" if technology == "PJSIP" and "{" not in found else ""

    def address(self, number: str) -> str:
        return self.endpoint.replace("{number}", number.lstrip("+")).replace("{e164}", number)


@dataclass
class Live:
    """A call with what is known only while we listen."""

    call: Conversation
    dialled: str = ""
    refused: bool = False
    order: asyncio.Lock = field(default_factory=asyncio.Lock)
    timers: list[asyncio.TimerHandle] = field(default_factory=list)


class Lines:
    """All calls of this dialer. ``tell`` takes events; ``dirty`` and ``over`` are what the store has to be told."""

    def __init__(self, trunk: Trunk, prompts: Prompts, tell: Callable[[Sequence[Event]], None]) -> None:
        self.trunk = trunk
        self._prompts = prompts
        self._tell = tell
        self.ari: Ari | None = None
        self.calls: dict[str, Live] = {}
        self.dirty: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._dialling = asyncio.Semaphore(DIAL_AT_ONCE)

    # Calls

    def add(self, call: Conversation) -> None:
        """A call that was taken on; ``dial`` or ``reconcile`` comes next."""
        self.calls[call.reference] = Live(call)

    def dial(self, reference: str) -> None:
        self._spawn(self._dial(self.calls[reference]))

    def stop(self, reference: str) -> None:
        live = self.calls.get(reference)
        if live is not None:
            live.call.hang_up()
            self._flow(live)

    def drop(self, reference: str) -> None:
        """Its end was told; nothing of it is left to know."""
        live = self.calls.pop(reference, None)
        self.dirty.discard(reference)
        for timer in live.timers if live else ():
            timer.cancel()

    def give_up(self, reference: str, cause: Cause) -> None:
        """This call was not dialled, or is gone without a word."""
        live = self.calls[reference]
        live.call.ended(clock.now(), cause, "us")
        self._flow(live)

    def channel(self, reference: str) -> str:
        return f"{self.trunk.app}-{reference}"

    async def _dial(self, live: Live) -> None:
        call = live.call
        body: dict[str, Any] = {
            "endpoint": self.trunk.address(call.to),
            "app": self.trunk.app,
            "appArgs": "call",
            "timeout": call.ring_seconds,
            "variables": {"TIMEOUT(absolute)": str(call.ring_seconds + call.longest_seconds + MARGIN_S)},
        }
        if call.caller_id:
            body["callerId"] = call.caller_id
        async with self._dialling:
            ari = self.ari
            if ari is None or call.stopped:
                self.give_up(call.reference, Cause.NO_ANSWER if call.stopped else Cause.LOST)
                return
            try:
                reply = await ari.request("POST", f"channels/{name(self.channel(call.reference))}", body)
            except AriDown as problem:
                # Nobody knows whether it rings: a new connection shows which calls there are.
                log.warning("a call was placed without an answer: %s", problem)
                await ari.drop()
                return
        if not reply.ok and reply.status != 409:
            log.error("Asterisk does not place a call: status %s, %s", reply.status, reply.body)
            self.give_up(call.reference, Cause.CONGESTION if reply.status >= 500 else Cause.REQUEST_REFUSED)

    # What Asterisk tells

    def heard(self, event: Mapping[str, Any]) -> None:
        """Raises Replaced."""
        kind = event.get("type")
        if kind == "ApplicationReplaced":
            raise Replaced
        if kind == "PlaybackFinished":
            self._finished(event)
            return
        about = event.get("peer" if kind == "Dial" else "channel") or {}
        channel = str(about.get("id", ""))
        live = self._of(channel)
        if live is None:
            return
        if channel.endswith(LEG):
            self._leg(live, str(kind), event)
        else:
            self._callee(live, str(kind), event)
        self._flow(live)

    def _callee(self, live: Live, kind: str, event: Mapping[str, Any]) -> None:
        call, at = live.call, moment(event)
        if kind == "Dial":
            live.dialled = str(event.get("dialstatus", ""))
            if live.dialled == "RINGING":
                call.rings(at)
        elif kind == "StasisStart":
            arguments = event.get("args") or [""]
            if arguments[0] == "amd":
                call.detected(arguments[1:2] == ["MACHINE"])
            else:
                call.answered(at)
        elif kind == "ChannelDtmfReceived":
            call.pressed(str(event.get("digit", "")), at)
        elif kind == "ChannelHangupRequest":
            live.refused = True
        elif kind == "ChannelDestroyed":
            self._ended(live, event, at)

    def _ended(self, live: Live, event: Mapping[str, Any], at: datetime) -> None:
        call = live.call
        if call.phase == "joined":
            channel = name(self.channel(call.reference))
            self._command(live, "DELETE", f"channels/{channel}{LEG}")
            self._command(live, "DELETE", f"bridges/{channel}")
        q850, sip = int(event.get("cause") or 0), int(event.get("tech_cause") or 0)
        waited = (at - call.began_at).total_seconds() if call.began_at else 0
        # A call that we ended ourselves, or whose time to answer is over without a word from the other side.
        silent = not live.refused and waited >= call.ring_seconds - 1
        if call.stopped or silent:
            call.ended(at, Cause.NO_ANSWER, "us", q850=q850, sip=sip)
        else:
            call.ended(at, causes.of(q850, sip, live.dialled), "them", q850=q850, sip=sip)

    def _finished(self, event: Mapping[str, Any]) -> None:
        playback = event.get("playback") or {}
        channel, _, token = str(playback.get("id", "")).rpartition("~")
        live = self._of(channel)
        if live is None or not token.isdecimal():
            return
        if playback.get("state") == "failed":
            # Also told, and first, when the callee hangs up in the middle of it.
            media, loop = str(playback.get("media_uri")), asyncio.get_running_loop()
            live.timers.append(loop.call_later(HANGING_UP_S, self._unplayable, live, int(token), media))
        else:
            live.call.said(int(token))
            self._flow(live)

    def _unplayable(self, live: Live, token: int, media: str) -> None:
        live.call.unplayable(token)
        if live.call.commands:
            log.error("Asterisk could not play a prompt: %s", media)
        self._flow(live)

    def _leg(self, live: Live, kind: str, event: Mapping[str, Any]) -> None:
        if kind == "StasisStart":
            self._spawn(self._join(live))
        elif kind == "ChannelDestroyed":
            live.call.parted()

    def _of(self, channel: str) -> Live | None:
        prefix = f"{self.trunk.app}-"
        return self.calls.get(channel.removeprefix(prefix).removesuffix(LEG)) if channel.startswith(prefix) else None

    # What conversations want

    def _flow(self, live: Live) -> None:
        """Pass on what a conversation has to say, and do what it wants."""
        call = live.call
        self.dirty.add(call.reference)
        while call.commands:
            command = call.commands.pop(0)
            if isinstance(command, Say) and not self._prompts.media(command.plays):
                call.said(command.token)
            else:
                self._carry_out(live, command)
        events, call.events = call.events, []
        self._tell(events)

    def _carry_out(self, live: Live, command: object) -> None:
        call = live.call
        channel = name(self.channel(call.reference))
        loop = asyncio.get_running_loop()
        if isinstance(command, Say):
            self._spawn(self._play(live, command))
        elif isinstance(command, Hush):
            self._command(live, "DELETE", f"playbacks/{channel}~{command.token}")
        elif isinstance(command, Wait):
            live.timers.append(loop.call_later(command.seconds, self._waited, live, command.token))
        elif isinstance(command, Limit):
            self._limit(live, command.seconds)
        elif isinstance(command, Detect):
            body = {"context": self.trunk.machine_context, "extension": "s", "priority": 1}
            self._command(live, "POST", f"channels/{channel}/continue", body)
        elif isinstance(command, Join):
            self._spawn(self._ring_leg(live, command.to))
        elif isinstance(command, End):
            self._command(live, "DELETE", f"channels/{channel}")

    def _waited(self, live: Live, token: int) -> None:
        live.call.waited(token)
        self._flow(live)

    def _limit(self, live: Live, seconds: int) -> None:
        channel = name(self.channel(live.call.reference))
        body = {"variable": "TIMEOUT(absolute)", "value": str(seconds + MARGIN_S)}
        self._command(live, "POST", f"channels/{channel}/variable", body)
        self._arm(live, seconds)

    def _arm(self, live: Live, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        live.timers.append(loop.call_later(max(0.0, seconds), self.stop, live.call.reference))

    async def _play(self, live: Live, command: Say) -> None:
        channel = self.channel(live.call.reference)
        body = {"media": self._prompts.media(command.plays), "playbackId": f"{channel}~{command.token}"}
        status = await self._ask(live, "POST", f"channels/{name(channel)}/play", body)
        if status >= 400 and status != 404:
            live.call.unplayable(command.token)
            self._flow(live)

    async def _ring_leg(self, live: Live, to: str) -> None:
        call = live.call
        channel = self.channel(call.reference)
        await self._ask(live, "POST", f"channels/{name(channel)}/ring")
        body: dict[str, Any] = {"endpoint": self.trunk.address(to), "app": self.trunk.app, "appArgs": "leg"}
        body |= {"originator": channel, "timeout": call.ring_seconds, "callerId": call.caller_id or ""}
        body["variables"] = {"TIMEOUT(absolute)": str(call.ring_seconds + call.longest_seconds + MARGIN_S)}
        status = await self._ask(live, "POST", f"channels/{name(channel + LEG)}", body)
        if status >= 400:
            call.parted()
            self._flow(live)

    async def _join(self, live: Live) -> None:
        channel = self.channel(live.call.reference)
        await self._ask(live, "DELETE", f"channels/{name(channel)}/ring")
        await self._ask(live, "POST", f"bridges/{name(channel)}", {"type": "mixing"})
        both = {"channel": [channel, channel + LEG]}
        if await self._ask(live, "POST", f"bridges/{name(channel)}/addChannel", both) >= 400:
            live.call.hang_up(Cause.CONGESTION)
            self._flow(live)

    def _command(self, live: Live, method: str, path: str, body: Mapping[str, Any] | None = None) -> None:
        async def ask() -> None:
            await self._ask(live, method, path, body)

        self._spawn(ask())

    async def _ask(self, live: Live, method: str, path: str, body: Mapping[str, Any] | None = None) -> int:
        """The status of a request about a call; requests of one call keep their order. 0 = nobody knows."""
        async with live.order:
            if self.ari is None:
                return 0
            try:
                reply = await self.ari.request(method, path, body)
            except AriDown as problem:
                log.warning("Asterisk did not answer %s: %s", method, problem)
                return 0
        if not reply.ok and reply.status != 404:
            log.warning("Asterisk refuses %s %s: status %s", method, path.rpartition("/")[2], reply.status)
        return reply.status

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a request about a call failed", exc_info=task.exception())

    # After a connection was made anew

    async def reconcile(self, ari: Ari, *, adopt: bool) -> None:
        """Compare our calls with Asterisk's channels: what is gone ends as lost, what nobody knows is hung up.

        adopt   also go on with calls that are up: events of theirs may have been missed. Raises AriDown, Replaced.
        """
        mine = set(self.calls)
        listed = await ari.by_http("GET", "channels")
        ours = await ari.by_http("GET", f"applications/{name(self.trunk.app)}")
        if not listed.ok or not isinstance(listed.body, list):
            raise AriDown(f"the channels could not be read: status {listed.status}")
        for event in ari.queued():
            self.heard(event)
        channels = {str(item["id"]): item for item in listed.body}
        for reference in mine & set(self.calls):
            live = self.calls[reference]
            channel = channels.get(self.channel(reference))
            if live.call.phase == "ended":
                self._resume(live, adopt)
            elif channel is None:
                self.give_up(reference, Cause.LOST)
            elif adopt:
                self._adopt(live, channel)
        strays = set(ours.body.get("channel_ids", ())) if isinstance(ours.body, dict) else set()
        await self._hang_up_strays(ari, {*strays, *channels})

    def _adopt(self, live: Live, channel: Mapping[str, Any]) -> None:
        call = live.call
        if channel.get("state") == "Up" and call.answered_at is None:
            call.answered(clock.now())
        elif channel.get("state") == "Ringing":
            call.rings(clock.now())
        elif call.answered_at is not None:
            self._arm(live, call.longest_seconds - (clock.now() - call.answered_at).total_seconds())
            call.resume()
        self._flow(live)

    def _resume(self, live: Live, adopt: bool) -> None:
        if adopt:
            live.call.resume()
            self._flow(live)

    async def _hang_up_strays(self, ari: Ari, channels: Iterable[str]) -> None:
        for channel in channels:
            if channel.startswith(f"{self.trunk.app}-") and self._of(channel) is None:
                log.warning("a call that nobody knows is hung up: %s", channel)
                await ari.request("DELETE", f"channels/{name(channel)}")


def moment(event: Mapping[str, Any]) -> datetime:
    """When it happened by Asterisk's clock; by ours when it doesn't say."""
    try:
        return datetime.fromisoformat(str(event["timestamp"]))
    except (KeyError, ValueError):
        return clock.now()
