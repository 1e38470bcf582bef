"""Calls through a SIP account of any operator, without a PBX: a SIP stack in the dialer's own process (baresip).

The dialer asks for the same things as of Asterisk (``asterisk.lines``) and is told the same; ``SipLine`` does them with
one account, as far as an account can: it dials, plays files, hears digits, answers. It joins no two calls and knows no
answering machines. Calls end with the process; the next dialer tells them as lost.
"""

import asyncio
import contextlib
import logging
import sys
import uuid
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

from baresip import (
    Account,
    AudioRestarted,
    BaresipError,
    Call,
    CallState,
    CommandTimeout,
    Config,
    Event,
    RegistrationError,
    Runtime,
    RuntimeDead,
    StackEvent,
    StaleHandleError,
    UserAgent,
)
from baresip.errors import split_status

from callcab.config import SIP_LINES
from callcab.providers.telephony.asterisk import AriDown, Connection, Dialled, Reply, Sounds, Trunk
from callcab.providers.telephony.base import Step, Transfer, steps_of

log = logging.getLogger(__name__)
# It would write the number of every call into the log.
logging.getLogger("baresip").setLevel(logging.WARNING)

# A tenth of a second of sound; what doesn't fit into the stack's buffer is offered again a tenth later.
FRAMES, NAP_S = 800, 0.1
# For the firewall: two ports a call, and a lot of room for those that were just given back.
RTP_PORTS = "20000-20999"
# Often enough for a router between us and the operator to remember us.
REGISTER_S = 120
DENIED = (401, 403, 407)
# What the channel of somebody who calls us begins with.
CAME = "came-"


@dataclass(frozen=True)
class SipAccount:
    """``host`` may carry a port. ``number`` is how the operator wants numbers (``Trunk.address``). ``listen`` is an
    address of this machine, with a port if it has to be a certain one."""

    user: str
    host: str
    password: str
    number: str = "{e164}"
    register: bool = True
    listen: str = ""

    def config(self) -> Config:
        address, _, port = self.listen.partition(":")
        lines = f"rtp_ports {RTP_PORTS}\n" + (f"sip_listen {self.listen}\n" if port else "")
        return Config(
            net_interface=address or None,
            expose_headers=("To",),
            max_concurrent_calls=SIP_LINES,
            native_log_level="error",
            extra_config_text=lines,
        )

    def account(self) -> Account:
        codecs, every = ("pcma", "pcmu"), REGISTER_S if self.register else 0
        extra = ("catchall=yes",)
        return Account(self.user, self.host, self.password, reg_interval=every, audio_codecs=codecs, extra_params=extra)


class Sip(Dialled):
    """One account, ``SIP_LINES`` calls at once."""

    name = "sip"

    def __init__(self, redis_url: str, account: SipAccount, sounds: Sounds) -> None:
        super().__init__(redis_url, Trunk("callcab", f"ACCOUNT/{account.number}@{account.host}", ""), sounds)
        self._account = account

    def unsupported(self, scenario: Sequence[Step], *, detect_machine: bool = False) -> list[str]:
        transfers = any(isinstance(step, Transfer) for step in steps_of(scenario))
        return ["transfer"] * transfers + ["machine"] * detect_machine

    def _connection(self) -> Connection:
        return SipLine(self._account)


