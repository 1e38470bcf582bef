"""A list walked to its end while others write into it: what stays throughout is shown, and once."""

import random
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.models import BlacklistEntry, BlacklistSource, NumberKind, NumberState, PhoneNumber
from callcab.scope import Scope
from callcab.services import listing
from callcab.services.listing import ListSpec, Sort
from callcab.services.specs.blacklist import BLACKLIST, BLACKLIST_SUPPORT
from callcab.services.specs.phone_number import PHONE_NUMBER
from tests import factories
from tests.waiting import wait_for

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
START = datetime(2026, 5, 7, 7, 0, tzinfo=UTC)
STAYING, PAGE = 1_500, "25"
# Rows that come and go, a second: far more than the hundred that support sees.
HURRY = 0.002
# An order with ties and empty cells, which no list of the product has in one.
HARDEST = ListSpec(
    name="test-hardest",
    model=BlacklistEntry,
    sorts={"expires_at": Sort(BlacklistEntry.expires_at, nullable=True)},
    default_sort="expires_at",
)


class Signer:
    """Cursors in the clear."""

    def sign(self, text: str) -> str:
        return text

    def unsign(self, token: str) -> str:
        return token


class Coming(threading.Thread):
    """Adds rows anywhere in the order and deletes them again, each in a transaction of its own, until told to stop."""

    def __init__(self, make: Any) -> None:
        super().__init__()
        self.make, self.over, self.changes, self.pick = make, threading.Event(), 0, random.Random(7)
        self._asked = 0

    def run(self) -> None:
        passing: list[tuple[type, int]] = []
        while not self.over.wait(HURRY):
            with unit_of_work(SYSTEM) as session:
                if len(passing) > 20 and self.pick.random() < 0.5:
                    model, row_id = passing.pop(self.pick.randrange(len(passing)))
                    session.execute(sa.delete(model).where(model.id == row_id))
                else:
                    row = self.make(STAYING + self.changes, self.pick)
                    session.add(row)
                    session.flush()
                    passing.append((type(row), row.id))
            self.changes += 1

    def goes_on(self) -> bool:
        """Whether something changed since this was asked."""
        before, self._asked = self._asked, self.changes
        return before != self.changes


def entry(customer_id: int) -> Any:
    def make(number: int, pick: random.Random) -> BlacklistEntry:
        return BlacklistEntry(
            customer_id=customer_id,
            phone=79_000_000_000 + number * 7_919 % 1_000_000_000,
            source=BlacklistSource.HAND,
            # Many rows of one second, so that ids decide.
            created_at=START + timedelta(minutes=pick.randrange(60)),
            expires_at=START + timedelta(days=pick.randrange(30)) if pick.random() < 0.5 else None,
        )

    return make


def shared_number(number: int, pick: random.Random) -> PhoneNumber:
    return PhoneNumber(
        phone=74_950_000_000 + number,
        kind=NumberKind.SHARED,
        state=NumberState.FREE,
        created_at=START + timedelta(minutes=pick.randrange(60)),
    )


def walk(spec: ListSpec, sort: str, customer_id: int | None, scope: Scope, coming: Coming) -> Counter[int]:
    """How often each row was shown between the first page and the last; a page is a transaction, as for people, and
    somebody writes between any two."""
    seen: Counter[int] = Counter()
    after = ""
    while True:
        with unit_of_work(scope) as session:
            state = listing.ListState(sort=sort, page_size=int(PAGE), after=after)
            page = listing.fetch_page(session, spec, state, signer=Signer(), customer_id=customer_id)
            seen.update(row.id for row in page.rows)
        after = page.next
        if not after:
            return seen
        assert wait_for(coming.goes_on, nap=HURRY), "nobody writes meanwhile"


@pytest.mark.parametrize(
    ("spec", "sort"),
    [
        *((BLACKLIST, f"{way}{key}") for key in BLACKLIST.sorts for way in ("", "-")),
        *((BLACKLIST_SUPPORT, f"{way}{key}") for key in BLACKLIST_SUPPORT.sorts for way in ("", "-")),
        *((PHONE_NUMBER, f"{way}{key}") for key in PHONE_NUMBER.sorts for way in ("", "-")),
        (HARDEST, "expires_at"),
        (HARDEST, "-expires_at"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_no_row_that_stays_is_missed_or_shown_twice(spec: ListSpec, sort: str) -> None:
    pick = random.Random(sort)
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session)
        make = shared_number if spec.model is PhoneNumber else entry(owner.id)
        rows = [make(number, pick) for number in range(STAYING)]
        session.add_all(rows)
        session.flush()
        staying = {row.id for row in rows}
        customer_id = owner.id if spec is BLACKLIST else None
    coming = Coming(make)
    coming.start()
    try:
        seen = walk(spec, sort, customer_id, Scope.tenant(owner.id) if customer_id else Scope.staff(), coming)
    finally:
        coming.over.set()
        coming.join()
    assert {row: seen[row] for row in staying if seen[row] != 1} == {}
    assert all(count == 1 for count in seen.values())
