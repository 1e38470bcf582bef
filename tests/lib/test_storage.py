"""Files under unguessable names."""

import errno
import hashlib
import io
import os

import pytest

from callcab.lib.storage import LocalStorage, StorageError


@pytest.fixture
def storage(tmp_path):
    return LocalStorage(tmp_path / "files")


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_file_comes_back_as_it_was(storage):
    content = os.urandom(200_000)
    stored = storage.put(io.BytesIO(content))
    assert (stored.size, stored.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    with storage.open(stored.key) as file:
        assert file.read() == content
    assert storage.path(stored.key).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "key", ["", "../../etc/passwd", "a" * 39, "A" * 40, "a" * 40 + "\n", "/" + "a" * 39, "a" * 20 + "\x00" * 20, None]
)
def test_only_our_own_keys_open_anything(storage, key):
    for method in (storage.open, storage.follow, storage.path, storage.delete):
        with pytest.raises(StorageError, match="bad_key"):
            method(key)


def test_a_deleted_file_is_missing(storage):
    key = storage.put(io.BytesIO(b"x")).key
    assert [storage.delete(key), storage.delete(key)] == [True, False]
    with pytest.raises(StorageError, match="missing"):
        storage.open(key)


def test_a_file_that_is_too_big_leaves_nothing(storage, tmp_path):
    with pytest.raises(StorageError, match="too_big"):
        storage.put(io.BytesIO(b"x" * 100_001), limit=100_000)
    assert files_in(tmp_path) == []


def test_a_failed_draft_leaves_nothing(storage, tmp_path):
    with pytest.raises(RuntimeError), storage.create() as draft:
        draft.write(b"half")
        raise RuntimeError
    assert files_in(tmp_path) == []


def test_a_file_can_be_read_while_it_is_written_and_stays_the_same_file(storage):
    with storage.create() as draft:
        draft.write(b"one ")
        draft.flush()
        early = storage.follow(draft.key)
        assert early.read() == b"one "
        draft.write(b"two")
    with early, storage.follow(draft.key) as late:
        assert (early.read(), late.read(), draft.stored.key) == (b"two", b"one two", draft.key)


def test_a_file_that_nobody_writes_is_missing_also_to_those_who_would_follow_it(storage):
    with pytest.raises(RuntimeError), storage.create() as draft:
        raise RuntimeError
    with pytest.raises(StorageError, match="missing"):
        storage.follow(draft.key)


def test_a_full_disk_is_told_as_such(storage, tmp_path):
    with pytest.raises(StorageError, match="no_room"), storage.create() as draft:
        draft.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert files_in(tmp_path) == []


def test_sweeping_removes_only_old_drafts(storage, tmp_path):
    kept = storage.put(io.BytesIO(b"x")).key
    with storage.create() as draft:
        draft.write(b"now")
        old = tmp_path / "files" / "tmp" / ("0" * 40)
        old.write_bytes(b"left by a killed process")
        os.utime(old, (0, 0))
        assert storage.sweep() == 1
    assert storage.path(draft.stored.key).read_bytes() == b"now"
    assert storage.path(kept).exists()
