"""How much memory there is for the servers that we start."""

import os
from collections.abc import Sequence
from pathlib import Path

# What a control group may use (version 2, then 1); a machine without one has no such file.
GROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
MEGABYTE = 1 << 20
LEAST, MOST = 128, 1024


def memory(limits: Sequence[Path] = GROUP_LIMITS) -> int:
    """Bytes of this machine, or of the control group when that has fewer."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in limits:
        try:
            found.append(int(file.read_text(encoding="ascii")))
        except (OSError, ValueError):  # «max» is no limit
            continue
    return min(found)


def shared_buffers(total: int) -> str:
    """PostgreSQL's own cache: an eighth of the memory, for web, workers and the system's cache live beside it.

    An import touches pages of an index in no order. Where they don't fit, each line pushes one out and fetches another:
    over ten million rows that took half of the database's time.
    """
    return f"{min(max(total // 8 // MEGABYTE, LEAST), MOST)}MB"
