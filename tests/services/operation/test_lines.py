"""Lines that PostgreSQL writes, read a part ahead in a transaction of their own."""

import threading
from contextlib import closing

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.models import BlacklistEntry
from callcab.scope import Actor, Scope
from callcab.services.operation import lines
from callcab.services.operation.lines import Lines
from tests import factories
from tests.services.operation.stage import SPEC, entry, scope

PHONE = sa.cast(BlacklistEntry.phone, sa.Text)


def of(actor: Actor, cell: sa.ColumnElement[str] = PHONE, size: int = 4) -> Lines:
    """Over every row there is: only the scope says whose they may be."""
    return Lines(scope(actor), SPEC, "id", sa.select(BlacklistEntry), [cell], size)


def test_the_first_part_is_small_and_every_line_comes_once_in_order(
    owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "FIRST", 2)
    with closing(of(owner)) as found:
        parts = [found.take() for _ in range(3)]
    assert [part.rows for part in parts] == [2, 4, 4]
    assert "".join(part.text for part in parts) == "".join(f"{79250000000 + i}\r\n" for i in range(10))
    assert parts[-1].last is not None


def test_behind_the_last_full_part_there_is_an_empty_one(owner: Actor) -> None:
    with closing(of(owner, size=5)) as found:
        assert [found.take() for _ in range(3)][-1] == ("", 0, None)


def test_another_customers_rows_are_not_there_even_where_nobody_left_them_out(owner: Actor) -> None:
    with unit_of_work(Scope.system("test")) as session:
        session.add(entry(factories.customer(session).id, 79990000000))
    with closing(of(owner, size=100)) as found:
        assert found.take().rows == 10


def test_what_was_read_ahead_can_be_left(owner: Actor) -> None:
    before = threading.active_count()
    with closing(of(owner)) as found:
        found.take()
    assert threading.active_count() == before


def test_what_goes_wrong_in_reading_is_told_to_whoever_takes(owner: Actor) -> None:
    nonsense = sa.cast(1 / (BlacklistEntry.id - BlacklistEntry.id), sa.Text)
    with closing(of(owner, nonsense)) as found, pytest.raises(sa.exc.DataError):
        found.take()
