"""A worker process: a parent that has everything imported, and a child that takes jobs off the queues one by one.

The child may die of anything (memory, a bug in C, kill -9): the parent makes a new one within milliseconds, and the
sweep of the database brings the job again. A child for every single job, RQ's usual way, is far slower. The child
gives its memory back by ending after a heavy job. RQ's own retries, results and scheduler are not used.
"""

import gc
import logging
import os
import resource
import signal
import time
from pathlib import Path
from types import FrameType
from typing import Any

from redis import Redis
from rq import Queue, SimpleWorker

from callcab import db
from callcab.config import Settings
from callcab.jobs import edge, registry
from callcab.lib.process import die_with_parent

log = logging.getLogger(__name__)

# Seconds after which a silent worker counts as dead in RQ's own books; the work itself is swept by the database.
WORKER_SECONDS = 30
MAINTENANCE_SECONDS = 60
# A child ends after so many jobs, or when it has grown by so much.
JOBS_PER_CHILD = 2_000
GROWTH_BYTES = 16 * 1024 * 1024
# Exit status of a child that wants a successor.
AGAIN = 3
PAUSE_SECONDS = 1.0


class CabWorker(SimpleWorker):
    """Does jobs in its own process until it is told to stop, or has done enough."""

    taken = 0
    worn_out = False
    born_with = 0

    def execute_job(self, job: Any, queue: Any) -> None:
        super().execute_job(job, queue)
        self.taken += 1
        if self.taken >= JOBS_PER_CHILD or memory() - self.born_with > GROWTH_BYTES:
            self.worn_out = self._stop_requested = True


def memory() -> int:
    """Resident bytes of this process; the peak where /proc is missing."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return pages * resource.getpagesize()


def make(settings: Settings) -> CabWorker:
    """A worker over all queues; everything that a job may need is imported and named already."""
    connection = Redis.from_url(str(settings.redis_url), socket_connect_timeout=5)
    queues = [Queue(name, connection=connection, serializer="json") for name in registry.QUEUES]
    return CabWorker(
        queues,
        connection=connection,
        serializer="json",
        worker_ttl=WORKER_SECONDS,
        maintenance_interval=MAINTENANCE_SECONDS,
        default_result_ttl=0,
        log_job_description=False,
    )


class Parent:
    """Keeps one child alive; passes on SIGTERM and SIGINT, which let the running job end."""

    def __init__(self, settings: Settings, *, burst: bool = False) -> None:
        self._settings = settings
        self._burst = burst
        self._child = 0
        self._stopping = False

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._leave)
        while not self._stopping:
            started = time.monotonic()
            status = self._child_status()
            if self._stopping or status == 0:
                return
            if status != AGAIN:
                log.warning("a worker's child ended badly; the sweep brings its job again", extra={"status": status})
                if time.monotonic() - started < PAUSE_SECONDS:
                    time.sleep(PAUSE_SECONDS)

    def _child_status(self) -> int:
        self._child = os.fork()
        if not self._child:
            os._exit(work(self._settings, burst=self._burst))
        if self._stopping:
            os.kill(self._child, signal.SIGTERM)
        _, status = os.waitpid(self._child, 0)
        self._child = 0
        return os.waitstatus_to_exitcode(status)

    def _leave(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True
        if self._child:
            os.kill(self._child, signal.SIGTERM)


def work(settings: Settings, *, burst: bool) -> int:
    """The life of a child: its exit status. Never raises, for the parent's stack lies beneath it."""
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        die_with_parent()
        db.engine().dispose(close=False)
        worker = make(settings)
        worker.born_with = memory()
        worker.work(burst=burst, with_scheduler=False, logging_level="WARNING")
    except SystemExit:
        return 1
    except BaseException:
        log.exception("a worker's child failed")
        return 1
    return AGAIN if worker.worn_out else 0


def run(settings: Settings, *, burst: bool = False) -> None:
    """Work until told to stop; ``burst`` stops when the queues are empty."""
    edge.prepare(settings)
    gc.collect()
    gc.freeze()
    Parent(settings, burst=burst).run()
