"""List pages per second over HTTP: gunicorn with two workers as in production, people who keep their connections.

The same people ask the limit under the same gunicorn. Then what a web worker and a dialer hold in memory.
"""

import http.client
import os
import socket
import subprocess
import sys
import threading
import time

from callcab.providers.telephony import make
from tests.bench.data import SUPPORT
from tests.bench.house import ROOT, Beside, Place, cookie
from tests.bench.meter import cpu_of, memory, newest_children
from tests.bench.table import Row
from tests.waiting import free_port, wait_for

WORKERS, PEOPLE, SECONDS, FIRST = 2, 4, 4.0, 5
# Seconds of processor that workers take in half a second of waiting, at most.
RESTING = 0.01
PAGE = "/admin/blacklist/"
PER_SECOND, WEB_MB, DIALER_MB = 250, 90, 80


def rows(at: Place) -> list[Row]:
    """For a process of its own."""
    header = cookie(at.app(), SUPPORT)
    seconds = 0.5 if at.short else SECONDS
    port = free_port()
    with Beside(at, "web", CALLCAB_PORT=str(port), CALLCAB_WEB_WORKERS=str(WORKERS), CALLCAB_WEB_THREADS="8") as web:
        until_served(port, web.process.pid)
        ours = pages_per_second(port, PAGE, header, seconds)
        held = [memory(pid) for pid in newest_children(web.process.pid)]
    limit = by_hand(at, seconds)
    largest, kind = max(held)
    found = [
        Row(
            f"list pages/s, {WORKERS} workers, logged in",
            f"{ours:.0f}",
            f"{limit:.0f}",
            limit / ours,
            f"≥ {PER_SECOND}",
            ours >= PER_SECOND,
        ),
        Row("memory of a web worker", f"{largest:.0f} MB {kind}", goal=f"≤ {WEB_MB} MB", ok=largest <= WEB_MB),
    ]
    return found if at.short else [*found, dialer(at)]


def dialer(at: Place) -> Row:
    """What it holds once it listens."""
    with Beside(at, "dialer") as beside:
        telephony = make(at.settings)
        assert wait_for(lambda: telephony.health().ok, 60), "the dialer did not start"
        held, kind = max(memory(pid) for pid in beside.pids)
    return Row("memory of the dialer", f"{held:.0f} MB {kind}", goal=f"≤ {DIALER_MB} MB", ok=held <= DIALER_MB)


def by_hand(at: Place, seconds: float) -> float:
    port = free_port()
    argv = [sys.executable, "-m", "gunicorn", "tests.bench.limit:served", "--bind", f"127.0.0.1:{port}"]
    argv += ["--worker-class", "gthread", "--workers", str(WORKERS), "--threads", "8", "--no-control-socket"]
    server = subprocess.Popen(argv, cwd=ROOT, env=os.environ | {"LIMIT_ADDRESS": at.address}, stderr=subprocess.DEVNULL)
    try:
        until_served(port, server.pid)
        return pages_per_second(port, "/?first", "", seconds)
    finally:
        server.terminate()
        server.wait()


def pages_per_second(port: int, path: str, header: str, seconds: float) -> float:
    """So many people ask as fast as they are answered; counted once each was answered a few times."""
    counts, over = [0] * PEOPLE, threading.Event()

    def ask(person: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while not over.is_set():
            connection.request("GET", path, headers={"Cookie": header, "User-Agent": "bench"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, f"{path}: {answer.status}"
            counts[person] += 1
        connection.close()

    people = [threading.Thread(target=ask, args=(person,), daemon=True) for person in range(PEOPLE)]
    for person in people:
        person.start()
    assert wait_for(lambda: min(counts) >= FIRST, 60), "somebody is not answered"
    before, begun = sum(counts), time.perf_counter()
    time.sleep(seconds)
    done, took = sum(counts) - before, time.perf_counter() - begun
    over.set()
    for person in people:
        person.join()
    return done / took


def until_served(port: int, server: int, workers: int = WORKERS) -> None:
    """Until all workers wait for people: the first one that is there would take them all, and keep them."""

    def answers() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return False
        return True

    spent: list[float] = []

    def rests() -> bool:
        before, spent[:] = list(spent), [cpu_of(pid) for pid in newest_children(server)]
        return len(spent) == len(before) == workers and sum(spent) - sum(before) < RESTING

    assert wait_for(answers, 60), "the server did not start"
    assert wait_for(rests, 60, nap=0.5), "a worker did not start"
