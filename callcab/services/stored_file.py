"""Files that people fetch: kept in the storage under a random name, found only through a row of their owner."""

import contextlib
import logging
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.errors import Invalid, NotFound, Unavailable
from callcab.lib.storage import Draft, LocalStorage, StorageError, Stored
from callcab.models import StoredFile

log = logging.getLogger(__name__)
_storage: LocalStorage | None = None


def use(storage: LocalStorage | None) -> None:
    """Name the storage; the edge does it once at start."""
    global _storage
    _storage = storage


def storage() -> LocalStorage:
    """The storage in use. RuntimeError before ``use``."""
    if _storage is None:
        raise RuntimeError("no file storage is named; call stored_file.use() first")
    return _storage


@contextlib.contextmanager
def create() -> Iterator[Draft]:
    """A new file to write into; ``draft.stored`` afterwards goes to ``keep``. StorageError ``no_room``."""
    with storage().create() as draft:
        yield draft


class Making:
    """A file that grows over several transactions, each of which may be the last one to succeed.

    ``stack`` closes what writes into ``draft``; ``stored`` is the whole file, None before ``finish``.
    """

    def __init__(self) -> None:
        self.stack = contextlib.ExitStack()
        self.draft: Draft = self.stack.enter_context(create())
        self.stored: Stored | None = None

    def finish(self) -> Stored:
        """Complete the file and give it its name. StorageError ``no_room``."""
        self.stack.close()
        self.stored = self.draft.stored
        return self.stored

    def drop(self, *, kept: bool) -> None:
        """After the try: a half file goes, and so does a whole one whose row was not committed (``kept``)."""
        if self.stored is None:
            self.stack.__exit__(_GivenUp, _GivenUp(), None)
        elif not kept:
            forget(self.stored.key)


class _GivenUp(Exception):
    """Ends the block of a draft so that its file is removed."""


def drafts_folder() -> Path:
    """Where half-written files live: on the same disk as the files, swept when a killed worker leaves one."""
    return storage().drafts()


def keep(
    session: CabSession,
    stored: Stored,
    *,
    name: str,
    content_type: str,
    customer_id: int | None,
    created_by: int | None,
    lifetime: timedelta | None,
) -> StoredFile:
    """Give a stored file its row; flushed. ``lifetime`` None = kept until somebody deletes it."""
    row = StoredFile(
        key=stored.key,
        name=clean_name(name),
        content_type=content_type,
        size=stored.size,
        sha256=stored.sha256,
        customer_id=customer_id,
        created_by=created_by,
        expires_at=None if lifetime is None else clock.now() + lifetime,
    )
    session.add(row)
    session.flush()
    return row


def upload(
    session: CabSession,
    stream: BinaryIO,
    *,
    name: str,
    content_type: str,
    customer_id: int | None,
    created_by: int | None,
    lifetime: timedelta | None = timedelta(hours=24),
    limit: int | None = None,
) -> StoredFile:
    """Take in what a person sends. Raises Invalid ``file.too_big`` (``limit`` bytes), Unavailable ``file.no_room``."""
    try:
        stored = storage().put(stream, limit)
    except StorageError as problem:
        if problem.reason == "too_big":
            raise Invalid("file.too_big", limit=limit) from problem
        raise Unavailable(f"file.{problem.reason}") from problem
    return keep(
        session,
        stored,
        name=name,
        content_type=content_type,
        customer_id=customer_id,
        created_by=created_by,
        lifetime=lifetime,
    )


def get(session: CabSession, file_id: int, *, customer_id: int | None) -> StoredFile:
    """A file that may still be fetched. NotFound ``file.not_found`` for unknown, foreign and expired ones alike."""
    statement = sa.select(StoredFile).where(
        StoredFile.id == file_id, sa.or_(StoredFile.expires_at.is_(None), StoredFile.expires_at > clock.now())
    )
    if customer_id is not None:
        statement = statement.where(StoredFile.customer_id == customer_id)
    found = session.scalar(statement)
    if found is None:
        raise NotFound("file.not_found")
    return found


def path(file: StoredFile) -> Path:
    """Where its bytes are. NotFound ``file.gone`` when they no longer are."""
    found = storage().path(file.key)
    if not found.is_file():
        raise NotFound("file.gone")
    return found


def follow(key: str) -> BinaryIO:
    """What there is of a file that is perhaps still being written; its end moves. NotFound ``file.gone``."""
    try:
        return storage().follow(key)
    except StorageError as problem:
        raise NotFound("file.gone") from problem


def count_download(session: CabSession, file: StoredFile) -> None:
    """Note that it was fetched once more."""
    session.execute(sa.update(StoredFile).where(StoredFile.id == file.id).values(downloads=StoredFile.downloads + 1))


def forget(key: str) -> None:
    """Remove the bytes; a storage that fails is logged, for a sweep comes by again."""
    try:
        storage().delete(key)
    except (OSError, StorageError):
        log.exception("a file could not be removed")


def expire(session: CabSession, *, limit: int = 500) -> int:
    """Delete rows past their time, and their bytes after the commit. For the machine's own scope; returns how many."""
    due = session.scalars(
        sa.select(StoredFile)
        .where(StoredFile.expires_at < clock.now())
        .order_by(StoredFile.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for file in due:
        session.delete(file)
        session.after_commit(partial(forget, file.key))
    session.flush()
    return len(due)


def clean_name(name: str) -> str:
    """A file name without folders and control characters, at most 150 long."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(letter for letter in base if letter.isprintable()).strip(". ")
    return shown[-150:] or "file"
