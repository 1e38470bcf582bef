"""Many numbers that two people add to one list at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from callcab.db import CabSession, unit_of_work
from callcab.models import BlacklistEntry, BlacklistSource
from callcab.scope import Actor, Scope
from callcab.services import blacklist, row_total
from callcab.services.blacklist_rows import MANY
from tests import factories

SYSTEM = Scope.system("test")
PHONE = 79250000000


@pytest.fixture
def owner_id(connected: sa.Engine) -> int:
    with unit_of_work(SYSTEM) as session:
        return factories.customer(session).id


def test_a_number_that_both_looked_for_and_did_not_find_is_added_once(
    owner_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, write = Barrier(2), CabSession.begin_nested

    def meet(session: CabSession, *arguments: Any, **options: Any) -> Any:
        looked.wait(20)
        return write(session, *arguments, **options)

    def add(first: int) -> int:
        with unit_of_work(SYSTEM) as session:
            numbers = range(PHONE + first, PHONE + first + MANY)
            return blacklist.add_many(session, owner_id, numbers, source=BlacklistSource.FILE, actor=Actor.system())

    monkeypatch.setattr(CabSession, "begin_nested", meet)
    with ThreadPoolExecutor(2) as people:
        new = list(people.map(add, (0, MANY // 2)))
    with unit_of_work(SYSTEM) as session:
        rows = session.scalar(sa.select(sa.func.count()).select_from(BlacklistEntry))
        kept = row_total.Kept(BlacklistEntry)(session, owner_id)
    assert (sum(new), rows, kept) == (MANY * 3 // 2, MANY * 3 // 2, MANY * 3 // 2)
    assert sorted(new) == [MANY // 2, MANY]
