"""Jobs by name, and sweeps of the timetable. RQ calls ``run`` and nothing else, with a name and ids (JSON)."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

JOBS_PACKAGE = "callcab.jobs"
# In the order in which a worker looks at them: a call never waits behind somebody's import.
QUEUES = ("calls", "default")
DEFAULT_TIMEOUT = 180

JobFunction = Callable[..., None]
SweepFunction = Callable[[], object]


@dataclass(frozen=True)
class JobEntry:
    """A job; ``timeout`` in seconds ends a try that hangs, its row in the database is swept up again."""

    name: str
    function: JobFunction
    queue: str
    timeout: int


@dataclass(frozen=True)
class SweepEntry:
    """Something that the timetable does every so many ``seconds``."""

    name: str
    function: SweepFunction
    seconds: float


_jobs: dict[str, JobEntry] = {}
_sweeps: dict[str, SweepEntry] = {}


def job(name: str, *, queue: str = "default", timeout: int = DEFAULT_TIMEOUT) -> Callable[[JobFunction], JobFunction]:
    """Register a job under the name that ``callcab.queue.later`` uses.

    The function takes the ids as keywords, opens its own units of work and may run twice (at least once, never exactly
    once): its row says what is still to be done.
    """
    if queue not in QUEUES:
        raise ValueError(f"there is no queue {queue}")

    def decorate(function: JobFunction) -> JobFunction:
        if name in _jobs:
            raise ValueError(f"two jobs are called {name}")
        _jobs[name] = JobEntry(name, function, queue, timeout)
        return function

    return decorate


def every(seconds: float) -> Callable[[SweepFunction], SweepFunction]:
    """Register a sweep, called without arguments by ``callcab tick``; it opens its own unit of work.

    Two ticks never do the same sweep at the same time, but one may follow the other at once: it finds rows by a
    condition that its own update ends.
    """

    def decorate(function: SweepFunction) -> SweepFunction:
        name = f"{function.__module__}.{function.__qualname__}"
        if name in _sweeps:
            raise ValueError(f"two sweeps are called {name}")
        _sweeps[name] = SweepEntry(name, function, seconds)
        return function

    return decorate


def load() -> None:
    """Import every module of ``callcab.jobs``, so that all jobs and sweeps are known."""
    package = importlib.import_module(JOBS_PACKAGE)
    for module in pkgutil.walk_packages(package.__path__, f"{JOBS_PACKAGE}."):
        importlib.import_module(module.name)


def entry(name: str) -> JobEntry:
    """The job of that name. KeyError for a name that nobody registered."""
    if name not in _jobs:
        load()
    return _jobs[name]


def jobs() -> Mapping[str, JobEntry]:
    """All jobs, for sweeps of the tests."""
    load()
    return _jobs


def sweeps() -> Mapping[str, SweepEntry]:
    """All sweeps of the timetable."""
    load()
    return _sweeps


def run(name: str, ids: dict[str, Any]) -> None:
    """Do a job: what RQ calls. Opens no unit of work itself."""
    entry(name).function(**ids)
