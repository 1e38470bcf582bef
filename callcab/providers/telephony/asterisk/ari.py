"""One connection to Asterisk: events come through a WebSocket, requests go through it too where Asterisk can (20.14,
21.9, 22.4 and newer), else by HTTP. Only what both have in common is used. ``Connection`` is what the dialer needs of
it; a line without Asterisk speaks the same.
"""

import asyncio
import base64
import contextlib
import itertools
import json
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp

log = logging.getLogger(__name__)

CONNECT_S = 5.0
REQUEST_S = 10.0
PROBE_S = 2.0
# A dead peer is noticed after at most one and a half of it.
PING_S = 10.0
HTTP_AT_ONCE = 30


class AriDown(Exception):
    """The line can't be reached, or went away before it answered."""


class AriDenied(Exception):
    """Our user name and password are not known there; the message says which settings these are."""


@dataclass(frozen=True)
class Reply:
    """An answer; ``body`` is what its JSON held, None without any."""

    status: int
    body: Any

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Connection(ABC):
    """``async with`` it: connected inside. ``events()`` ends when the connection does."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

    @abstractmethod
    async def __aenter__(self) -> Self:
        """Raises AriDown and AriDenied."""

    @abstractmethod
    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """All events in their order, until the connection ends."""
        while (event := await self._events.get()) is not None:
            yield event

    def queued(self) -> list[dict[str, Any]]:
        """The events that have come already, taken from the queue."""
        found = []
        while not self._events.empty():
            event = self._events.get_nowait()
            if event is None:
                self._events.put_nowait(None)
                break
            found.append(event)
        return found

    @abstractmethod
    async def drop(self) -> None:
        """End the connection, so that a new one is made."""

    async def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Reply:
        """Ask for something; a refusal is a reply too. Raises AriDown when nobody knows what became of it."""
        return await self.ask(method, path, body)

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        order: asyncio.Lock | None = None,
    ) -> asyncio.Future[Reply]:
        """As ``request``, and go on: the answer comes later.

        order  requests that share it are carried out in the order in which they were asked for
        """
        return asyncio.get_running_loop().create_task(self._in_turn(order or asyncio.Lock(), method, path, body))

    async def _in_turn(
        self, order: asyncio.Lock, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Reply:
        async with order:
            return await self.directly(method, path, body)

    @abstractmethod
    async def directly(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Reply:
        """As ``request``, for answers that may be long; past the line's queue of requests."""


class Ari(Connection):
    """A connection to Asterisk."""

    def __init__(self, url: str, user: str, password: str, app: str) -> None:
        super().__init__()
        self._base = url.rstrip("/").removesuffix("/ari") + "/ari/"
        login = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}"}
        self._app = app
        self._numbers = itertools.count(1)
        self._asked: dict[str, tuple[asyncio.Future[Reply], asyncio.TimerHandle]] = {}
        self._outgoing: asyncio.Queue[str] = asyncio.Queue()
        self._by_socket = False
        self._closed = False

    async def __aenter__(self) -> Self:
        limits = aiohttp.ClientTimeout(total=REQUEST_S, sock_connect=CONNECT_S)
        connector = aiohttp.TCPConnector(limit=HTTP_AT_ONCE)
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=limits, connector=connector)
        try:
            async with asyncio.timeout(CONNECT_S):
                self._socket = await self._session.ws_connect(
                    self._base + "events", params={"app": self._app}, heartbeat=PING_S
                )
        except aiohttp.WSServerHandshakeError as problem:
            await self._session.close()
            if problem.status in (401, 403):
                raise AriDenied("CALLCAB_ARI_USER, CALLCAB_ARI_PASSWORD") from None
            raise AriDown(f"status {problem.status}") from None
        except (aiohttp.ClientError, OSError, TimeoutError) as problem:
            await self._session.close()
            raise AriDown(str(problem) or type(problem).__name__) from None
        self._reader = asyncio.create_task(self._read())
        self._writer = asyncio.create_task(self._write())
        self._by_socket = await self._probe()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in (self._reader, self._writer):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, aiohttp.ClientError):
                await task
        with contextlib.suppress(aiohttp.ClientError, OSError):
            await self._socket.close()
        await self._session.close()

    async def drop(self) -> None:
        await self._socket.close()

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        order: asyncio.Lock | None = None,
    ) -> asyncio.Future[Reply]:
        """By the socket all requests keep their order."""
        if self._by_socket:
            return self._ask_by_socket(method, path, body, REQUEST_S)
        return super().ask(method, path, body, order=order)

    async def directly(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Reply:
        """By HTTP: the answer may be too long for one message of the socket."""
        try:
            async with self._session.request(method, self._base + path, json=body) as answer:
                text = await answer.text()
                return Reply(answer.status, _parsed(text))
        except (aiohttp.ClientError, OSError, TimeoutError) as problem:
            raise AriDown(str(problem) or type(problem).__name__) from None

    def _ask_by_socket(
        self, method: str, path: str, body: Mapping[str, Any] | None, seconds: float
    ) -> asyncio.Future[Reply]:
        """Neither a task nor a time limit of its own for each: there are many a second."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Reply] = loop.create_future()
        if self._closed:
            answer.set_exception(AriDown("the connection is closed"))
            return answer
        number = str(next(self._numbers))
        message: dict[str, Any] = {"type": "RESTRequest", "transaction_id": number, "request_id": number}
        message |= {"method": method, "uri": path}
        if body is not None:
            message |= {"content_type": "application/json", "message_body": json.dumps(body)}
        self._asked[number] = answer, loop.call_later(seconds, self._fail, number, "no answer in time")
        self._outgoing.put_nowait(json.dumps(message))
        return answer

    async def _write(self) -> None:
        with contextlib.suppress(aiohttp.ClientError, OSError):
            while True:
                await self._socket.send_str(await self._outgoing.get())
        # The reader sees the end of it too, and tells those who wait.
        await self._socket.close()

    def _fail(self, number: str, reason: str) -> None:
        answer, limit = self._asked.pop(number)
        limit.cancel()
        if not answer.done():
            answer.set_exception(AriDown(reason))

    async def _probe(self) -> bool:
        try:
            return (await self._ask_by_socket("GET", "asterisk/ping", None, PROBE_S)).ok
        except AriDown:
            log.info("this Asterisk takes no requests through its WebSocket; they go by HTTP")
            return False

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    continue
                event = _parsed(message.data)
                if not isinstance(event, dict):
                    log.warning("Asterisk sent something that is no event")
                elif event.get("type") == "RESTResponse":
                    self._answered(event)
                else:
                    self._events.put_nowait(event)
        finally:
            self._closed = True
            for number in list(self._asked):
                self._fail(number, "the connection ended")
            self._events.put_nowait(None)

    def _answered(self, event: Mapping[str, Any]) -> None:
        answer, limit = self._asked.pop(str(event.get("request_id")), (None, None))
        if limit is not None:
            limit.cancel()
        if answer is not None and not answer.done():
            answer.set_result(Reply(int(event.get("status_code", 500)), _parsed(event.get("message_body") or "")))


def name(text: str) -> str:
    """A name as part of a path."""
    return quote(text, safe="")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None
