"""Valkey (or Redis) as our own child, on a unix socket only."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Literal

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from callcab.embedded.binaries import find_valkey, own_user, server_user
from callcab.embedded.children import Command, end, has_ended, reap, spawn, wait_until
from callcab.embedded.errors import EmbeddedError
from callcab.embedded.folders import lock_file, make_data_dir, remove_socket_folder, socket_folder, socket_place

STOP_SIGNALS = ((signal.SIGTERM, 10.0),)
START_LIMIT_S = 30.0


class EmbeddedValkey:
    """A Valkey in `data_dir/valkey`, run by our own user, for the supervisor or by itself like EmbeddedPostgres.

    It keeps jobs across a restart (append-only file) and refuses writes rather than dropping jobs when memory ends.
    """

    def __init__(
        self, data_dir: Path, run_dir: Path | None = None, profile: Literal["server", "test"] = "server"
    ) -> None:
        self.data_dir = make_data_dir(Path(data_dir), server_user())
        self.profile = profile
        self.run_dir = (run_dir or self.data_dir / "run").absolute()
        self.socket = socket_place(self.run_dir, "kv", own_user()) / "valkey.sock"
        self.folder = self.data_dir / "valkey"
        self.log_file = self.data_dir / "valkey.log"
        self._program: Path | None = None
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return the address for redis.from_url."""
        return f"unix://{self.socket}?db=0"

    def prepare(self) -> None:
        """Find the program, make the folder, stop what a killed supervisor left running.

        Raises EmbeddedError `valkey_missing`, `valkey_in_use`.
        """
        if self._lock is None:
            self._lock = lock_file(self.data_dir / "valkey.lock")
            if self._lock is None:
                raise EmbeddedError(
                    "valkey_in_use", f"The data in {self.data_dir} are in use.", folder=str(self.data_dir)
                )
        self._program = find_valkey()
        socket_folder(self.run_dir, "kv", own_user())
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self._stop_leftover()

    def command(self) -> Command:
        """Return what to start; call prepare() first."""
        if self._program is None:
            raise RuntimeError("prepare() comes first")
        keep = "no" if self.profile == "test" else "yes"
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "appendonly": keep,
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        argv = [str(self._program)]
        for name, value in options.items():
            argv += [f"--{name}", value]
        return Command(tuple(argv), death_signal=signal.SIGTERM)

    def is_ready(self) -> bool:
        """Say whether the server answers and has read its file."""
        client = self._client()
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def start(self) -> None:
        """Start the server as a child of this process and wait until it answers."""
        if self._process is not None and not self._has_ended_for_good(self._process):
            return
        self.prepare()
        with self.log_file.open("ab") as log:
            self._process = spawn(self.command(), log)
        process = self._process
        if not wait_until(lambda: has_ended(process) or self.is_ready(), START_LIMIT_S) or has_ended(process):
            end(process, STOP_SIGNALS)
            tail = "\n".join(self.log_file.read_text(errors="replace").splitlines()[-10:])
            raise EmbeddedError("valkey_start_failed", f"Valkey did not start:\n{tail}")

    def stop(self) -> None:
        """Stop the server of start() and let go of the data."""
        if self._process is not None:
            end(self._process, STOP_SIGNALS)
            self._process = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        self.socket.unlink(missing_ok=True)
        remove_socket_folder(self.socket.parent)

    def _has_ended_for_good(self, process: subprocess.Popen[bytes]) -> bool:
        """A killed process takes a moment to end, and holds its number until it is collected."""
        wait_until(lambda: has_ended(process) or self.is_ready(), START_LIMIT_S)
        if not has_ended(process):
            return False
        reap(process)
        return True

    @property
    def pid(self) -> int | None:
        """The process of start(), if it was called."""
        return self._process.pid if self._process else None

    def _client(self) -> redis.Redis:
        # The library's own retries would turn each look at a server that is not there yet into seconds.
        no_retry = Retry(NoBackoff(), 0)
        return redis.Redis(
            unix_socket_path=str(self.socket), socket_timeout=2, socket_connect_timeout=2, retry=no_retry
        )

    def _stop_leftover(self) -> None:
        """End a server that outlived its supervisor; the socket of a dead one is replaced by the new server."""
        client = self._client()
        try:
            client.ping()
            client.shutdown(nosave=self.profile == "test")
        except redis.RedisError:
            return
        finally:
            client.close()
        if not wait_until(lambda: not self.is_ready(), 10):
            raise EmbeddedError("valkey_in_use", f"Another Valkey answers at {self.socket}.", socket=str(self.socket))
