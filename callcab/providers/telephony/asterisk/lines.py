"""The calls that are up, between Asterisk and their conversations: its events go in, their commands go out.

The id of a channel is made of the reference, and Asterisk refuses an id that it has: so no call can be placed twice.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from callcab.lib import clock
from callcab.providers.telephony.asterisk import causes
from callcab.providers.telephony.asterisk.ari import AriDown, Connection, Reply, name
from callcab.providers.telephony.asterisk.conversation import (
    Conversation,
    Detect,
    End,
    Hush,
    Join,
    Limit,
    PickUp,
    Say,
    Wait,
)
from callcab.providers.telephony.asterisk.prompts import Prompts
from callcab.providers.telephony.asterisk.trunk import LEG, Trunk
from callcab.providers.telephony.base import Cause, Event

log = logging.getLogger(__name__)

DIAL_AT_ONCE = 40
# Asterisk's own limit comes a little later than ours: it is for when we are gone.
MARGIN_S = 2
HANGING_UP_S = 0.5
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
    "StasisEnd",
    "StasisStart",
)


class Reception(Protocol):
    """Who deals with channels that are no call of ours (yet)."""

    def heard(self, channel: str, event: Mapping[str, Any]) -> None:
        """Take an event of such a channel."""
        ...


class Replaced(Exception):
    """Another program took over our application's events."""


@dataclass
class Live:
    """A call with what is known only while we listen.

    channel  its channel at Asterisk
    own      a name of our own for what belongs to the call: the leg of a transfer, the bridge
    placing  whether the line was not yet heard to have it
    """

    call: Conversation
    channel: str
    own: str
    dialled: str = ""
    refused: bool = False
    placing: bool = False
    order: asyncio.Lock = field(default_factory=asyncio.Lock)
    timers: list[asyncio.TimerHandle] = field(default_factory=list)


