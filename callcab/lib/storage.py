"""Files outside the database, under names that nobody can guess.

A caller keeps the key; a key is the only way to a file. LocalStorage puts them into a folder; another kind (an
object store) needs the same six methods; where half-written files can't be read, `follow` finds only whole ones.
"""

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

_KEY = re.compile(r"[0-9a-f]{40}", re.ASCII)
_BLOCK = 1 << 16
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class StorageError(Exception):
    """A file that can't be had or kept. `reason`: bad_key, missing, too_big, no_room."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __reduce__(self) -> tuple[type["StorageError"], tuple[str]]:
        return StorageError, (self.reason,)


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is safely on disk: its key, SHA-256 in hex and size in bytes."""

    key: str
    sha256: str
    size: int


class Storage(Protocol):
    """What the rest of the program relies on."""

    def put(self, stream: BinaryIO, limit: int | None = None) -> Stored: ...
    def create(self) -> contextlib.AbstractContextManager["Draft"]: ...
    def open(self, key: str) -> BinaryIO: ...
    def follow(self, key: str) -> BinaryIO: ...
    def delete(self, key: str) -> bool: ...
    def path(self, key: str) -> Path: ...


class Draft:
    """A file being written: hand it to whatever writes bytes.

    `key` is for `follow` until then: the file that keeps it later is this one, and no other file ever has it.
    """

    def __init__(self, file: BinaryIO, key: str) -> None:
        self._file = file
        self.key = key
        self._hash = hashlib.sha256()
        self.size = 0
        self._stored: Stored | None = None

    @property
    def stored(self) -> Stored:
        """The whole file. RuntimeError before the block has ended well."""
        if self._stored is None:
            raise RuntimeError("the file is not whole")
        return self._stored

    def become(self, stored: Stored) -> None:
        """For the storage: the block has ended well."""
        self._stored = stored

    def write(self, data: bytes) -> int:
        self._file.write(data)
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        self._file.flush()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


class LocalStorage:
    """Files in one folder of this machine. Readable by this user only."""

    def __init__(self, root: str | Path) -> None:
        self._root = Path(root)
        self._drafts = self._root / "tmp"

    def put(self, stream: BinaryIO, limit: int | None = None) -> Stored:
        """Copy a stream into a new file. Raises StorageError too_big (more than `limit` bytes) or no_room."""
        with self.create() as draft:
            while block := stream.read(_BLOCK):
                if limit is not None and draft.size + len(block) > limit:
                    raise StorageError("too_big")
                draft.write(block)
        return draft.stored

    @contextmanager
    def create(self) -> Iterator[Draft]:
        """Open a new file for writing; it gets its name only when the block ends without an error.

        `draft.stored` holds the key afterwards. A failure leaves nothing behind; a full disk is StorageError no_room.
        """
        key = secrets.token_hex(20)
        self._drafts.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self._drafts / key
        try:
            with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                draft = Draft(file, key)
                yield draft
                file.flush()
                os.fsync(file.fileno())
            draft.become(self._keep(temporary, Stored(key, draft.sha256, draft.size)))
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise StorageError("no_room") from error
            raise
        finally:
            temporary.unlink(missing_ok=True)

    def _keep(self, temporary: Path, stored: Stored) -> Stored:
        final = self.path(stored.key)
        final.parent.mkdir(mode=0o700, exist_ok=True)
        os.replace(temporary, final)
        # The name itself must survive a power cut too, not only the content.
        for folder in (final.parent, self._root):
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        return stored

    def open(self, key: str) -> BinaryIO:
        """Open for reading. Raises StorageError bad_key or missing."""
        try:
            return self.path(key).open("rb")
        except FileNotFoundError as error:
            raise StorageError("missing") from error

    def follow(self, key: str) -> BinaryIO:
        """Open for reading a file that is perhaps still being written: its end is only where it has come to.

        It stays the same file when it becomes whole or goes; which of the two, the caller must learn elsewhere.
        Raises StorageError bad_key, or missing where there is neither a draft nor a file.
        """
        final = self.path(key)
        try:
            return (self._drafts / key).open("rb")
        except FileNotFoundError:
            return self.open(final.name)

    def delete(self, key: str) -> bool:
        """Remove the file; False if it was already gone."""
        try:
            self.path(key).unlink()
        except FileNotFoundError:
            return False
        return True

    def path(self, key: str) -> Path:
        """Return where the file is or would be. Raises StorageError bad_key for anything that is no key of ours."""
        if not isinstance(key, str) or _KEY.fullmatch(key) is None:
            raise StorageError("bad_key")
        return self._root / key[:2] / key

    def drafts(self) -> Path:
        """The folder of half-written files; made when it is missing."""
        self._drafts.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._drafts

    def sweep(self, older_than: float = 86_400) -> int:
        """Remove drafts that a killed process left, older than so many seconds; return how many."""
        removed = 0
        if not self._drafts.is_dir():
            return removed
        border = time.time() - older_than
        for draft in self._drafts.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if draft.stat().st_mtime < border:
                    shutil.rmtree(draft) if draft.is_dir() else draft.unlink()
                    removed += 1
        return removed
