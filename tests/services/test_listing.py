"""Lists: pages, counts and whole selections of real rows."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from werkzeug.datastructures import MultiDict

from callcab.db import CabSession, unit_of_work
from callcab.lib.errors import Invalid, NotFound
from callcab.models import BlacklistEntry, BlacklistSource
from callcab.scope import Scope
from callcab.services import listing
from callcab.services.listing import ListSpec, ListState, Sort, shown
from callcab.services.specs.blacklist import BLACKLIST, BLACKLIST_SUPPORT
from tests import factories
from tests.statements import hearing

MOSCOW = ZoneInfo("Europe/Moscow")
START = datetime(2024, 5, 7, 7, 0, tzinfo=UTC)
PHONE = 79990000000


def _search(text: str) -> sa.ColumnElement[bool] | None:
    digits = "".join(letter for letter in text if letter.isdigit())
    return BlacklistEntry.phone == int(digits) if 0 < len(digits) < 16 else None


SPEC = ListSpec(
    name="test-blacklist",
    model=BlacklistEntry,
    sorts={
        "created_at": Sort(BlacklistEntry.created_at),
        "phone": Sort(BlacklistEntry.phone),
        "id": Sort(BlacklistEntry.id),
        "expires_at": Sort(BlacklistEntry.expires_at, nullable=True),
    },
    default_sort="-created_at",
    filters=(
        listing.ChoiceFilter("source", BlacklistEntry.source, choices=BlacklistSource),
        listing.DateTimeRange("created", BlacklistEntry.created_at),
        listing.ReferenceFilter("customer", BlacklistEntry.customer_id),
    ),
    search=_search,
)


class PlainSigner:
    """Cursors in the clear; only what starts with the mark counts as signed."""

    def sign(self, text: str) -> str:
        return "ok:" + text

    def unsign(self, token: str) -> str | None:
        return token.removeprefix("ok:") if token.startswith("ok:") else None


SIGNER = PlainSigner()


@pytest.fixture
def people(connected: sa.Engine) -> tuple[int, int]:
    """An owner with 120 numbers, several in the same second, and a stranger with three."""
    with unit_of_work(Scope.system("test")) as session:
        owner, stranger = factories.customer(session), factories.customer(session)
        for number in range(120):
            session.add(
                BlacklistEntry(
                    customer_id=owner.id,
                    phone=PHONE + number,
                    source=BlacklistSource.FILE if number % 3 else BlacklistSource.HAND,
                    created_at=START + timedelta(minutes=number // 7),
                    expires_at=START + timedelta(days=number // 5) if number % 2 else None,
                )
            )
        for number in range(3):
            session.add(BlacklistEntry(customer_id=stranger.id, phone=PHONE + number, source=BlacklistSource.HAND))
        return owner.id, stranger.id


def ask(**args: str) -> ListState:
    return listing.parse(SPEC, MultiDict(args), zone=MOSCOW)


def walk(session: CabSession, state_args: dict[str, str], customer: int) -> tuple[list[list[int]], list[int | None]]:
    pages, starts, after = [], [], ""
    while True:
        page = listing.fetch_page(session, SPEC, ask(**state_args, after=after), signer=SIGNER, customer_id=customer)
        pages.append([row.id for row in page.rows])
        starts.append(page.start)
        if not page.next:
            return pages, starts
        after = page.next


@pytest.mark.parametrize("sort", ["-created_at", "created_at", "phone", "-phone", "-id", "expires_at", "-expires_at"])
def test_walking_forward_shows_every_row_once(people: tuple[int, int], sort: str) -> None:
    with unit_of_work(Scope.staff()) as session:
        pages, starts = walk(session, {"sort": sort, "size": "25"}, people[0])
        ordered = [
            row.id for step in listing.iterate(session, SPEC, ask(sort=sort), customer_id=people[0]) for row in step
        ]
    assert [len(page) for page in pages] == [25, 25, 25, 25, 20]
    assert sum(pages, []) == ordered
    assert len(set(ordered)) == 120
    assert starts == [1, 26, 51, 76, 101]


@pytest.mark.parametrize("sort", ["-created_at", "created_at", "expires_at", "-expires_at"])
def test_walking_back_shows_the_same_pages(people: tuple[int, int], sort: str) -> None:
    with unit_of_work(Scope.staff()) as session:
        pages, _ = walk(session, {"sort": sort, "size": "25"}, people[0])
        page = listing.fetch_page(
            session, SPEC, ask(sort=sort, size="25", end="1"), signer=SIGNER, customer_id=people[0]
        )
        back = [[row.id for row in page.rows]]
        while page.previous:
            state = ask(sort=sort, size="25", before=page.previous)
            page = listing.fetch_page(session, SPEC, state, signer=SIGNER, customer_id=people[0])
            back.insert(0, [row.id for row in page.rows])
    forward = sum(pages, [])
    assert back[-1] == forward[-25:]
    assert back[0] == forward[:25]
    assert set(sum(back, [])) == set(forward)


@pytest.mark.parametrize("scope", [Scope.tenant, lambda customer_id: Scope.staff()])
def test_the_statement_of_a_page_is_kept_and_serves_everybody_his_own_rows(people: tuple[int, int], scope: Any) -> None:
    seen = []
    for customer_id in (*people, *people):
        with unit_of_work(scope(customer_id)) as session:
            page = listing.fetch_page(session, SPEC, ask(size="200"), signer=SIGNER, customer_id=customer_id)
            seen.append(({row.customer_id for row in page.rows}, len(page.rows)))
        kept = len(SPEC.shown.kept) if SPEC.shown else 0
    assert seen == [({people[0]}, 120), ({people[1]}, 3)] * 2
    with unit_of_work(scope(people[0])) as session:
        listing.fetch_page(session, SPEC, ask(size="200"), signer=SIGNER, customer_id=people[0])
    assert SPEC.shown and len(SPEC.shown.kept) == kept > 0


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ({"source": "hand"}, {"source": "file"}),
        ({"created_from": "07.05.2024", "created_from_time": "10:03"}, {"created_from": "07.05.2024"}),
        ({"source": "hand", "created_from": "07.05.2024"}, {"source": "file", "created_from": "08.05.2024"}),
    ],
)
def test_one_statement_serves_all_values_of_the_same_filters_and_brings_their_count(
    connected: sa.Engine, people: tuple[int, int], first: dict[str, str], other: dict[str, str]
) -> None:
    kept = []
    for args in (first, other):
        state = ask(size="25", **args)
        with unit_of_work(Scope.tenant(people[0])) as session:
            wanted = session.scalars(listing.matching(SPEC, state, customer_id=people[0])).all()
            with hearing() as heard:
                page = listing.fetch_page(session, SPEC, state, signer=SIGNER, customer_id=people[0])
                count = page.count(state)
            assert count is not None
            assert (count.value, len(page.rows)) == (len(wanted), min(len(wanted), 25))
            assert {row.id for row in page.rows} <= {row.id for row in wanted}
            assert len([text for text in heard if "blacklist_entry" in text]) == 1
        kept.append(set(SPEC.shown.kept) if SPEC.shown else set())
    assert kept[0] == kept[1]


def test_a_count_that_comes_along_stops_at_the_cap(people: tuple[int, int]) -> None:
    short, state = replace(SPEC, count_cap=79), ask(source="file", size="25")
    with unit_of_work(Scope.tenant(people[0])) as session:
        page = listing.fetch_page(session, short, state, signer=SIGNER, customer_id=people[0])
    assert page.count(state) == listing.Count(79, capped=True)


def test_statements_that_people_ask_for_are_kept_to_a_number(
    people: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown, "KEPT", 2)
    spec = replace(SPEC)
    with unit_of_work(Scope.tenant(people[0])) as session:
        for args in ({}, {"source": "hand"}, {"created_from": "07.05.2024"}, {"created_to": "07.05.2024"}):
            listing.fetch_page(session, spec, ask(**args), signer=SIGNER, customer_id=people[0])
    assert spec.shown is not None
    assert len(spec.shown.kept) == 2


def test_a_jump_shows_the_page_of_that_number(people: tuple[int, int]) -> None:
    with unit_of_work(Scope.staff()) as session:
        pages, _ = walk(session, {"size": "25"}, people[0])
        page = listing.fetch_page(session, SPEC, ask(size="25", page="3"), signer=SIGNER, customer_id=people[0])
    assert [row.id for row in page.rows] == pages[2]
    assert page.start == 51


def test_a_jump_behind_the_end_shows_the_last_rows(people: tuple[int, int]) -> None:
    with unit_of_work(Scope.staff()) as session:
        pages, _ = walk(session, {"size": "25"}, people[0])
        page = listing.fetch_page(session, SPEC, ask(size="25", page="99"), signer=SIGNER, customer_id=people[0])
    assert [row.id for row in page.rows] == sum(pages, [])[-25:]
    assert page.next == ""


@pytest.mark.parametrize(
    "token", ["", "junk", "ok:[]", "ok:{", 'ok:["test-blacklist","-created_at",0,"x",1]', "ok:[1,2]"]
)
def test_a_forged_cursor_shows_the_first_page(people: tuple[int, int], token: str) -> None:
    with unit_of_work(Scope.staff()) as session:
        page = listing.fetch_page(session, SPEC, ask(after=token, size="25"), signer=SIGNER, customer_id=people[0])
    assert page.start == 1
    assert len(page.rows) == 25


def test_a_row_added_during_the_walk_repeats_nothing(people: tuple[int, int]) -> None:
    with unit_of_work(Scope.staff()) as session:
        first = listing.fetch_page(session, SPEC, ask(size="25"), signer=SIGNER, customer_id=people[0])
        session.add(
            BlacklistEntry(
                customer_id=people[0], phone=PHONE + 999, source=BlacklistSource.HAND, created_at=START + timedelta(1)
            )
        )
        session.flush()
        second = listing.fetch_page(
            session, SPEC, ask(size="25", after=first.next), signer=SIGNER, customer_id=people[0]
        )
    assert not {row.id for row in first.rows} & {row.id for row in second.rows}


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"size": "200"}, 120),
        ({"size": "200", "end": "1"}, 120),
        ({"size": "25"}, 120),
        ({"size": "25", "end": "1"}, 120),
        ({"size": "25", "page": "5"}, None),
        ({"search": "71112223344"}, 0),
    ],
)
def test_a_page_knows_how_many_rows_there_are_unless_it_was_jumped_to(
    people: tuple[int, int], asked: dict[str, str], count: int | None
) -> None:
    with unit_of_work(Scope.staff()) as session:
        page = listing.fetch_page(session, SPEC, ask(**asked), signer=SIGNER, customer_id=people[0])
    found = page.count(ask(**asked))
    assert (None if found is None else found.value) == count


@pytest.mark.parametrize(
    ("spec", "scope", "total"),
    [
        (BLACKLIST, Scope.tenant, 120),
        (BLACKLIST, lambda customer_id: Scope.staff(), 120),
        (BLACKLIST_SUPPORT, lambda customer_id: Scope.staff(), 123),
    ],
)
def test_the_kept_total_comes_with_the_rows(
    connected: sa.Engine, people: tuple[int, int], spec: ListSpec, scope: Any, total: int
) -> None:
    owner = people[0] if spec is BLACKLIST else None
    with unit_of_work(scope(people[0])) as session, hearing() as heard:
        page = listing.fetch_page(session, spec, ListState(page_size=25), signer=SIGNER, customer_id=owner)
        found = page.count(ListState())
    assert (found.value if found else None, len(page.rows)) == (total, 25)
    assert len([text for text in heard if "row_total" in text]) == 1


def test_a_page_behind_the_last_row_shows_the_last_rows(people: tuple[int, int]) -> None:
    with unit_of_work(Scope.staff()) as session:
        state = ask(size="25", end="1")
        last = listing.fetch_page(session, SPEC, state, signer=SIGNER, customer_id=people[0]).rows[-1]
        place = SIGNER.sign(json.dumps([SPEC.name, state.sort, 120, *listing.position_of(SPEC, state.sort, last)]))
        page = listing.fetch_page(session, SPEC, ask(after=place, size="25"), signer=SIGNER, customer_id=people[0])
    assert (len(page.rows), page.rows[-1].id, page.next) == (25, last.id, "")


@pytest.mark.parametrize(("cap", "looks", "counted"), [(119, 0, False), (120, 1, True)])
def test_choices_are_not_looked_at_where_a_kept_total_is_beyond_the_cap(
    connected: sa.Engine, people: tuple[int, int], cap: int, looks: int, counted: bool
) -> None:
    with unit_of_work(Scope.staff()) as session, hearing() as heard:
        found = listing.facet_counts(session, BLACKLIST, ListState(), "source", customer_id=people[0], cap=cap)
    assert (bool(found), len([text for text in heard if "blacklist_entry" in text])) == (counted, looks)


def test_counting_stops_at_the_cap(people: tuple[int, int]) -> None:
    with unit_of_work(Scope.staff()) as session:
        capped = listing.count_matching(session, SPEC, ask(), customer_id=people[0], cap=100)
        exact = listing.count_matching(session, SPEC, ask(), customer_id=people[0])
    assert (capped.value, capped.capped) == (100, True)
    assert (exact.value, exact.capped) == (120, False)


def test_a_tenant_sees_nothing_foreign_through_any_door(people: tuple[int, int]) -> None:
    owner, stranger = people
    with unit_of_work(Scope.tenant(owner)) as session:
        foreign = listing.fetch_page(session, SPEC, ask(), signer=SIGNER, customer_id=stranger)
        count = listing.count_matching(session, SPEC, ask())
        chosen = listing.count_matching(session, SPEC, ask(), ids=["121", "122", "123"])
        one = listing.get_one(session, SPEC, "121")
        rows = sum((len(step) for step in listing.iterate(session, SPEC, ask())), 0)
    assert (list(foreign.rows), count.value, chosen.value, one, rows) == ([], 120, 0, None, 120)


@pytest.mark.parametrize("row_id", ["0", "-1", "99999999999999999999", "9223372036854775808", "x", "1\x00", "١", ""])
def test_an_impossible_id_is_simply_not_found(people: tuple[int, int], row_id: str) -> None:
    with unit_of_work(Scope.staff()) as session:
        assert listing.get_one(session, SPEC, row_id) is None


def test_dates_include_both_minutes_in_the_zone_of_the_customer(people: tuple[int, int]) -> None:
    state = ask(created_from="07.05.2024", created_from_time="10:02", created_to="07.05.2024", created_to_time="10:03")
    assert state.filters["created"] == {"from": "2024-05-07T07:02:00+00:00", "before": "2024-05-07T07:04:00+00:00"}
    with unit_of_work(Scope.staff()) as session:
        assert listing.count_matching(session, SPEC, state, customer_id=people[0]).value == 14


def test_a_day_without_a_time_is_the_whole_day() -> None:
    state = ask(created_from="07.05.2024", created_to="07.05.2024")
    assert state.filters["created"] == {"from": "2024-05-06T21:00:00+00:00", "before": "2024-05-07T21:00:00+00:00"}


def test_counts_on_chips_follow_the_other_filters(people: tuple[int, int]) -> None:
    with unit_of_work(Scope.staff()) as session:
        state = ask(source="hand", created_to="07.05.2024", created_to_time="10:00")
        counts = listing.facet_counts(session, SPEC, state, "source", customer_id=people[0])
        none = listing.facet_counts(session, SPEC, state, "source", customer_id=people[0], cap=6)
    assert counts == {"hand": 3, "clipboard": 0, "file": 4, "ivr": 0, "api": 0, "operator": 0}
    assert none == {}


BAD = [
    ({"source": "nothing"}, {"source": "bad_choice"}),
    ({"created_from": "32.01.2024"}, {"created_from": "bad_date"}),
    ({"created_from": "01.01.0001"}, {"created_from": "bad_date"}),
    ({"created_from_time": "10:00"}, {"created_from": "date_missing"}),
    ({"created_to": "01.01.2024", "created_to_time": "25:00"}, {"created_to_time": "bad_time"}),
    ({"created_from": "02.01.2024", "created_to": "01.01.2024"}, {"created_to": "reversed"}),
    ({"customer": "99999999999999999999"}, {"customer": "bad_reference"}),
    ({"customer": "ООО"}, {"customer": "bad_reference"}),
    ({"search": "7\x00"}, {"search": "bad_text"}),
    ({"search": "7" * 201}, {"search": "too_long"}),
    ({"search": "\ud800"}, {"search": "bad_text"}),
]


@pytest.mark.parametrize(("args", "errors"), BAD)
def test_a_slip_is_named_and_matches_nothing(
    people: tuple[int, int], args: dict[str, str], errors: dict[str, str]
) -> None:
    state = ask(**args)
    assert dict(state.errors) == errors
    with unit_of_work(Scope.staff()) as session:
        assert listing.count_matching(session, SPEC, state).value == 0


@pytest.mark.parametrize("text", ["a", "%", "_", "'; DROP TABLE", "9" * 30, "\u200b", "٣"])
def test_any_search_text_is_harmless(people: tuple[int, int], text: str) -> None:
    with unit_of_work(Scope.staff()) as session:
        assert listing.count_matching(session, SPEC, ask(search=text)).value == 0


def test_page_size_and_order_come_from_the_allowed_ones() -> None:
    state = ask(size="9999", sort="--phone", page="-1")
    assert (state.page_size, state.sort, state.page) == (50, "-created_at", None)


def test_a_stored_request_means_the_same_rows(people: tuple[int, int]) -> None:
    state = ask(source="hand", search="", customer=str(people[0]))
    again = listing.from_json(SPEC, listing.to_json(state))
    with unit_of_work(Scope.staff()) as session:
        assert listing.count_matching(session, SPEC, again).value == 40


@pytest.mark.parametrize(
    "data", [{"filters": {"gone": ["x"]}}, {"filters": {"source": ["gone"]}}, {"filters": {"created": 5}}]
)
def test_a_stale_stored_request_is_refused_rather_than_widened(data: dict[str, object]) -> None:
    with pytest.raises(Invalid) as refusal:
        listing.from_json(SPEC, data)
    assert refusal.value.code == "list.stale"


def test_chunks_go_on_behind_the_last_row_of_a_killed_worker(people: tuple[int, int]) -> None:
    state = ask(source="file")
    with unit_of_work(Scope.staff()) as session:
        steps = listing.iterate(session, SPEC, state, customer_id=people[0], chunk=30)
        first = next(steps)
        place = listing.position_of(SPEC, state.sort, first[-1])
        rest = list(listing.iterate(session, SPEC, state, customer_id=people[0], chunk=30, start=place))
    assert [len(first), *map(len, rest)] == [30, 30, 20]
    assert not {row.id for row in first} & {row.id for step in rest for row in step}


def test_an_unknown_list_is_not_found() -> None:
    with pytest.raises(NotFound):
        listing.get("no-such-list")
