"""What the processes tell each other through Valkey: requests on their way to the dialer, calls that it has in hand,
and how its connection to Asterisk is.

A reference is in ``due`` until the dialer has taken it on; from then on its state is in ``calls`` until its end was
told. So a new dialer knows every call that may be up.
"""

import json
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from callcab.lib import clock
from callcab.providers.telephony.asterisk.conversation import Conversation, dump, load
from callcab.providers.telephony.base import UNREADABLE, CallKind, CallRequest, decode, encode

log = logging.getLogger(__name__)
DUE = "callcab:ari:due"
WAITING = "callcab:ari:waiting"
CALLS = "callcab:ari:calls"
STOPS = "callcab:ari:stops"
LINE = "callcab:ari:line"
SEEN = "callcab:ari:seen:"
LINE_SECONDS = 10
SEEN_SECONDS = 7200
# One step, so that no half of it can be lost.
PLACE = """
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[1]) then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[2])
return 1
"""


class Store:
    """All methods raise redis.RedisError. Used by one thread at a time, or by threads that share nothing else."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._place = client.register_script(PLACE)

    # Any process

    def place(self, requests: Sequence[CallRequest]) -> int:
        """Queue requests whose reference is new; returns how many were."""
        now = clock.now().timestamp()
        with self._client.pipeline(transaction=False) as pipe:
            for request in requests:
                keys = [SEEN + request.reference, WAITING, DUE]
                self._place(keys=keys, args=[SEEN_SECONDS, request.reference, _text(request), now], client=pipe)
            return sum(pipe.execute())

    def ask_to_stop(self, reference: str) -> None:
        self._client.rpush(STOPS, reference)

    def line(self) -> str | None:
        """``ok``, the code of what is wrong, or None when no dialer says anything."""
        found = self._client.get(LINE)
        return str(found) if found else None

    # The dialer

    def say_line(self, state: str) -> None:
        self._client.set(LINE, state, ex=LINE_SECONDS)

    def forget_line(self) -> None:
        self._client.delete(LINE)

    def due(self, limit: int, known: Collection[str]) -> list[tuple[CallRequest, datetime]]:
        """The oldest requests that were not taken on, without ``known`` ones, with the moment they were placed.

        What can't be read, because another version placed it, leaves the queue: it must not hold up the others for
        ever. Its call ends as lost.
        """
        oldest = self._client.zrange(DUE, 0, limit + len(known) - 1, withscores=True)
        found = [(reference, score) for reference, score in oldest if reference not in known]
        if not found:
            return []
        texts = self._client.hmget(WAITING, [reference for reference, _ in found])
        made, unreadable = [], []
        for (reference, score), text in zip(found, texts, strict=True):
            if text is None:
                unreadable.append(reference)
                continue
            try:
                made.append((_request(text), datetime.fromtimestamp(score, clock.now().tzinfo)))
            except UNREADABLE:
                log.exception("the request of call %s can't be read and is dropped", reference)
                unreadable.append(reference)
        self.take_on((), unreadable)
        return made

    def take_on(self, calls: Iterable[Conversation], dropped: Iterable[str]) -> None:
        """These are the dialer's now; those are nobody's."""
        with self._client.pipeline(transaction=True) as pipe:
            for call in calls:
                pipe.hset(CALLS, call.reference, json.dumps(dump(call)))
                _leave_queue(pipe, call.reference)
            for reference in dropped:
                _leave_queue(pipe, reference)
            pipe.execute()

    def save(self, calls: Iterable[Conversation], over: Iterable[str]) -> list[str]:
        """Keep the states of calls, forget those whose end was told; returns references that shall be hung up."""
        with self._client.pipeline(transaction=True) as pipe:
            for call in calls:
                pipe.hset(CALLS, call.reference, json.dumps(dump(call)))
            for reference in over:
                pipe.hdel(CALLS, reference)
            pipe.lrange(STOPS, 0, -1)
            pipe.delete(STOPS)
            return list(pipe.execute()[-2])

    def load(self) -> list[Conversation]:
        """All calls that a former dialer had in hand. What can't be read is forgotten: Asterisk's channel of it, which
        nobody knows then, is hung up."""
        calls = []
        for reference, text in self._client.hgetall(CALLS).items():
            try:
                calls.append(load(json.loads(text)))
            except UNREADABLE:
                log.exception("call %s, which another dialer had in hand, can't be read and is dropped", reference)
                self._client.hdel(CALLS, reference)
        return calls


def _leave_queue(pipe: Any, reference: str) -> None:
    pipe.zrem(DUE, reference)
    pipe.hdel(WAITING, reference)


def _text(request: CallRequest) -> str:
    return json.dumps({**vars(request), "scenario": encode(request.scenario)})


def _request(text: str) -> CallRequest:
    data: Mapping[str, Any] = json.loads(text)
    return CallRequest(**{**data, "scenario": decode(data["scenario"]), "kind": CallKind(data["kind"])})
