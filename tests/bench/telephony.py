"""Calls per second through a real Asterisk: ./run bench --telephony [CALLS] [LINES] [--storm [--kills N] [--seed S]]

A second Asterisk is everybody who is called: he answers, presses 1 after a second and stays until we hang up. In one
run: a bare dialer (this file: place, play, hear, hang up, no database), the provider alone with rules that keep
everything in memory, and a whole campaign by worker, timetable and dialer as operators run them, over PostgreSQL and
Valkey. Of the campaign the books are checked. All share this machine's cores, so the processor's milliseconds for each
call say where the time goes.

With --storm instead: worker, dialer and Asterisk are killed with -9 ten times each while the campaign runs.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import redis

from callcab import db, queue
from callcab.jobs.transport import RqSender
from callcab.providers import telephony
from callcab.providers.speech import EspeakSpeech
from callcab.providers.telephony.asterisk import Asterisk
from callcab.providers.telephony.asterisk.ari import Ari
from callcab.providers.telephony.asterisk.lines import EVENTS
from callcab.providers.telephony.base import CallKind, CallRequest, Gather, HangUp, Play
from tests.bench.dialling import python_cpu
from tests.telephony import storm
from tests.telephony.installation import ROLES, Installation, installed
from tests.telephony.lines import Ears, Line, provider
from tests.telephony.server import PASSWORD
from tests.waiting import wait_for


class Bare:
    """The least that a dialer can do: as many calls at once as there are lines, each with the same prompt."""

    def __init__(self, url: str, calls: int, lines: int, media: str) -> None:
        self.url, self.calls, self.lines, self.media = url, calls, lines, media
        self.placed = self.pressed = self.over = 0

    async def run(self) -> float:
        async with Ari(self.url, "callcab", PASSWORD, "bare") as ari:
            await ari.request("PUT", "applications/bare/eventFilter", {"allowed": [{"type": kind} for kind in EVENTS]})
            begun = time.monotonic()
            for _ in range(min(self.lines, self.calls)):
                self._place(ari)
            async for event in ari.events():
                channel = f"channels/{event.get('channel', {}).get('id')}"
                if event["type"] == "StasisStart":
                    ari.ask("POST", f"{channel}/play", {"media": [self.media]})
                elif event["type"] == "ChannelDtmfReceived":
                    self.pressed += 1
                    ari.ask("DELETE", channel)
                elif event["type"] == "ChannelDestroyed":
                    self.over += 1
                    if self.over == self.calls:
                        break
                    if self.placed < self.calls:
                        self._place(ari)
            return time.monotonic() - begun

    def _place(self, ari: Ari) -> None:
        self.placed += 1
        body = {"endpoint": f"PJSIP/+7925{self.placed:05}00@carrier", "app": "bare", "appArgs": "call", "timeout": 30}
        ari.ask("POST", f"channels/bare-{self.placed}", body)


def alone(found: Asterisk, calls: int, lines: int) -> float:
    """The provider with rules that cost nothing; as many calls at once as there are lines."""
    menu = Gather(prompt=[Play(storm.PROMPT)], branches={"1": (HangUp(),)}, seconds=5)
    ears = Ears()
    line = Line(found, ears).healthy()
    try:
        begun, placed = time.monotonic(), 0
        while True:
            over = sum(event.kind == "hangup" for event in ears.heard)
            if over == calls:
                break
            fresh = min(calls - placed, lines - (placed - over))
            if fresh > 0:
                found.place(
                    [
                        CallRequest(f"p-{number}", f"+7926{number:05}00", (menu,), CallKind.CAMPAIGN)
                        for number in range(placed, placed + fresh)
                    ]
                )
                placed += fresh
            time.sleep(0.05)
        wall = time.monotonic() - begun
        ends = [event.data for event in ears.heard if event.kind == "hangup"]
        assert Counter(end["cause"] for end in ends) == {"completed": calls}
        return wall
    finally:
        line.stop()


class Report:
    """A line for each phase: calls per second, and the processor's milliseconds for each call."""

    def __init__(self, machine: Installation, calls: int) -> None:
        self._machine, self._calls = machine, calls
        self._bare = 0.0
        self.begin()

    def begin(self) -> None:
        self._own, self._used = python_cpu(), self._machine.cpu()

    def end(self, phase: str, wall: float) -> None:
        self._bare = self._bare or wall
        used = self._machine.cpu()
        spent = {"this process": python_cpu() - self._own} | {
            name: seconds - self._used.get(name, 0.0) for name, seconds in used.items()
        }
        share = f"{100 * self._bare / wall:4.0f} % of the bare dialer"
        print(f"{phase:10} {self._calls / wall:6.1f} calls/s, {share}", flush=True)
        cost = ", ".join(f"{name} {1000 * seconds / self._calls:.1f}" for name, seconds in spent.items() if seconds)
        total = 1000 * sum(spent.values()) / self._calls
        print(f"           ms of processor a call: {cost}; together {total:.1f}", flush=True)


def whole(campaign_id: int, calls: int) -> float:
    """Seconds from a campaign's start to its end, by worker, timetable and dialer."""
    begun = time.monotonic()
    storm.start(campaign_id)
    assert wait_for(lambda: storm.is_over(campaign_id), 60 + calls, nap=0.5), "the campaign did not end"
    return time.monotonic() - begun


def connect(machine: Installation) -> None:
    """This process as one that starts campaigns, and the roles that carry them out."""
    redis.Redis.from_url(machine.valkey.url).flushall()
    db.connect(machine.postgres.app_url(), pool_size=5)
    queue.set_sender(RqSender(machine.valkey.url))
    telephony.use(provider(machine.settings, machine.pbx))
    for role in ROLES:
        machine.start(role)
    assert wait_for(lambda: telephony.provider().health().ok, 60), "the dialer did not start"


def compare(machine: Installation, calls: int, lines: int) -> None:
    (machine.pbx.sounds / "prompt.wav").write_bytes(EspeakSpeech().render(storm.PROMPT))
    report = Report(machine, calls)
    bare = Bare(machine.pbx.url, calls, lines, f"sound:{machine.pbx.sounds}/prompt")
    report.end("bare", asyncio.run(bare.run()))
    assert bare.pressed == calls
    report.begin()
    report.end("provider", alone(provider(machine.settings, machine.pbx), calls, lines))
    connect(machine)
    campaign_id = storm.settle(calls, lines)
    report.begin()
    report.end("campaign", whole(campaign_id, calls))
    print(f"books      {storm.check(machine, campaign_id)}; contacts, money, number and telephones agree", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("calls", type=int, nargs="?", default=1000)
    parser.add_argument("lines", type=int, nargs="?", default=200)
    parser.add_argument("--storm", action="store_true")
    parser.add_argument("--kills", type=int, default=10, help="of each: worker, dialer, Asterisk")
    parser.add_argument("--seed", default="1", help="of the moments of the kills")
    wanted = parser.parse_args()
    machine_now = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"{wanted.calls} calls on {wanted.lines} lines, {machine_now}", flush=True)
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as folder,
        installed(Path(folder), wanted.lines) as machine,
    ):
        if wanted.storm:
            connect(machine)
            dice = random.Random(wanted.seed)
            print(storm.rage(machine, wanted.calls, wanted.lines, kills=wanted.kills, dice=dice))
        else:
            compare(machine, wanted.calls, wanted.lines)


if __name__ == "__main__":
    main()
