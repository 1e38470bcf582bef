"""Real calls: through an Asterisk of version 16 or newer, over its REST interface (ARI), or through a line that speaks
the same (``Dialled``); implements ``base.Telephony``.

Every process may place and stop calls: that goes through Valkey. Only the dialer talks to the line.
"""

import asyncio
import logging
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from callcab.providers.speech import Speech
from callcab.providers.telephony.asterisk.ari import Ari, Connection
from callcab.providers.telephony.asterisk.dialer import Dialer, LostPlace
from callcab.providers.telephony.asterisk.prompts import Prompts
from callcab.providers.telephony.asterisk.store import Store
from callcab.providers.telephony.asterisk.trunk import Trunk
from callcab.providers.telephony.base import (
    CallRequest,
    Health,
    Listener,
    ProviderDown,
    RequestRefused,
    Step,
    Transfer,
    steps_of,
)
from callcab.providers.telephony.heartbeat import Place

log = logging.getLogger(__name__)

REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Nothing else may get into a dial string.
NUMBER = re.compile(r"\+[1-9][0-9]{5,14}")
WAIT_S = 1.0


@dataclass(frozen=True)
class Access:
    """Where Asterisk's HTTP server is, and who we are there."""

    url: str
    user: str
    password: str


@dataclass(frozen=True)
class Sounds:
    """Whose voice speaks, where sounds are written, and what the line calls that folder."""

    speech: Speech
    folder: Path
    seen_as: str


class Dialled(ABC):
    """A provider whose calls a dialer of ours holds; a subclass says through what."""

    name: str

    def __init__(self, redis_url: str, trunk: Trunk, sounds: Sounds) -> None:
        # Two seconds on each command: a slow store must not hold a page (F-08).
        client: Any = redis.Redis.from_url(redis_url, socket_timeout=2, socket_connect_timeout=2, decode_responses=True)
        self._store = Store(client)
        self._place = Place(client)
        self._trunk = trunk
        self._sounds = sounds

    @abstractmethod
    def unsupported(self, scenario: Sequence[Step], *, detect_machine: bool = False) -> list[str]: ...

    @abstractmethod
    def _connection(self) -> Connection:
        """A connection to the line that is not open yet."""

    def place(self, requests: Sequence[CallRequest]) -> int:
        for request in requests:
            self._check(request)
        health = self.health()
        if not health.ok:
            raise ProviderDown(health.code)
        try:
            return self._store.place(requests)
        except redis.RedisError as problem:
            raise ProviderDown(str(problem)) from problem

    def _check(self, request: CallRequest) -> None:
        if not REFERENCE.fullmatch(request.reference):
            raise RequestRefused("telephony.reference")
        others = [step.to for step in steps_of(request.scenario) if isinstance(step, Transfer)]
        callers = [request.caller_id] if request.caller_id else []
        if not all(NUMBER.fullmatch(number) for number in (request.to, *callers, *others)):
            raise RequestRefused("telephony.number")
        if self.unsupported(request.scenario, detect_machine=request.detect_machine):
            raise RequestRefused("telephony.unsupported")

    def hang_up(self, reference: str) -> None:
        try:
            self._store.ask_to_stop(reference)
        except redis.RedisError as problem:
            raise ProviderDown(str(problem)) from problem

    def health(self) -> Health:
        try:
            line = self._store.line()
        except redis.RedisError:
            return Health(False, "telephony.down")
        if line is None:
            return Health(False, "telephony.dialer_away")
        return Health(True) if line == "ok" else Health(False, line)

    def listen(self, listener: Listener, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                if self._place.take():
                    asyncio.run(self._dialer(listener, stop).run())
            except LostPlace:
                log.warning("another process listens now; this one waits")
            except redis.RedisError as problem:
                log.warning("the store is away: %s", problem)
            except Exception:
                # The calls are in the store: the next run goes on with them.
                log.exception("the dialer fell; it starts anew")
            stop.wait(WAIT_S)

    def _dialer(self, listener: Listener, stop: threading.Event) -> Dialer:
        sounds = self._sounds
        return Dialer(
            self._store,
            self._place,
            self._trunk,
            Prompts(sounds.speech, sounds.folder, sounds.seen_as),
            self._connection,
            listener,
            stop,
        )


class Asterisk(Dialled):
    """Through an Asterisk of the operator's own."""

    name = "asterisk"

    def __init__(self, redis_url: str, access: Access, trunk: Trunk, sounds: Sounds) -> None:
        super().__init__(redis_url, trunk, sounds)
        self._access = access

    def unsupported(self, scenario: Sequence[Step], *, detect_machine: bool = False) -> list[str]:
        return ["machine"] if detect_machine and not self._trunk.machine_context else []

    def _connection(self) -> Connection:
        return Ari(self._access.url, self._access.user, self._access.password, self._trunk.app)
