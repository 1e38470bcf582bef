"""Search by a part of a number: the same rows as by reading every number, found by indexes, counted once."""

import random
import re

import psycopg
import pytest
import sqlalchemy as sa

from callcab import db
from callcab.db import unit_of_work
from callcab.models import BlacklistEntry, Call, NumberKind, NumberState, PhoneNumber
from callcab.scope import Scope
from callcab.services import listing
from callcab.services.listing import ListSpec, ListState
from callcab.services.listing.order import order_by
from callcab.services.specs.blacklist import BLACKLIST, BLACKLIST_SUPPORT
from callcab.services.specs.phone_number import CABINET_NUMBER, PHONE_NUMBER
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
# Any part of them may be typed; the last ones hold what is typed twice, at their ends, and in the middle.
PLANTED = ("79254477447", "74774774774", "79999994477", "74477999999", "79444779999", "79250000000", "78120004477")
SEGMENT = 1 << 22
PARTS = ("447", "4477", "44774", "447744", "4774774", "9994477", "0000000", "7447799", "77447", "9254477447", "999999")


@pytest.fixture
def lists(connected: sa.Engine, owner_dsn: str) -> tuple[int, int]:
    """Two customers with the planted numbers among a thousand others, and the platform with a few."""
    with unit_of_work(SYSTEM) as session:
        ids = factories.customer(session).id, factories.customer(session).id
    pick = random.Random(4477)
    others = [7_000_000_000 * 10 + pick.choice((3, 4, 8, 9)) * 10**9 + pick.randrange(10**9) for _ in range(1_000)]
    with psycopg.connect(owner_dsn) as connection:
        for segment, (customer_id, numbers) in enumerate(
            ((ids[0], others), (ids[1], others[:50]), (None, others[-20:]))
        ):
            # Each in a segment of its own, with an empty one between them.
            connection.execute(f"SELECT setval('blacklist_entry_id_seq', {segment * 2 * SEGMENT + 1_000})")
            connection.execute(
                "INSERT INTO blacklist_entry (customer_id, phone, source, reason, author_name, created_at)"
                " SELECT %s, number, 'hand', '', '', now() FROM unnest(%s::bigint[]) AS number ON CONFLICT DO NOTHING",
                (customer_id, [*map(int, PLANTED), *numbers]),
            )
    return ids


def found(spec: ListSpec, scope: Scope, customer_id: int | None, text: str, **filters: object) -> tuple[list[str], int]:
    """Numbers that are found, and how many the page says there are."""
    state = ListState(search=text, filters=filters)
    with unit_of_work(scope) as session:
        rows = session.scalars(listing.matching(spec, state, customer_id=customer_id)).all()
        count = listing.count_matching(session, spec, state, customer_id=customer_id, cap=spec.count_cap)
        return sorted(str(row.phone) for row in rows), count.value


def page_of(
    spec: ListSpec, scope: Scope, customer_id: int | None, text: str, **filters: object
) -> tuple[list[str], int]:
    """The same by a page."""
    state = ListState(search=text, filters=filters, page_size=200)
    with unit_of_work(scope) as session:
        page = listing.fetch_page(session, spec, state, signer=PlainSigner(), customer_id=customer_id)
        count = page.count(state)
    assert count is not None
    return sorted(str(row.phone) for row in page.rows), count.value


def there(customer_id: int | None, text: str) -> list[str]:
    """The same by reading every number."""
    with unit_of_work(SYSTEM) as session:
        statement = sa.select(BlacklistEntry.phone)
        if customer_id is not None:
            statement = statement.where(BlacklistEntry.customer_id == customer_id)
        return sorted(str(phone) for phone in session.scalars(statement) if text in str(phone))


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("place", [0, 1], ids=["long list", "of few beginnings"])
def test_a_customer_finds_all_his_numbers_with_the_digits_and_nobody_else_s(
    lists: tuple[int, int], place: int, part: str
) -> None:
    mine = lists[place]
    wanted = there(mine, part)
    assert wanted
    assert found(BLACKLIST, Scope.tenant(mine), mine, part) == (wanted, len(wanted))
    assert page_of(BLACKLIST, Scope.tenant(mine), mine, part) == (wanted, len(wanted))


