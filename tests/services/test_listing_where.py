"""Conditions joined by AND and OR: read from an address, as SQL, stored with operations."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from werkzeug.datastructures import MultiDict

from callcab.db import CabSession, unit_of_work
from callcab.lib.errors import Invalid
from callcab.models import BlacklistEntry, BlacklistSource
from callcab.scope import Scope
from callcab.services import listing
from callcab.services.listing import ListSpec, Sort, where
from tests import factories

MOSCOW = ZoneInfo("Europe/Moscow")
START = datetime(2024, 5, 7, 7, 0, tzinfo=UTC)
SPEC = ListSpec(
    name="test-where",
    model=BlacklistEntry,
    sorts={"id": Sort(BlacklistEntry.id)},
    default_sort="id",
    filters=(
        listing.ChoiceFilter("source", BlacklistEntry.source, choices=BlacklistSource),
        listing.DateTimeRange("created", BlacklistEntry.created_at),
        listing.ReferenceFilter("author", BlacklistEntry.author_id),
        listing.ReferenceFilter("customer", BlacklistEntry.customer_id),
    ),
    search=lambda text: BlacklistEntry.phone == int(text) if text.isdigit() else None,
)


@pytest.fixture
def session(connected: sa.Engine) -> Iterator[CabSession]:
    """Six entries of two customers, one each day: hand, file, hand, file, hand, file; the first has an author."""
    with unit_of_work(Scope.system("test")) as session:
        owners = [factories.customer(session) for _ in range(2)]
        author = factories.user(session, owners[0], "owner")
        for number in range(6):
            session.add(
                BlacklistEntry(
                    customer_id=owners[number // 3].id,
                    phone=79990000000 + number,
                    source=BlacklistSource.FILE if number % 2 else BlacklistSource.HAND,
                    author_id=None if number else author.id,
                    created_at=START + timedelta(days=number),
                )
            )
        session.flush()
        yield session


def read(query: list[tuple[str, str]]) -> listing.ListState:
    return listing.parse(SPEC, MultiDict(query), zone=MOSCOW)


def found(session: CabSession, query: list[tuple[str, str]], **more: Any) -> list[int]:
    """The last digits of the numbers that match."""
    rows = session.scalars(listing.matching(SPEC, read(query), **more).order_by(BlacklistEntry.id))
    return [row.phone % 10 for row in rows]


HAND, FILE = [("w1", "1.is.source"), ("w1.source", "hand")], [("w1", "1.is.source"), ("w1.source", "file")]
LATE = [("w2", "1.is.created"), ("w2.created_from", "10.05.2024")]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (HAND, [0, 2, 4]),
        ([*HAND, *LATE], [4]),
        ([*HAND, *LATE, ("g1", "or")], [0, 2, 3, 4, 5]),
        ([("w1", "1.not.source"), ("w1.source", "hand")], [1, 3, 5]),
        ([*HAND, ("w2", "2.is.created"), ("w2.created_to", "08.05.2024"), ("where", "or")], [0, 1, 2, 4]),
        ([*HAND, ("w2", "2.not.created"), ("w2.created_to", "08.05.2024"), ("where", "and")], [2, 4]),
        ([("w1", "1.is.source"), ("w1.source", "hand"), ("w1.source", "file"), ("search", "79990000003")], [3]),
    ],
)
def test_rows_and_groups_are_joined_as_the_address_says(
    session: CabSession, query: list[tuple[str, str]], expected: list[int]
) -> None:
    assert found(session, query) == expected


def test_an_empty_cell_is_among_the_opposite(session: CabSession) -> None:
    author = session.scalars(sa.select(BlacklistEntry.author_id).where(BlacklistEntry.author_id.is_not(None))).one()
    assert found(session, [("w1", "1.not.author"), ("w1.author", str(author))]) == [1, 2, 3, 4, 5]


def test_no_way_of_joining_leaves_the_customer(session: CabSession) -> None:
    first, other = sorted(set(session.scalars(sa.select(BlacklistEntry.customer_id))), key=int)
    query = [("w1", "1.not.customer"), ("w1.customer", str(first)), *LATE, ("g1", "or")]
    assert found(session, query, customer_id=first) == []
    assert found(session, query, customer_id=other) == [3, 4, 5]


def test_conditions_that_narrow_are_not_counted_as_the_whole_list(session: CabSession) -> None:
    spec = ListSpec(**{**vars_of(SPEC), "name": "test-where-kept", "total": lambda session, owner: 99})
    assert listing.count_matching(session, spec, read(HAND)).value == 3
    assert listing.facet_counts(session, spec, read(HAND), "source")["file"] == 0


def vars_of(spec: ListSpec) -> dict[str, Any]:
    names = ("model", "sorts", "default_sort", "filters", "search")
    return {name: getattr(spec, name) for name in names}


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ([("w1", "1.is.source")], "w1.source", "value_missing"),
        ([("w1", "1.is.source"), ("w1.source", "gift")], "w1.source", "bad_choice"),
        ([("w1", "1.is.created"), ("w1.created_from", "99.99.2024")], "w1.created_from", "bad_date"),
        ([("w1", "1.is.password"), ("w1.password", "x")], "w1", "bad_choice"),
        ([("w1", "9.is.source"), ("w1.source", "hand")], "w1", "bad_choice"),
        ([("w1", "nonsense")], "w1", "bad_choice"),
    ],
)
def test_a_slip_is_told_and_matches_nothing(
    session: CabSession, query: list[tuple[str, str]], field: str, code: str
) -> None:
    assert read(query).errors == {field: code}
    assert found(session, query) == []


def test_conditions_are_stored_and_mean_the_same_rows(session: CabSession) -> None:
    stored = listing.to_json(read([*HAND, *LATE, ("g1", "or")]))
    again = listing.from_json(SPEC, stored)
    rows = session.scalars(listing.selection(SPEC, again).order_by(BlacklistEntry.id))
    assert [row.phone % 10 for row in rows] == [0, 2, 3, 4, 5]


ROW = {"key": "source", "not": False, "value": ["hand"]}


@pytest.mark.parametrize(
    "tree",
    [
        {"join": "and", "groups": [{"join": "and", "rows": [{**ROW, "key": "gone"}]}]},
        {"join": "and", "groups": [{"join": "and", "rows": [{**ROW, "value": ["gone"]}]}]},
        {"join": "and", "groups": [{"join": "xor", "rows": [ROW]}]},
        {"join": "and", "groups": []},
        {"join": "and", "groups": [{"join": "and", "rows": []}]},
        {"groups": [{"join": "and", "rows": [ROW]}]},
        [],
        "or",
    ],
)
def test_stored_conditions_that_the_list_no_longer_knows_are_refused(tree: Any) -> None:
    with pytest.raises(Invalid, match=r"list\.stale"):
        listing.from_json(SPEC, {"search": "", "filters": {}, "sort": "", "where": tree})


def test_no_more_rows_than_twelve_are_read() -> None:
    many = [pair for n in range(1, 15) for pair in ((f"w{n}", "1.is.source"), (f"w{n}.source", "hand"))]
    state = read(many)
    assert state.where is not None
    assert len(state.where["groups"][0]["rows"]) == where.ROWS