class Lines:
    """All calls of this dialer. ``tell`` takes events; ``dirty`` and ``over`` are what the store has to be told."""

    def __init__(
        self, trunk: Trunk, prompts: Prompts, tell: Callable[[Sequence[Event]], None], reception: "Reception"
    ) -> None:
        self.trunk = trunk
        self.reception = reception
        self._prompts = prompts
        self._tell = tell
        self.ari: Connection | None = None
        self.calls: dict[str, Live] = {}
        self.dirty: set[str] = set()
        self._incoming: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._dialling = asyncio.Semaphore(DIAL_AT_ONCE)

    # Calls

    def add(self, call: Conversation) -> None:
        """A call that was taken on; ``dial`` or ``reconcile`` comes next."""
        own = self.trunk.channel(call.reference)
        self.calls[call.reference] = Live(call, call.channel or own, own)
        if call.channel:
            self._incoming[call.channel] = call.reference

    def dial(self, reference: str) -> None:
        live = self.calls[reference]
        live.placing = True
        self.spawn(self._dial(live))

    def stop(self, reference: str) -> None:
        live = self.calls.get(reference)
        if live is not None:
            live.call.hang_up()
            self.flow(live)

    def drop(self, reference: str) -> None:
        """Its end was told; nothing of it is left to know."""
        live = self.calls.pop(reference, None)
        self.dirty.discard(reference)
        if live is not None:
            self._incoming.pop(live.channel, None)
            for timer in live.timers:
                timer.cancel()

    def give_up(self, reference: str, cause: Cause) -> None:
        """This call was not dialled, or is gone without a word."""
        live = self.calls[reference]
        live.call.ended(clock.now(), cause, "us")
        self.flow(live)

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
            body["callerId"] = f'"{call.caller_name}" <{call.caller_id}>' if call.caller_name else call.caller_id
        async with self._dialling:
            ari = self.ari
            if ari is None or call.stopped:
                live.placing = False
                self.give_up(call.reference, Cause.NO_ANSWER if call.stopped else Cause.LOST)
                return
            try:
                reply = await ari.request("POST", f"channels/{name(live.channel)}", body)
            except AriDown as problem:
                # Nobody knows whether it rings: a new connection shows which calls there are.
                log.warning("a call was placed without an answer: %s", problem)
                await ari.drop()
                return
            finally:
                live.placing = False
        if not reply.ok and reply.status != 409:
            log.error("the line does not place a call: status %s, %s", reply.status, reply.body)
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
            self.reception.heard(channel, event)
            return
        if channel.endswith(LEG):
            self._leg(live, str(kind), event)
        else:
            self._callee(live, str(kind), event)
        self.flow(live)

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
        elif kind == "ChannelDestroyed" or (kind == "StasisEnd" and call.channel):
            # Of a caller's channel nothing more is told once it has left our application.
            self._ended(live, event, at)

    def _ended(self, live: Live, event: Mapping[str, Any], at: datetime) -> None:
        call = live.call
        if call.phase in ("joining", "joined"):
            self._command(live, "DELETE", f"channels/{name(live.own + LEG)}")
            self._command(live, "DELETE", f"bridges/{name(live.own)}")
        q850, sip = int(event.get("cause") or 0), int(event.get("tech_cause") or 0)
        if call.channel:
            call.ended(at, Cause.NO_ANSWER, "them", q850=q850, sip=sip)
            return
        waited = (at - call.began_at).total_seconds() if call.began_at else 0
        # Our own limit of ringing ends a call without a word from the other side.
        if not live.refused and waited >= call.ring_seconds - 1:
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
            self.flow(live)

    def _unplayable(self, live: Live, token: int, media: str) -> None:
        live.call.unplayable(token)
        if live.call.commands:
            log.error("the line could not play a prompt: %s", media)
        self.flow(live)

    def _leg(self, live: Live, kind: str, event: Mapping[str, Any]) -> None:
        if kind == "StasisStart":
            self.spawn(self.join(live))
        elif kind == "ChannelDestroyed":
            q850, sip = int(event.get("cause") or 0), int(event.get("tech_cause") or 0)
            live.call.parted(causes.of(q850, sip, "NOANSWER"))

    def _of(self, channel: str) -> Live | None:
        reference = self._incoming.get(channel) or self.trunk.reference(channel)
        return self.calls.get(reference) if reference else None

    # What conversations want

    def flow(self, live: Live) -> None:
        """Pass on what a conversation has to say, and do what it wants."""
        call = live.call
        self.dirty.add(call.reference)
        while call.commands:
            command = call.commands.pop(0)
            if isinstance(command, Say) and not self._prompts.ready(command.plays):
                call.unplayable(command.token)
            elif isinstance(command, Say) and not self._prompts.media(command.plays):
                call.said(command.token)
            else:
                self._carry_out(live, command)
        events, call.events = call.events, []
        self._tell(events)

    def _carry_out(self, live: Live, command: object) -> None:
        channel = name(live.channel)
        loop = asyncio.get_running_loop()
        if isinstance(command, Say):
            self._play(live, command)
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
            self.spawn(self._ring_leg(live, command.to))
        elif isinstance(command, PickUp):
            self.spawn(self._answer(live))
        elif isinstance(command, End):
            # A caller who was not answered hears why.
            reason = f"?reason={causes.reason(live.call.verdict)}" if live.call.turned_away else ""
            self._command(live, "DELETE", f"channels/{channel}{reason}")

    def _waited(self, live: Live, token: int) -> None:
        live.call.waited(token)
        self.flow(live)

    def _limit(self, live: Live, seconds: int) -> None:
        channel = name(live.channel)
        body = {"variable": "TIMEOUT(absolute)", "value": str(seconds + MARGIN_S)}
        self._command(live, "POST", f"channels/{channel}/variable", body)
        self.arm(live, seconds)

    def arm(self, live: Live, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        live.timers.append(loop.call_later(max(0.0, seconds), self.stop, live.call.reference))

    def _play(self, live: Live, command: Say) -> None:
        def begun(status: int) -> None:
            if status >= 400 and status != 404:
                live.call.unplayable(command.token)
                self.flow(live)

        body = {"media": self._prompts.media(command.plays), "playbackId": f"{live.channel}~{command.token}"}
        self._request(live, "POST", f"channels/{name(live.channel)}/play", body, begun)

    async def _answer(self, live: Live) -> None:
        """Pick up for a caller; when that fails, he is gone, and Asterisk says so."""
        if await self._ask(live, "POST", f"channels/{name(live.channel)}/answer") < 300:
            live.call.answered(clock.now())
            self.flow(live)

    async def _ring_leg(self, live: Live, to: str) -> None:
        call = live.call
        await self._ask(live, "POST", f"channels/{name(live.channel)}/ring")
        limit = call.ring_seconds + call.longest_seconds + MARGIN_S
        body: dict[str, Any] = {"endpoint": self.trunk.address(to), "app": self.trunk.app, "appArgs": "leg"}
        body |= {"originator": live.channel, "timeout": call.ring_seconds, "callerId": call.caller_id or ""}
        body["variables"] = {"TIMEOUT(absolute)": str(limit)}
        status = await self._ask(live, "POST", f"channels/{name(live.own + LEG)}", body)
        if status >= 400 and status != 409:
            call.parted(Cause.CONGESTION)
            self.flow(live)

    async def join(self, live: Live) -> None:
        """The other leg was answered: let both hear each other."""
        call = live.call
        if call.answered_at is None:
            await self._answer(live)
        call.joined()
        await self._ask(live, "DELETE", f"channels/{name(live.channel)}/ring")
        await self._ask(live, "POST", f"bridges/{name(live.own)}", {"type": "mixing"})
        both = {"channel": [live.channel, live.own + LEG]}
        if await self._ask(live, "POST", f"bridges/{name(live.own)}/addChannel", both) >= 400:
            call.hang_up(Cause.CONGESTION)
            self.flow(live)

    def _command(self, live: Live, method: str, path: str, body: Mapping[str, Any] | None = None) -> None:
        """Ask for something about a call and go on; that it was refused is only noted."""
        self._request(live, method, path, body, lambda status: None)

    def _request(
        self, live: Live, method: str, path: str, body: Mapping[str, Any] | None, then: Callable[[int], None]
    ) -> None:
        """Ask for something about a call and go on; ``then`` gets the status, 0 = nobody knows."""
        if self.ari is None:
            return
        answer = self.ari.ask(method, path, body, order=live.order)
        answer.add_done_callback(lambda answer: None if answer.cancelled() else then(_status(answer, method, path)))

    async def _ask(self, live: Live, method: str, path: str, body: Mapping[str, Any] | None = None) -> int:
        """The status of a request about a call; requests of one call keep their order. 0 = nobody knows."""
        if self.ari is None:
            return 0
        answer = self.ari.ask(method, path, body, order=live.order)
        await asyncio.wait((answer,))
        return _status(answer, method, path)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a request about a call failed", exc_info=task.exception())


def _status(answer: asyncio.Future[Reply], method: str, path: str) -> int:
    problem = answer.exception()
    if problem is not None:
        log.warning("the line did not answer %s: %s", method, problem)
        return 0
    reply = answer.result()
    if not reply.ok and reply.status != 404:
        log.warning("the line refuses %s %s: status %s", method, path.rpartition("/")[2], reply.status)
    return reply.status


def moment(event: Mapping[str, Any]) -> datetime:
    """When it happened by Asterisk's clock; by ours when it doesn't say."""
    try:
        return datetime.fromisoformat(str(event["timestamp"]))
    except (KeyError, ValueError):
        return clock.now()
