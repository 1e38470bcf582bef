"""Files: kept under random names, fetched only by their owner, gone in time."""

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.lib.errors import Invalid, NotFound
from callcab.lib.storage import LocalStorage
from callcab.models import StoredFile
from callcab.scope import Scope
from callcab.services import stored_file
from tests import factories


@pytest.fixture
def owner(connected: sa.Engine, tmp_path: Path) -> Iterator[int]:
    before = stored_file._storage
    stored_file.use(LocalStorage(tmp_path))
    with unit_of_work(Scope.system("test")) as session:
        customer = factories.customer(session).id
    yield customer
    stored_file.use(before)


def keep(owner: int, content: bytes = b"abc", name: str = "list.csv", **values: object) -> StoredFile:
    with unit_of_work(Scope.tenant(owner)) as session:
        return stored_file.upload(
            session,
            io.BytesIO(content),
            name=name,
            content_type="text/csv",
            customer_id=owner,
            created_by=None,
            **values,
        )


def test_a_file_is_read_again_with_size_and_sum(owner: int) -> None:
    file = keep(owner)
    assert stored_file.path(file).read_bytes() == b"abc"
    assert (file.size, file.sha256[:8]) == (3, "ba7816bf")


def test_another_customer_finds_nothing(owner: int) -> None:
    file = keep(owner)
    with unit_of_work(Scope.system("test")) as session:
        stranger = factories.customer(session).id
    with unit_of_work(Scope.tenant(stranger)) as session, pytest.raises(NotFound) as refused:
        stored_file.get(session, file.id, customer_id=stranger)
    assert refused.value.code == "file.not_found"


def test_after_its_time_it_is_not_found_even_before_the_sweep(owner: int) -> None:
    file = keep(owner)
    late = clock.frozen(clock.now() + timedelta(hours=24, seconds=1))
    with late, unit_of_work(Scope.tenant(owner)) as session, pytest.raises(NotFound):
        stored_file.get(session, file.id, customer_id=owner)


def test_the_sweep_removes_row_and_bytes(owner: int, tmp_path: Path) -> None:
    keep(owner)
    with clock.frozen(clock.now() + timedelta(hours=25)), unit_of_work(Scope.system("test")) as session:
        assert stored_file.expire(session) == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_too_big_a_file_is_refused_and_leaves_nothing(owner: int, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        keep(owner, b"x" * 100, limit=99)
    assert refused.value.code == "file.too_big"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\список.csv", "список.csv"),
        ("a\r\nb.csv", "ab.csv"),
        ("..", "file"),
        ("", "file"),
    ],
)
def test_a_file_name_loses_folders_and_control_characters(typed: str, kept: str) -> None:
    assert stored_file.clean_name(typed) == kept