class SipLine(Connection):
    """A SIP stack that runs while we are connected. A process can have one at a time."""

    def __init__(self, account: SipAccount) -> None:
        super().__init__()
        self._account = account
        self._registered = 503 if account.register else 200
        self._calls: dict[str, Call] = {}
        self._ending: set[str] = set()
        self._limits: dict[str, asyncio.TimerHandle] = {}
        self._plays: dict[str, asyncio.Task[None]] = {}
        self._dialling = asyncio.Lock()
        self._early: list[StackEvent] = []

    async def __aenter__(self) -> Self:
        self._runtime = Runtime()
        self._runtime.on_dead = lambda: self._events.put_nowait(None)
        try:
            await self._start()
        except RuntimeDead:
            sys.exit("the SIP stack died, and a process can't start it twice")
        except BaresipError as problem:
            await self._close()
            raise AriDown(str(problem)) from None
        except BaseException:
            await self._close()
            raise
        return self

    async def _start(self) -> None:
        """A registrar that refuses us is no error here: the stack asks again by itself, later and later."""
        await self._runtime.start(self._account.config())
        self._runtime.subscribe(self._heard)
        self._agent = await UserAgent.create(self._runtime, self._account.account())
        self._agent.on_incoming(self._came)
        try:
            if self._account.register:
                await self._agent.register()
        except RegistrationError as problem:
            if problem.status is None:
                raise

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(call.hangup() for call in self._calls.values()), return_exceptions=True)
        await self._close()

    async def _close(self) -> None:
        for timer in self._limits.values():
            timer.cancel()
        for playing in self._plays.values():
            playing.cancel()
        with contextlib.suppress(BaresipError):
            await self._runtime.close()

    async def drop(self) -> None:
        self._events.put_nowait(None)

    async def directly(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Reply:
        asked, (what, *rest) = body or {}, map(unquote, path.partition("?")[0].split("/"))
        try:
            return await self._do(f"{method} {what}", rest, asked)
        except (KeyError, StaleHandleError):
            return Reply(404, None)
        except (CommandTimeout, RuntimeDead) as problem:
            raise AriDown(str(problem)) from None
        except BaresipError as problem:
            return Reply(503, str(problem))

    async def _do(self, what: str, which: Sequence[str], asked: Mapping[str, Any]) -> Reply:
        """KeyError when there is no such call."""
        match what, *which:
            case "POST channels", channel if "originator" not in asked:
                return await self._dial(channel, asked)
            case "DELETE channels", channel:
                await self._hang_up(channel)
            case "POST channels", channel, "answer":
                await self._calls[channel].answer()
                # Only then there is sound.
                await self._calls[channel].wait_established()
            case "POST channels", channel, "play":
                task = asyncio.create_task(self._play(self._calls[channel], asked["playbackId"], asked["media"]))
                self._plays[asked["playbackId"]] = task
            case "DELETE playbacks", playback:
                self._plays.pop(playback).cancel()
                self._calls[playback.rpartition("~")[0]].audio.flush_tx()
            case "POST channels", channel, "variable":
                self._limit(channel, int(asked["value"]))
            case ("GET channels",):
                up = {channel: call.state is CallState.ESTABLISHED for channel, call in self._calls.items()}
                return Reply(200, [{"id": channel, "state": "Up" if up[channel] else "Ring"} for channel in up])
            case "GET applications", _:
                return Reply(200, {"channel_ids": list(self._calls)})
            case "GET endpoints", *_:
                return Reply(self._registered, None)
            case _:
                return Reply(501, None)
        return Reply(204, None)

    async def _dial(self, channel: str, asked: Mapping[str, Any]) -> Reply:
        async with self._dialling:
            if channel in self._calls:
                return Reply(409, None)
            if len(self._calls) >= SIP_LINES:
                return Reply(503, "all lines are in use")
            self._early.clear()
            number = asked["endpoint"].partition("/")[2]
            call = await self._agent.dial(f"sip:{number}", self._identity(asked.get("callerId", "")))
            self._take(channel, call)
            self._limit(channel, asked["timeout"])
            # What became of the call may have been told before the stack said which one it is.
            for event in self._early:
                if event.call == call.handle:
                    self._heard_of(channel, event)
        return Reply(200, None)

    def _identity(self, caller: str) -> dict[str, str]:
        """The account stays the sender, whom the operator knows; whose number is shown is asked for beside it."""
        label, _, number = caller.rpartition(" ")
        shown = f"{label} <sip:{number.strip('<>')}@{self._account.host}>"
        return {"P-Asserted-Identity": shown.strip()} if caller else {}

    def _take(self, channel: str, call: Call) -> None:
        self._calls[channel] = call
        call.on_dtmf(lambda pressed: self._tell("ChannelDtmfReceived", channel, digit=pressed.digit))

    def _limit(self, channel: str, seconds: float) -> None:
        """How long it may ring, and after the answer how long it may last: each takes the place of the former."""
        if channel in self._limits:
            self._limits[channel].cancel()
        loop, path = asyncio.get_running_loop(), f"channels/{channel}"
        self._limits[channel] = loop.call_later(seconds, self.ask, "DELETE", path)

    async def _hang_up(self, channel: str) -> None:
        call = self._calls[channel]
        self._ending.add(channel)
        await call.hangup()

    async def _play(self, call: Call, playback: str, media: Sequence[str]) -> None:
        state = "done"
        try:
            for path in media:
                with wave.open(path.removeprefix("sound:") + ".wav") as sound:
                    while samples := sound.readframes(FRAMES):
                        while samples := samples[_taken(call, samples) :]:
                            await asyncio.sleep(NAP_S)
            while call.audio.info().tx_buffered:
                await asyncio.sleep(NAP_S)
        except (OSError, EOFError, wave.Error, BaresipError) as problem:
            log.warning("a sound was not played to its end: %s", problem)
            state = "failed"
        self._plays.pop(playback, None)
        said = {"id": playback, "state": state, "media_uri": media[-1]}
        self._events.put_nowait({"type": "PlaybackFinished", "playback": said})

    # What the stack tells

    def _heard(self, event: StackEvent) -> None:
        if event.event is Event.REGISTER_OK:
            self._say_registered(200)
        elif event.event is Event.REGISTER_FAIL:
            self._say_registered(403 if split_status(event.text or "")[0] in DENIED else 503)
        channel = next((name for name, call in self._calls.items() if call.handle == event.call), "")
        if channel:
            self._heard_of(channel, event)
        elif self._dialling.locked():
            self._early.append(event)

    def _say_registered(self, status: int) -> None:
        if status != self._registered:
            self._registered = status
            self._events.put_nowait({"type": "EndpointStateChange"})

    def _came(self, call: Call) -> None:
        channel = CAME + uuid.uuid4().hex
        self._take(channel, call)
        arguments = ["inbound", _user(call.headers.get("To", "")), _user(call.peer or "")]
        self._tell("StasisStart", channel, args=arguments)

    def _heard_of(self, channel: str, event: StackEvent) -> None:
        if event.event is Event.CALL_RINGING:
            self._events.put_nowait({"type": "Dial", "peer": {"id": channel}, "dialstatus": "RINGING"})
        elif event.event is Event.CALL_ESTABLISHED and not channel.startswith(CAME):
            self._tell("StasisStart", channel, args=["call"])
        elif event.event is Event.CALL_CLOSED:
            self._ended(channel, split_status(event.text or "")[0] or 0)

    def _ended(self, channel: str, status: int) -> None:
        del self._calls[channel]
        if channel in self._limits:
            self._limits.pop(channel).cancel()
        for playback in [name for name in self._plays if name.startswith(f"{channel}~")]:
            self._plays.pop(playback).cancel()
        if channel not in self._ending:
            self._tell("ChannelHangupRequest", channel)
        self._ending.discard(channel)
        self._tell("ChannelDestroyed", channel, cause=0, tech_cause=status)

    def _tell(self, kind: str, channel: str, **more: Any) -> None:
        self._events.put_nowait({"type": kind, "channel": {"id": channel}, **more})


def _taken(call: Call, samples: bytes) -> int:
    """How much the stack takes now; nothing while both sides agree on the sound anew."""
    try:
        return int(call.audio.write(samples))
    except AudioRestarted:
        return 0


def _user(address: str) -> str:
    """The number of ``"Name" <sip:number@host>;tag=…``."""
    return unquote(address.partition("sip:")[2].partition("@")[0])
