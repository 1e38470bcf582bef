"""Waiting for processes beside the tests, and a port for one of them."""

import socket
import time
from collections.abc import Callable


def wait_for(condition: Callable[[], object], seconds: float = 10, *, nap: float = 0.05) -> bool:
    """Whether it comes true in time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(nap)
    return True


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
