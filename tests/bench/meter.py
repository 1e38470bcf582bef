"""What a piece of work costs: wall, processor of this process and of PostgreSQL, statements, memory.

Processor time is what a shared machine leaves comparable; the wall is printed beside it.
"""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
# A page is looked at so often, or for so many seconds, after so many goes: the driver prepares a statement that comes
# for the sixth time, and PostgreSQL settles on a plan after five more.
LOOKS, SECONDS, WARM = 20, 0.4, 11


def cpu_of(pid: int) -> float:
    """Seconds of a living process, to the microsecond where the kernel counts them, else in ticks."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9
    except (OSError, IndexError, ValueError):
        return sum(map(int, _stat(pid)[11:13])) / TICKS


def ended_children_cpu(pid: int) -> float:
    """Seconds of those of its children that are over, such as PostgreSQL's parallel workers."""
    return sum(map(int, _stat(pid)[13:15])) / TICKS


def children(pid: int) -> list[int]:
    """Processes that this one started and that live."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if int(_stat(int(entry.name))[1]) == pid:
                    found.append(int(entry.name))
            except (OSError, IndexError):
                continue
    return found


def family(pid: int) -> list[int]:
    """A process and all below it."""
    return [pid, *(each for child in children(pid) for each in family(child))]


def memory(pid: int) -> tuple[float, str]:
    """Megabytes, and what they are: PSS (shared pages shared out) where the kernel tells it, else RSS."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024, "PSS"
    except OSError:
        pass
    return rss(pid), "RSS"


def rss(pid: int) -> float:
    """Resident megabytes; 0 for a process that is gone. Cheap enough to be asked while somebody works."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat after the name."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()


class Backends:
    """The processes behind a login role's connections: their processor's time, and that of the helpers they had."""

    def __init__(self, postmaster: int, role: str) -> None:
        self.postmaster, self.role = postmaster, role
        self.pids: list[int] = []

    def look(self) -> None:
        """Find them anew, after the first use of a pool."""
        self.pids = [pid for pid in children(self.postmaster) if f": {self.role} " in _command(pid)]

    def cpu(self) -> float:
        return sum(cpu_of(pid) for pid in self.pids if Path(f"/proc/{pid}").exists()) + ended_children_cpu(
            self.postmaster
        )


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


@dataclass
class Cost:
    """What goes took: the wall, this process and PostgreSQL, in seconds for each, shown as milliseconds."""

    spent: list[tuple[float, float, float]]
    statements: int = 0

    def __add__(self, more: "Cost") -> "Cost":
        return Cost(self.spent + more.spent, self.statements)

    def _column(self, place: int) -> list[float]:
        return sorted(1000 * go[place] for go in self.spent)

    @property
    def wall(self) -> float:
        """The median, as of the processors."""
        return statistics.median(self._column(0))

    @property
    def p95(self) -> float:
        """Of the wall."""
        walls = self._column(0)
        return walls[min(len(walls) - 1, int(0.95 * len(walls)))]

    @property
    def web(self) -> float:
        return statistics.median(self._column(1))

    @property
    def base(self) -> float:
        return statistics.median(self._column(2))

    @property
    def cpu(self) -> float:
        return self.web + self.base

    def words(self) -> str:
        text = f"{self.wall:.1f} ms, p95 {self.p95:.1f}; CPU {self.web:.1f} + {self.base:.1f}"
        return f"{text}; {self.statements} statements" if self.statements else text


def cost(go: Callable[[], object], backends: Backends, *, looks: int = LOOKS, seconds: float = SECONDS) -> Cost:
    """Do it again and again; what it cost, the first few goes left out."""
    until = time.perf_counter() + seconds
    for _ in range(WARM):
        go()
        if time.perf_counter() > until:
            break
    backends.look()
    spent: list[tuple[float, float, float]] = []
    until = time.perf_counter() + seconds
    while len(spent) < 3 or (len(spent) < looks and time.perf_counter() < until):
        before = (backends.cpu(), time.process_time(), time.perf_counter())
        go()
        after = (time.perf_counter(), time.process_time(), backends.cpu())
        spent.append((after[0] - before[2], after[1] - before[1], after[2] - before[0]))
    return Cost(spent)


def newest_children(pid: int) -> list[int]:
    """As ``children``, by the kernel's own list where it keeps one."""
    try:
        return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except OSError:
        return children(pid)
