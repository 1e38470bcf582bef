"""A whole installation with demo data, started as an operator starts it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import free_port, wait_for

ROOT = Path(__file__).resolve().parents[1]
START_LIMIT_S = 300


@dataclass(frozen=True)
class Site:
    """A running installation."""

    url: str
    password: str
    data_dir: Path
    pid: int


@contextmanager
def running(data_dir: Path) -> Iterator[Site]:
    """`callcab up` with demo data on a port of its own; stopped by Ctrl-C."""
    port = free_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith("CALLCAB_")}
    env |= {"CALLCAB_DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"}
    log_path = data_dir / "up.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "callcab", "up", "--port", str(port)],
            cwd=ROOT,
            env=env,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_ready(process, log_path)
            password = (data_dir / "demo_password").read_text().strip()
            yield Site(f"http://127.0.0.1:{port}", password, data_dir, process.pid)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _wait_ready(process: subprocess.Popen[bytes], log_path: Path) -> None:
    """Until `up` says that it is ready; fails with the end of its log."""

    def said() -> bool:
        return "callcab is ready" in log_path.read_text(errors="replace")

    wait_for(lambda: said() or process.poll() is not None, START_LIMIT_S, nap=0.1)
    assert said(), "the site did not start:\n" + log_path.read_text(errors="replace")[-4000:]
