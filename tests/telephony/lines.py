"""The callee's process, a listener that keeps what it hears, and a provider whose dialer runs in a thread of ours."""

import json
import queue as queues
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from callcab import queue
from callcab.config import Settings
from callcab.jobs import dialer, registry
from callcab.providers import telephony
from callcab.providers.speech import EspeakSpeech, Speech
from callcab.providers.telephony.asterisk import Access, Asterisk, Dialled, Sounds, Trunk
from callcab.providers.telephony.base import Answer, Cause, Event, EventKind, Incoming, Listener, Refuse
from tests.telephony.server import HOST, PASSWORD, AsteriskServer, free_port
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]


class Switch(Protocol):
    """Who answers for our numbers: an Asterisk, or the dialer itself."""

    @property
    def sip_port(self) -> int: ...


@dataclass(frozen=True)
class Way:
    """A kind of line that the contract is checked with.

    make     takes the address of the store
    environ  the same for a dialer that is a process of its own
    """

    name: str
    make: Callable[[str, Sounds], Dialled]
    folder: Path
    sip_port: int
    environ: Mapping[str, str]

    def provider(self, settings: Settings, *, speech: Speech | None = None, seen_as: str = "") -> Dialled:
        sounds = Sounds(speech or EspeakSpeech(), self.folder, seen_as or str(self.folder))
        return self.make(str(settings.redis_url), sounds)


class Callee:
    """The process of tests/telephony/callee.py, and what it has seen."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.log = folder / "callee.log"
        command = [sys.executable, "-m", "tests.telephony.callee", str(self.port), str(free_port()), str(self.log)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE)
        assert wait_for(lambda: self.log.exists() and bool(self.seen("ready")), 15), "the callee did not start"

    def call(self, caller: str, to: str, pbx: "Switch", **order: object) -> None:
        """Let ``caller`` call ``to``; he ``says`` something for seconds, presses ``press``, hangs up after ``seconds``,
        waits ``patience`` seconds."""
        asked = {"from": caller, "to": to, "pbx": f"{HOST}:{pbx.sip_port}", **order}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        self._process.stdin.flush()

    def seen(self, what: str, number: str = "") -> list[dict[str, object]]:
        """The lines about a number; ``what`` is how they begin."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line["number"] == number and line["what"].startswith(what)]

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()


class Ears:
    """A listener that keeps what it hears; ``known`` are references whose ``placed`` is no news."""

    def __init__(self) -> None:
        self.heard: list[Event] = []
        self.known: set[str] = set()
        self.trouble = 0
        self.answers: dict[str, Answer] = {}
        self.callers: list[Incoming] = []

    def events(self, events: Sequence[Event]) -> Collection[str]:
        if self.trouble:
            self.trouble -= 1
            raise RuntimeError("the database is away")
        self.heard += events
        placed = {event.reference for event in events if event.kind is EventKind.PLACED}
        fresh = placed - self.known
        self.known |= placed
        return fresh

    def incoming(self, call: Incoming) -> Answer:
        self.callers.append(call)
        return self.answers.get(call.to, Refuse(Cause.REJECTED))

    def of(self, reference: str) -> list[Event]:
        return [event for event in self.heard if event.reference == reference]

    def end(self, reference: str) -> Event | None:
        return next((event for event in self.of(reference) if event.kind is EventKind.HANGUP), None)

    def wait_for_end(self, reference: str, seconds: float = 40) -> Event:
        assert wait_for(lambda: self.end(reference) is not None, seconds), self.of(reference)
        found = self.end(reference)
        assert found is not None
        return found


class Jobs:
    """The worker of this test: does the jobs of calls, one after the other."""

    def __init__(self) -> None:
        self._todo: queues.Queue[tuple[str, dict[str, Any]] | None] = queues.Queue()
        queue.set_sender(lambda name, ids: self._todo.put((name, ids)))
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while (job := self._todo.get()) is not None:
            name, ids = job
            if registry.entry(name).queue == "calls":
                registry.run(name, ids)

    def stop(self) -> None:
        self._todo.put(None)
        self._thread.join(10)


class Line:
    """A provider whose dialer listens in a thread of this process."""

    def __init__(self, provider: Dialled, ears: Listener) -> None:
        self.provider, self.ears = provider, ears
        self._stop = threading.Event()
        self._thread = threading.Thread(target=provider.listen, args=(ears, self._stop), daemon=True)
        self._thread.start()

    def healthy(self, seconds: float = 30) -> "Line":
        """Wait until calls can be placed."""
        if not wait_for(lambda: self.provider.health().ok, seconds):
            health = self.provider.health()
            self.stop()
            raise AssertionError(f"the line did not come up: {health}")
        return self

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(15)
        assert not self._thread.is_alive()


def through_asterisk(pbx: AsteriskServer, **trunk: str) -> Way:
    values = {"app": "callcab", "endpoint": "PJSIP/{e164}@carrier", "machine_context": "callcab-amd", **trunk}
    access = Access(pbx.url, "callcab", PASSWORD)
    environ = {
        "CALLCAB_ARI_URL": pbx.url,
        "CALLCAB_ARI_PASSWORD": PASSWORD,
        "CALLCAB_ARI_ENDPOINT": values["endpoint"],
        "CALLCAB_ARI_SOUNDS": str(pbx.sounds),
    }

    def make(url: str, sounds: Sounds) -> Asterisk:
        return Asterisk(url, access, Trunk(**values), sounds)

    return Way("asterisk", make, pbx.sounds, pbx.sip_port, environ)


def provider(settings: Settings, pbx: AsteriskServer, **trunk: str) -> Dialled:
    return through_asterisk(pbx, **trunk).provider(settings)


def answering(settings: Settings, pbx: AsteriskServer) -> Iterator[None]:
    """The dialer with the real rules, and a worker."""
    found = telephony.use(provider(settings, pbx))
    line, jobs = Line(found, dialer.Rules()).healthy(), Jobs()
    yield
    line.stop()
    jobs.stop()


def listening(found: Dialled) -> Iterator[Line]:
    line = Line(found, Ears()).healthy()
    yield line
    line.stop()
