"""Calls that a former version of callcab left in Valkey: they never hold up the others."""

import json

import pytest
import redis

from callcab.config import Settings
from callcab.providers.telephony.asterisk import store as stored
from callcab.providers.telephony.asterisk.store import Store
from callcab.providers.telephony.base import CallKind, CallRequest, HangUp, Play
from callcab.providers.telephony.simulator import DUE, Simulator

# A step that this version doesn't know, a field too many, one that is missing, and no JSON at all.
FOREIGN = (
    json.dumps({"reference": "old", "to": "+79250000001", "scenario": [{"step": "sing"}], "kind": "campaign"}),
    json.dumps({"reference": "old", "to": "+79250000001", "scenario": [], "kind": "campaign", "mood": "good"}),
    json.dumps({"reference": "old"}),
    "{",
)


@pytest.fixture
def client(settings: Settings) -> redis.Redis:
    client = redis.Redis.from_url(str(settings.redis_url), decode_responses=True)
    client.flushall()
    return client


def request(reference: str) -> CallRequest:
    return CallRequest(reference, "+79250000001", (Play("Здравствуйте!"), HangUp()), CallKind.CAMPAIGN)


@pytest.mark.parametrize("text", FOREIGN)
def test_a_request_that_cannot_be_read_leaves_the_queue_and_others_are_taken_on(client: redis.Redis, text: str) -> None:
    store = Store(client)
    client.hset(stored.WAITING, "old", text)
    client.zadd(stored.DUE, {"old": 1.0})
    store.place([request("new")])
    assert [found.reference for found, _ in store.due(10, ())] == ["new"]
    assert client.zrange(stored.DUE, 0, -1) == ["new"]
    assert client.hkeys(stored.WAITING) == ["new"]


@pytest.mark.parametrize("text", FOREIGN)
def test_a_call_in_hand_that_cannot_be_read_is_forgotten(client: redis.Redis, text: str) -> None:
    client.hset(stored.CALLS, "old", text)
    assert Store(client).load() == []
    assert client.hkeys(stored.CALLS) == []


@pytest.mark.parametrize("text", FOREIGN)
def test_a_simulated_line_that_cannot_be_read_is_dropped(settings: Settings, client: redis.Redis, text: str) -> None:
    simulator = Simulator(str(settings.redis_url))
    client.set("callcab:sim:line:old", text)
    client.zadd(DUE, {"old|0|ring|": 1.0})

    class Nobody:
        """Nothing is told of such a call."""

    simulator.step(Nobody())  # type: ignore[arg-type]
    assert client.zrange(DUE, 0, -1) == []
    assert simulator.handset(["old"]) == []
    assert simulator.called("old") is None
