"""PostgreSQL as our own child: made by initdb, listening on a unix socket only, started in the foreground."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import psycopg
from psycopg import sql

from callcab.embedded.binaries import PostgresBinaries, find_postgres, public_home, server_user
from callcab.embedded.children import Command, end, has_ended, reap, spawn, wait_until
from callcab.embedded.errors import EmbeddedError
from callcab.embedded.folders import (
    closed_folder,
    key_of,
    lock_file,
    make_data_dir,
    remove_socket_folder,
    socket_folder,
    socket_place,
)
from callcab.embedded.memory import memory, shared_buffers

DATABASE = "callcab"
OWNER_ROLE = "callcab"
APP_ROLE = "callcab_app"

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    # Statements of pages hold what people typed, and hashes of tokens: an error is logged without its statement.
    "log_min_error_statement": "panic",
}
# A test's data need not survive a power cut.
TEST_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "on",
    "shared_buffers": "128MB",
}
# Parallel queries and index builds keep their memory in /dev/shm, which many containers limit to 64 MB.
SMALL_SHARED_MEMORY = 512 * 1024 * 1024
# Fast shutdown: clients are disconnected, nothing is lost; then immediate: the next start recovers.
STOP_SIGNALS = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0))
START_LIMIT_S = 60.0
IMPOSSIBLE_PID = 2**31 - 2

ACCESS_NOTE = "# Written at each start. The socket's folder is open to the server's user and root alone."

Profile = Literal["server", "test"]


class EmbeddedPostgres:
    """A PostgreSQL in `data_dir`, for the supervisor (prepare, command, is_ready) or by itself (start, stop).

    data_dir   the cluster is its folder `postgres`; when `nobody` cannot reach that, a link to one in /var/lib/callcab
    run_dir    for the socket, `data_dir/run` by default
    profile    `test` gives up durability, and removes a cluster outside of data_dir on stop()
    """

    def __init__(self, data_dir: Path, run_dir: Path | None = None, profile: Profile = "server") -> None:
        self.user = server_user()
        self.data_dir = make_data_dir(Path(data_dir), self.user)
        self.profile = profile
        self.run_dir = (run_dir or self.data_dir / "run").absolute()
        self.socket_dir = socket_place(self.run_dir, "pg", self.user)
        self.cluster = self.data_dir / "postgres"
        self.log_file = self.data_dir / "postgres.log"
        self._binaries: PostgresBinaries | None = None
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    # For the supervisor

    def prepare(self) -> None:
        """Find the programs, make the cluster, stop what a killed supervisor left running.

        Raises EmbeddedError: `postgres_in_use` when another process of ours serves these data; see find_postgres.
        """
        if self._lock is None:
            self._lock = lock_file(self.data_dir / "postgres.lock")
            if self._lock is None:
                raise EmbeddedError(
                    "postgres_in_use", f"The data in {self.data_dir} are in use.", folder=str(self.data_dir)
                )
        self.socket_dir = socket_folder(self.run_dir, "pg", self.user)
        self._binaries = find_postgres(self.user, self._data_major())
        if not self._exists():
            self._initialise()
        self.cluster = self.cluster.resolve()
        self._write_access_rules()
        self._stop_leftover()

    def command(self) -> Command:
        """Return what to start; call prepare() first."""
        if self._binaries is None:
            raise RuntimeError("prepare() comes first")
        settings = SETTINGS | {"unix_socket_directories": str(self.socket_dir)}
        settings |= TEST_SETTINGS if self.profile == "test" else {"shared_buffers": shared_buffers(memory())}
        if _shared_memory_size() < SMALL_SHARED_MEMORY:
            settings |= {"dynamic_shared_memory_type": "mmap"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        argv = (str(self._binaries.postgres), "-D", str(self.cluster), *options)
        return Command(argv, _plain_environment(), self.user.popen_arguments(), death_signal=signal.SIGINT)

    def is_ready(self) -> bool:
        """Say whether the server takes connections."""
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def ensure_database(self, name: str = DATABASE) -> None:
        """Create the application's login role and a database owned by the owner role, where missing.

        Raises EmbeddedError `postgres_not_ready` when the server went away meanwhile.
        """
        try:
            self._create_missing(name)
        except psycopg.Error as error:
            raise EmbeddedError("postgres_not_ready", f"The database cannot be made: {error}") from error

    def _create_missing(self, name: str) -> None:
        with self._connect() as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (APP_ROLE,)).fetchone():
                role = sql.Identifier(APP_ROLE)
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE").format(role)
                )
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
                owner = sql.Identifier(OWNER_ROLE)
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), owner))

    def owner_url(self, dbname: str = DATABASE) -> str:
        """Return the SQLAlchemy URL for migrations: owner of all tables, superuser of this server."""
        return self._url(OWNER_ROLE, dbname)

    def app_url(self, dbname: str = DATABASE) -> str:
        """Return the SQLAlchemy URL for the application: owns nothing, inherits nothing."""
        return self._url(APP_ROLE, dbname)

    # By itself: tests, commands beside a stopped supervisor

    def start(self) -> None:
        """Start the server as a child of this process, wait until it answers, create role and database."""
        if self._process is not None and not self._has_ended_for_good(self._process):
            return
        self.prepare()
        with self.log_file.open("ab") as log:
            self._process = spawn(self.command(), log)
        process = self._process
        if not wait_until(lambda: has_ended(process) or self.is_ready(), START_LIMIT_S) or has_ended(process):
            end(process, STOP_SIGNALS)
            raise EmbeddedError("postgres_start_failed", f"PostgreSQL did not start:\n{self._log_tail()}")
        self.ensure_database()

    def stop(self) -> None:
        """Stop the server of start() and let go of the data; without one it only lets go."""
        if self._process is not None:
            end(self._process, STOP_SIGNALS)
            self._process = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        self.cluster = self.cluster.resolve()
        if self.profile == "test" and not self.cluster.is_relative_to(self.data_dir):
            shutil.rmtree(self.cluster, ignore_errors=True)
            (self.data_dir / "postgres").unlink(missing_ok=True)
            self.cluster = self.data_dir / "postgres"
        remove_socket_folder(self.socket_dir)

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

    # Inside

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.socket_dir), user=OWNER_ROLE, dbname="postgres", autocommit=True, connect_timeout=5
        )

    def _url(self, role: str, dbname: str) -> str:
        return f"postgresql+psycopg://{role}@/{quote(dbname)}?host={quote(str(self.socket_dir))}"

    def _exists(self) -> bool:
        return (self.cluster / "PG_VERSION").exists()

    def _data_major(self) -> int | None:
        return int((self.cluster / "PG_VERSION").read_text().split(".")[0]) if self._exists() else None

    def _initialise(self) -> None:
        """Make the cluster aside and move it into place: an interrupted initdb leaves nothing that looks whole."""
        home = self.data_dir if self.user.can_traverse(self.data_dir) else public_home()
        final = home / ("postgres" if home == self.data_dir else f"postgres-{key_of(self.data_dir)}")
        if final != self.cluster and (final / "PG_VERSION").exists():
            raise EmbeddedError(
                "postgres_moved",
                f"{final} holds the data of this folder; link {self.cluster} to it.",
                folder=str(final),
            )
        # initdb runs as the server's user, so the new folder must be in one that it owns.
        aside = closed_folder(Path(tempfile.mkdtemp(prefix=".initdb-", dir=home)), self.user)
        try:
            self._run_initdb(aside / "new")
            (aside / "new").rename(final)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        if final != self.cluster:
            self.cluster.unlink(missing_ok=True)
            self.cluster.symlink_to(final)

    def _run_initdb(self, folder: Path) -> None:
        if self._binaries is None:
            raise RuntimeError("prepare() comes first")
        command = [str(self._binaries.initdb), "-D", str(folder), "-U", OWNER_ROLE, "-A", "trust", "--encoding=UTF8"]
        if self._binaries.major >= 17:
            command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        else:
            command += ["--locale=C.UTF-8"]
        if self.profile == "test":
            command += ["--no-sync"]
        done = subprocess.run(  # noqa: S603
            command,
            env=_plain_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            **self.user.popen_arguments(),  # type: ignore[call-overload]
        )
        if done.returncode != 0:
            raise EmbeddedError("postgres_initdb_failed", f"initdb failed:\n{done.stderr.strip()}")

    def _write_access_rules(self) -> None:
        """No password, because no door but the socket: who may connect is decided by the folder's mode."""
        rules = self.cluster / "pg_hba.conf"
        wanted = f"{ACCESS_NOTE}\nlocal all all trust\n"
        if rules.read_text() != wanted:
            rules.write_text(wanted)

    def _stop_leftover(self) -> None:
        """End a server that outlived its supervisor, and forget a process number that no longer means a server.

        We hold the lock, so nobody of ours wants it any more.
        """
        record = self.cluster / "postmaster.pid"
        pid = _first_number(record)
        if pid is None:
            return
        if not _is_alive(pid) or str(self.cluster) not in _command_line(pid):
            self._forget_number(record)
            return
        for sig, seconds in (*STOP_SIGNALS, (signal.SIGKILL, 5.0)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sig)
            if wait_until(lambda: not _is_alive(pid), seconds):
                return
        raise EmbeddedError("postgres_in_use", f"PostgreSQL process {pid} does not end.", pid=pid)

    def _forget_number(self, record: Path) -> None:
        """Put a number that cannot exist in place of the dead server's, which may be a zombie's or a stranger's by now.

        The file itself stays: by the rest of it PostgreSQL recognises children of the dead server that still hold
        the shared memory.
        """
        _, _, rest = record.read_text().partition("\n")
        record.write_text(f"{IMPOSSIBLE_PID}\n{rest}")
        for stale in self.socket_dir.glob(".s.PGSQL.*"):
            stale.unlink(missing_ok=True)

    def _log_tail(self) -> str:
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-10:])


def _plain_environment() -> dict[str, str]:
    """PG* variables and locales of the caller must not change the server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _shared_memory_size() -> int:
    try:
        info = os.statvfs("/dev/shm")  # noqa: S108
    except OSError:
        return SMALL_SHARED_MEMORY
    return info.f_frsize * info.f_blocks


def _first_number(file: Path) -> int | None:
    try:
        return int(file.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _is_alive(pid: int) -> bool:
    """A zombie counts as dead: it only waits to be collected."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        found = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S607
        return found.stdout
