"""Where the built-in servers keep data and sockets: reachable by whom it must be, closed to everybody else."""

import contextlib
import fcntl
import hashlib
import os
import tempfile
from pathlib import Path

from callcab.embedded.binaries import ServerUser, public_home, require_private
from callcab.embedded.errors import EmbeddedError

# sun_path holds 108 bytes on Linux and 104 elsewhere, with the closing zero.
SOCKET_PATH_LIMIT = 100


def make_data_dir(data_dir: Path, user: ServerUser) -> Path:
    """Make the data folder when missing: closed, but for root passable, because PostgreSQL lives in it as `nobody`."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o711 if user.drop else 0o700)
    return data_dir.resolve()


def socket_place(run_dir: Path, name: str, user: ServerUser) -> Path:
    """Return where a socket's folder is to be: `run_dir/name`, or a short public place when that will not do."""
    base = run_dir
    if len(os.fsencode(base / name)) + len("/.s.PGSQL.5432") > SOCKET_PATH_LIMIT or not _enterable(base, user):
        home = public_home() if os.geteuid() == 0 else Path(tempfile.gettempdir())
        base = home / f"callcab-{os.geteuid()}-{key_of(run_dir)}"
    return base / name


def socket_folder(run_dir: Path, name: str, user: ServerUser) -> Path:
    """Make the folder of socket_place(), 0700 and owned by the server's user.

    Raises EmbeddedError `folder_not_trusted` when somebody else made it before us.
    """
    folder = socket_place(run_dir, name, user)
    base = folder.parent
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    require_private(base)
    # The same for every server of ours, whoever runs it: what is inside has modes of its own.
    base.chmod(0o711 if os.geteuid() == 0 else 0o700)
    return closed_folder(folder, user)


def closed_folder(folder: Path, user: ServerUser) -> Path:
    """Make a folder that only the server's user (and root) can enter. Its parent must be ours alone."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink():
        raise EmbeddedError("folder_not_trusted", f"{folder} is a link; remove it.", folder=str(folder))
    if user.drop:
        os.chown(folder, user.uid, user.gid)
    folder.chmod(0o700)
    return folder


def remove_socket_folder(folder: Path) -> None:
    """Remove what socket_folder() made, as far as nobody else uses it."""
    for part in (folder, folder.parent):
        with contextlib.suppress(OSError):
            part.rmdir()


def key_of(path: Path) -> str:
    """Return a short stable name for a path."""
    return hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:12]


def lock_file(path: Path) -> int | None:
    """Take an exclusive lock that ends with this process, however it ends; returns a descriptor, None when taken."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _enterable(folder: Path, user: ServerUser) -> bool:
    return user.can_traverse(folder.parent)