@pytest.mark.parametrize("part", PARTS)
def test_support_finds_them_in_every_list(lists: tuple[int, int], part: str) -> None:
    wanted = there(None, part)
    assert found(BLACKLIST_SUPPORT, Scope.staff(), None, part) == (wanted, len(wanted))


@pytest.mark.parametrize("text", ["*4477", "…44-77", "...4477", "* 77", "*477", "*9254477447", "*8004477"])
def test_last_digits_are_told_by_a_mark_in_front(lists: tuple[int, int], text: str) -> None:
    digits = "".join(letter for letter in text if letter.isdigit())
    wanted = [phone for phone in there(lists[0], digits) if phone.endswith(digits)]
    assert found(BLACKLIST, Scope.tenant(lists[0]), lists[0], text) == (wanted, len(wanted))
    for spec, scope, owner in ((BLACKLIST, Scope.tenant(lists[0]), lists[0]), (BLACKLIST_SUPPORT, Scope.staff(), None)):
        assert page_of(spec, scope, owner, text) == found(spec, scope, owner, text)


@pytest.mark.parametrize("text", ["77", "447", "4477", "79254477447", "*4477"])
def test_a_page_shows_and_counts_what_matches(lists: tuple[int, int], text: str) -> None:
    for spec, scope, owner in ((BLACKLIST, Scope.tenant(lists[0]), lists[0]), (BLACKLIST_SUPPORT, Scope.staff(), None)):
        assert page_of(spec, scope, owner, text) == found(spec, scope, owner, text)
        assert page_of(spec, scope, owner, text, source=["hand"]) == found(spec, scope, owner, text, source=["hand"])
        assert page_of(spec, scope, owner, text, source=["file"]) == ([], 0)


@pytest.mark.parametrize("part", ["4477", "447744"])
def test_the_statement_of_a_search_is_kept_for_all_digits_of_its_shape(lists: tuple[int, int], part: str) -> None:
    shown = BLACKLIST.shown
    assert shown is not None
    page_of(BLACKLIST, Scope.tenant(lists[0]), lists[0], part)
    kept = dict(shown.kept)
    for other in (part, str(int(part) + 1), "4" + "9" * (len(part) - 1)):
        wanted = there(lists[0], other)
        assert page_of(BLACKLIST, Scope.tenant(lists[0]), lists[0], other) == (wanted, len(wanted))
    assert shown.kept == kept
    assert there(lists[0], part)


@pytest.mark.parametrize("part", ["447", "4477", "447744"])
def test_a_filter_beside_the_search_counts_what_it_shows(lists: tuple[int, int], part: str) -> None:
    wanted = there(lists[1], part)
    assert found(BLACKLIST_SUPPORT, Scope.staff(), None, part, customer=lists[1]) == (wanted, len(wanted))


@pytest.mark.usefixtures("lists")
@pytest.mark.parametrize("text", ["4478123456789", "%", "_", "нет"])
def test_what_no_number_holds_finds_nothing(text: str) -> None:
    assert found(BLACKLIST_SUPPORT, Scope.staff(), None, text) == ([], 0)


@pytest.mark.usefixtures("lists")
@pytest.mark.parametrize("text", ["*4477", "447744"])
def test_support_s_digits_are_looked_up_in_the_index_of_each_segment(text: str) -> None:
    """Were the segment written otherwise than in the index, all numbers would be read."""
    statement = listing.matching(BLACKLIST_SUPPORT, ListState(search=text))
    with unit_of_work(Scope.staff()) as session:
        session.execute(sa.text("SET LOCAL enable_seqscan = off"))
        query = str(statement.compile(db.engine(), compile_kwargs={"literal_binds": True}))
        plan = "\n".join(session.connection().exec_driver_sql(f"EXPLAIN {query}").scalars())
    assert re.search(r"Index Cond: \(\(\(id >> 22\) = .* AND \(phone_reversed >= .* AND \(phone_reversed <= ", plan), (
        plan
    )


def test_a_number_that_changes_its_digits_is_found_by_the_new_ones(connected: sa.Engine) -> None:
    with unit_of_work(SYSTEM) as session:
        row = PhoneNumber(phone=79253944577, kind=NumberKind.SHARED, state=NumberState.FREE)
        session.add(row)
        session.flush()
        row.phone = 79253941234
    assert found(PHONE_NUMBER, Scope.staff(), None, "4577") == ([], 0)
    assert found(PHONE_NUMBER, Scope.staff(), None, "1234") == (["79253941234"], 1)


