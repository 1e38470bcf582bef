"""One child process: how it is started, and how it and everything it started are ended."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from callcab.lib.process import dying_with_parent

# How often anything here is looked at while waiting for it.
GLANCE_S = 0.02


@dataclass(frozen=True)
class Command:
    """What to start.

    env            None inherits ours
    popen          further arguments of subprocess.Popen, e.g. the user to become
    death_signal   what the kernel sends when the parent dies (Linux)
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] | None = None
    popen: Mapping[str, Any] = field(default_factory=dict)
    death_signal: int = signal.SIGKILL


@dataclass(frozen=True)
class ChildSpec:
    """A child of the supervisor.

    command        what to start, or a function called before each start (it may prepare data, raise EmbeddedError)
    is_ready       asked until it says yes; None = ready as soon as it runs
    after_ready    called each time the child has become ready; may raise EmbeddedError
    one_shot       a step, not a server: it must end with 0 before the next child is started
    ready_limit    seconds from start to ready
    stop_signals   each with the seconds to wait for it; then SIGKILL
    """

    name: str
    command: Command | Callable[[], Command]
    is_ready: Callable[[], bool] | None = None
    after_ready: Callable[[], None] | None = None
    one_shot: bool = False
    ready_limit: float = 60.0
    stop_signals: Sequence[tuple[int, float]] = ((signal.SIGTERM, 10.0),)


def spawn(command: Command, output: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own, so that Ctrl-C in the terminal reaches the supervisor alone.

    Call it from a thread that lives as long as the process: the kernel counts the thread as the parent.
    """
    return subprocess.Popen(  # noqa: S603
        command.argv,
        env=None if command.env is None else dict(command.env),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=dying_with_parent(command.death_signal),  # noqa: PLW1509 - the only way to tie the child to us
        **command.popen,
    )


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Say whether the process is over, without reaping it: until then its number cannot be given to another one."""
    if process.returncode is not None:
        return True
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def reap(process: subprocess.Popen[bytes]) -> int:
    """End what the process left behind in its session, then collect it; returns its exit code."""
    if process.returncode is None:
        kill_session(process.pid, signal.SIGKILL)
    return process.wait()


def kill_session(leader: int, sig: int) -> None:
    """Signal every process of a session but the leader itself: a worker's forked job has a group of its own."""
    for pid in _session_members(leader):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, sig)
    if not Path("/proc/self").exists():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, sig)


def _session_members(leader: int) -> list[int]:
    members = []
    for entry in Path("/proc").glob("[0-9]*"):
        pid = int(entry.name)
        with contextlib.suppress(OSError):
            if pid != leader and os.getsid(pid) == leader:
                members.append(pid)
    return members


def answers_http(url: str) -> bool:
    """Say whether a server answers at `url` with anything but a server error: the readiness check of a web child."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=2)
    try:
        connection.request("GET", parts.path or "/", headers={"Connection": "close"})
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def is_taken(host: str, port: int) -> bool:
    """Say whether a port cannot be bound; asked first, a stranger's answer is not taken for our web child's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll `condition` until it holds or the time is over; returns whether it held."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(GLANCE_S)
    return True


def end(process: subprocess.Popen[bytes], signals: Sequence[tuple[int, float]]) -> int:
    """Send each signal and wait its number of seconds, then SIGKILL; returns the exit code."""
    for sig, seconds in signals:
        if has_ended(process):
            break
        process.send_signal(sig)
        wait_until(lambda: has_ended(process), seconds)
    if not has_ended(process):
        process.kill()
    wait_until(lambda: has_ended(process), 10)
    return reap(process)
