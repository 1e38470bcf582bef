"""The rows of the bench and how they are shown: plain text, Markdown, JSON. A goal that is not met says «no»."""

import json
import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

HEAD = ("work", "ours", "limit", "ratio", "goal", "ok")
NOT_OFFERED = "not offered"


@dataclass
class Row:
    """One work. ``ratio`` is ours by the limit's, ``ok`` None where no goal is set or nothing is offered."""

    work: str
    ours: str
    limit: str = ""
    ratio: float | None = None
    goal: str = ""
    ok: bool | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return (self.work, self.ours, self.limit, ratio, self.goal, {True: "yes", False: "no", None: ""}[self.ok])


def not_offered(work: str, goal: str = "") -> Row:
    return Row(work, NOT_OFFERED, goal=goal)


def machine() -> str:
    """The processor, its cores and the memory that are here."""
    name = platform.machine()
    for line in _lines("/proc/cpuinfo"):
        if line.startswith("model name"):
            name = line.partition(":")[2].strip()
            break
    total = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    cores = len(os.sched_getaffinity(0))
    return f"{name}, {cores} cores, {total / 1024 / 1024:.0f} GB, load {os.getloadavg()[0]:.1f}"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def plain(rows: list[Row]) -> str:
    lines = [HEAD, *(row.cells for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def markdown(rows: list[Row], title: str) -> str:
    lines = [title, "", f"| {' | '.join(HEAD)} |", "| --- | --- | --- | ---: | --- | --- |"]
    lines += [f"| {' | '.join(cell.replace('|', '/') for cell in row.cells)} |" for row in rows]
    return "\n".join(lines)


def title(scale: float, postgres: str) -> str:
    today = datetime.now(UTC)
    return f"{today.day} {today:%B %Y}, {machine()}, PostgreSQL {postgres}. `./run bench --scale {scale:g}`:"


def write_json(path: Path, rows: list[Row], scale: float, postgres: str) -> None:
    facts = {"at": datetime.now(UTC).isoformat(), "machine": machine(), "postgres": postgres, "scale": scale}
    path.write_text(
        json.dumps(facts | {"rows": [asdict(row) for row in rows]}, ensure_ascii=False, indent=1), encoding="utf-8"
    )


def verdict(rows: list[Row]) -> str:
    judged = [row for row in rows if row.ok is not None]
    offered = sum(row.ours == NOT_OFFERED for row in rows)
    return f"{sum(bool(row.ok) for row in judged)} of {len(judged)} goals met; {offered} not offered"
