"""One chunk of an archive: the files of chosen rows into a ZIP, offered and kept as other exports (F-03, F-12)."""

import zipfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, cast

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.storage import Stored
from callcab.models import Operation
from callcab.services import listing, stored_file
from callcab.services.operation import following
from callcab.services.operation.catalogue import Work

if TYPE_CHECKING:
    from callcab.services.operation.running import Run


class Archive(stored_file.Making):
    """The ZIP being written, and how far the list has been read."""

    def __init__(self) -> None:
        super().__init__()
        self.position: list[Any] | None = None
        self._zip = zipfile.ZipFile(cast(Any, self.draft), "w", zipfile.ZIP_DEFLATED)
        self._names: set[str] = set()

    def add(self, name: str, content: bytes) -> None:
        """A member; a second one of the same name gets a number."""
        path = PurePosixPath(stored_file.clean_name(name))
        free, count = path.name, 1
        while free in self._names:
            count += 1
            free = f"{path.stem} ({count}){path.suffix}"
        self._names.add(free)
        self._zip.writestr(zipfile.ZipInfo(free, _now()), content, zipfile.ZIP_DEFLATED)

    def announce(self, operation: Operation, name: str, content_type: str) -> None:
        """Offer what there is of it."""
        following.announce(operation, self.draft, name, content_type)

    def finish(self) -> Stored:
        self._zip.close()
        return super().finish()


def _now() -> tuple[int, int, int, int, int, int]:
    at = clock.now()
    return at.year, at.month, at.day, at.hour, at.minute, at.second


def add_members(session: CabSession, operation: Operation, work: Work, run: "Run") -> tuple[Archive, Stored | None]:
    """Add the files of the next rows; the whole archive once there are no more."""
    assert operation.spec_name is not None and work.member is not None  # noqa: S101 - an archive has both
    spec = listing.get(operation.spec_name)
    state = listing.from_json(spec, operation.filter)
    if not isinstance(run.output, Archive):
        run.output = Archive()
    output = run.output
    found = listing.iterate(
        session,
        spec,
        state,
        ids=operation.ids,
        customer_id=operation.customer_id,
        chunk=work.chunk,
        start=output.position,
    )
    rows = next(found, ())
    for row in rows:
        output.add(*work.member(session, row))
    operation.done += len(rows)
    if len(rows) == work.chunk:
        output.position = listing.position_of(spec, state.sort, rows[-1])
        return output, None
    return output, output.finish()
