"""A supervisor as a real process of its own, and a look at who is alive."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT_S = 15.0


def eventually(condition: Callable[[], object], seconds: float = LIMIT_S) -> bool:
    """Wait for a condition; the time is a limit, not a guess."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def alive(pid: int) -> bool:
    """Say whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Program:
    """A Python program that runs a supervisor; its output is collected in a file."""

    def __init__(self, folder: Path, source: str) -> None:
        self.log = folder / f"output-{time.monotonic_ns()}.txt"
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", source],
                cwd=folder,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        return self.log.read_text()

    def says(self, words: str, times: int = 1) -> bool:
        return eventually(lambda: self.text.count(words) >= times)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(LIMIT_S)


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[[str], Program]]:
    """Start supervisor programs in the test's folder; what still runs at the end is killed."""
    started: list[Program] = []

    def start(source: str) -> Program:
        started.append(Program(tmp_path, source))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()