def test_shared_numbers_and_one_s_own_are_found_by_their_last_digits_others_are_not(lists: tuple[int, int]) -> None:
    with unit_of_work(SYSTEM) as session:
        session.add(PhoneNumber(phone=74950001234, kind=NumberKind.SHARED, state=NumberState.FREE))
        for customer_id, phone in zip(lists, (79251111234, 79252221234), strict=True):
            session.add(
                PhoneNumber(phone=phone, kind=NumberKind.PERSONAL, state=NumberState.VERIFIED, customer_id=customer_id)
            )
    mine = found(CABINET_NUMBER, Scope.tenant(lists[0]), lists[0], "1234")
    assert mine == (["74950001234", "79251111234"], 2)


def test_digits_that_don_t_belong_to_a_number_are_refused_by_the_database(owner_dsn: str) -> None:
    with psycopg.connect(owner_dsn) as connection, pytest.raises(psycopg.errors.CheckViolation, match="turned_right"):
        connection.execute(
            "INSERT INTO blacklist_entry (phone, phone_reversed, source, reason, author_name, created_at)"
            " VALUES (79253944577, 1, 'hand', '', '', now())"
        )


@pytest.mark.parametrize("model", [BlacklistEntry, Call, PhoneNumber])
def test_a_page_does_not_read_the_reversed_digits(model: type) -> None:
    assert "phone_reversed" not in str(sa.select(model))


def test_a_long_list_is_counted_to_the_cap_by_the_ranges(lists: tuple[int, int], owner_dsn: str) -> None:
    with psycopg.connect(owner_dsn) as connection:
        connection.execute(
            "INSERT INTO blacklist_entry (customer_id, phone, source, reason, author_name, created_at)"
            " SELECT %s, 79161000000 + n, 'file', '', '', now() FROM generate_series(1, 12000) AS n",
            (lists[1],),
        )
    with unit_of_work(Scope.tenant(lists[1])) as session:
        state = ListState(search="9161")
        assert listing.count_matching(session, BLACKLIST, state, customer_id=lists[1], cap=10_000) == listing.Count(
            10_000, capped=True
        )
    assert found(BLACKLIST, Scope.tenant(lists[0]), lists[0], "9161")[1] == len(there(lists[0], "9161"))


class PlainSigner:
    """Cursors in the clear."""

    def sign(self, text: str) -> str:
        return text

    def unsign(self, token: str) -> str:
        return token


@pytest.mark.parametrize("part", ["477", "4477", "44774"])
@pytest.mark.parametrize("sort", ["-created_at", "created_at", "phone", "-phone"])
def test_what_is_found_is_walked_forth_and_back_in_the_order_of_the_list(
    lists: tuple[int, int], owner_dsn: str, part: str, sort: str
) -> None:
    with psycopg.connect(owner_dsn) as connection:
        connection.execute(
            "INSERT INTO blacklist_entry (customer_id, phone, source, reason, author_name, created_at)"
            " SELECT %s, 79000044774 + n * 100000, 'file', '', '', now() - n %% 7 * interval '1 minute'"
            " FROM generate_series(1, 120) AS n",
            (lists[0],),
        )
    with unit_of_work(Scope.tenant(lists[0])) as session:
        state = ListState(search=part, sort=sort)
        rows = session.scalars(
            listing.matching(BLACKLIST, state, customer_id=lists[0]).order_by(*order_by(BLACKLIST, sort))
        ).all()
        wanted = [row.id for row in rows]
        assert len(wanted) > 120

        def page(**place: object) -> listing.Page:
            asked = ListState(search=part, sort=sort, page_size=25, **place)
            return listing.fetch_page(session, BLACKLIST, asked, signer=PlainSigner(), customer_id=lists[0])

        there, found = [], page()
        while True:
            there += [row.id for row in found.rows]
            if not found.next:
                break
            found = page(after=found.next)
        back, found = [], page(from_end=True)
        while True:
            back = [row.id for row in found.rows] + back
            if not found.previous:
                break
            found = page(before=found.previous)
    assert there == wanted
    # The first page is shown whole, so the way back ends with rows that were shown already.
    assert list(dict.fromkeys(back)) == wanted
