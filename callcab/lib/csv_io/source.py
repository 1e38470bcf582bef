"""From what was uploaded to a plain text file or a workbook that is safe to read to its end.

Everything that can refuse the whole file (rule B5) is found here, before the first row is given out: sizes are
counted while unpacking, because the sizes that an archive states about itself may lie.
"""

import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

_BLOCK = 1 << 16
_SPOOL = 1 << 20
_LOCAL_HEADER = 30
_IGNORED_FOLDERS = ("__MACOSX",)
_IGNORED_NAMES = ("thumbs.db", "desktop.ini", ".ds_store")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class FileError(ValueError):
    """A file that is refused whole; nothing of it may be stored. `reason` is one of

    empty, binary, unreadable, encrypted, old_excel, bomb, too_big, too_many_rows, too_many_columns, no_data_file,
    several_files.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __reduce__(self) -> tuple[type["FileError"], tuple[str]]:
        return FileError, (self.reason,)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a list file may be: bytes as uploaded, bytes unpacked, members of an archive, rows, columns.

    As many rows as a sheet of Excel has: a list of a million numbers comes back with its heading.
    """

    packed: int = 100 << 20
    unpacked: int = 200 << 20
    members: int = 1000
    rows: int = 1_048_576
    columns: int = 1000


@dataclass(slots=True)
class Source:
    """An opened file: kind is text or xlsx; `archive` is set for xlsx."""

    kind: str
    file: BinaryIO
    archive: zipfile.ZipFile | None = None


def open_source(given: str | Path | BinaryIO, limits: Limits, stack: ExitStack) -> Source:
    """Open, unwrap a ZIP, and tell what it is. Raises FileError. The stack closes what was opened here."""
    if isinstance(given, str | Path):
        file: BinaryIO = stack.enter_context(Path(given).open("rb"))  # noqa: SIM115 - the stack closes it
    else:
        file = given if given.seekable() else _spool(_blocks(given), limits.packed, "too_big", stack)
    _check_size(file, limits)
    head = _head(file)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        # An OLE file: either Excel before 2007 or a workbook with a password.
        raise FileError("encrypted" if _is_encrypted_workbook(file) else "old_excel")
    if not head.startswith(b"PK"):
        return Source("text", file)
    archive = _open_zip(file, limits, stack)
    if _is_workbook(archive):
        return Source("xlsx", file, archive)
    return _unwrap(archive, file, limits, stack)


def _check_size(file: BinaryIO, limits: Limits) -> None:
    size = file.seek(0, 2)
    file.seek(0)
    if size == 0:
        raise FileError("empty")
    if size > limits.packed:
        raise FileError("too_big")


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    head = file.read(8)
    file.seek(0)
    return head


def _is_encrypted_workbook(file: BinaryIO) -> bool:
    return "EncryptedPackage".encode("utf-16-le") in file.read(_BLOCK)


def _open_zip(file: BinaryIO, limits: Limits, stack: ExitStack) -> zipfile.ZipFile:
    try:
        archive = stack.enter_context(zipfile.ZipFile(file))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise FileError("unreadable") from error
    members = archive.infolist()
    if len(members) > limits.members or sum(member.file_size for member in members) > limits.unpacked:
        raise FileError("bomb")
    return archive


def _is_workbook(archive: zipfile.ZipFile) -> bool:
    names = set(archive.namelist())
    return "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names)


def _unwrap(archive: zipfile.ZipFile, file: BinaryIO, limits: Limits, stack: ExitStack) -> Source:
    """Take the only data file out of a ZIP (rule B1); a ZIP inside a ZIP is refused."""
    members = [member for member in archive.infolist() if _is_data(member)]
    if len(members) != 1:
        raise FileError("several_files" if members else "no_data_file")
    inner = _spool(unpack(archive, members[0], limits.unpacked), limits.unpacked, "bomb", stack)
    _check_size(inner, limits)
    if not _head(inner).startswith(b"PK"):
        return Source("text", inner)
    inner_archive = _open_zip(inner, limits, stack)
    if not _is_workbook(inner_archive):
        raise FileError("no_data_file")
    return Source("xlsx", inner, inner_archive)


def _is_data(member: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    hidden = path.name.lower() in _IGNORED_NAMES or path.name.startswith("._")
    return not (member.is_dir() or hidden or any(part in _IGNORED_FOLDERS for part in path.parts))


def unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> Iterator[bytes]:
    """Yield a member's real content, checked. Raises FileError bomb beyond `limit`, unreadable, encrypted.

    zipfile stops where the stated size ends, so a lying size would hide the rest; here the stated size must be true.
    """
    if member.flag_bits & 0x1:
        raise FileError("encrypted")
    if member.compress_type not in _METHODS:
        raise FileError("unreadable")
    total, checksum = 0, 0
    try:
        for block in _inflate(archive, member):
            total += len(block)
            if total > limit:
                raise FileError("bomb")
            checksum = zlib.crc32(block, checksum)
            yield block
    except (zlib.error, zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError("unreadable") from error
    if total != member.file_size or checksum != member.CRC:
        raise FileError("unreadable")


def _inflate(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    file = archive.fp
    assert file is not None
    file.seek(member.header_offset)
    header = file.read(_LOCAL_HEADER)
    if len(header) < _LOCAL_HEADER or header[:4] != b"PK\x03\x04":
        raise FileError("unreadable")
    position = member.header_offset + _LOCAL_HEADER
    position += int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    left = member.compress_size
    engine = zlib.decompressobj(-15) if member.compress_type == zipfile.ZIP_DEFLATED else None
    while left:
        file.seek(position)
        packed = file.read(min(_BLOCK, left))
        if not packed:
            raise FileError("unreadable")
        position, left = position + len(packed), left - len(packed)
        if engine is None:
            yield packed
            continue
        while packed:
            yield engine.decompress(packed, _BLOCK)
            packed = engine.unconsumed_tail
    if engine is not None:
        yield engine.flush()


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    while block := stream.read(_BLOCK):
        yield block


def _spool(blocks: Iterator[bytes], limit: int, reason: str, stack: ExitStack) -> BinaryIO:
    """Copy into a temporary file that stays in memory while it is small."""
    target = stack.enter_context(tempfile.SpooledTemporaryFile(max_size=_SPOOL))  # noqa: SIM115 - the stack closes it
    total = 0
    for block in blocks:
        total += len(block)
        if total > limit:
            raise FileError(reason)
        target.write(block)
    target.seek(0)
    return target  # type: ignore[return-value]
