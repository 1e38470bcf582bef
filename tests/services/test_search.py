"""What a text in the search box may mean."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from callcab.db import CabSession, unit_of_work
from callcab.models import BlacklistEntry, BlacklistSource, Customer
from callcab.scope import Actor, Scope
from callcab.services import payment, search
from tests import factories

ALL = tuple(search.FINDERS)
MOSCOW = ZoneInfo("Europe/Moscow")


@pytest.fixture
def session(connected: sa.Engine) -> Iterator[CabSession]:
    with unit_of_work(Scope.system("test")) as opened:
        yield opened


@pytest.fixture
def customer(session: CabSession) -> Customer:
    return factories.customer(session, name="ООО «100% Рост_»", inn="7707083893", email="office@rost.example")


def kinds(session: CabSession, text: str) -> list[str]:
    return [group.kind for group in search.find(session, text, kinds=ALL, zone=MOSCOW)]


@pytest.mark.parametrize("text", ["79253944577", "8 (925) 394-45-77", "+7(925)394-45-77", "9253944577", "925 3944577"])
def test_a_phone_is_found_in_any_spelling(session: CabSession, text: str) -> None:
    factories.number(session, phone=79253944577)
    assert kinds(session, text) == ["number"]


def test_a_part_of_a_phone_finds_none_of_them(session: CabSession) -> None:
    factories.number(session, phone=79253944577)
    assert kinds(session, "3944577") == []


@pytest.mark.parametrize("text", ["*4577", "…45-77"])
def test_last_digits_are_found_behind_a_star(session: CabSession, customer: Customer, text: str) -> None:
    factories.number(session, phone=79253944577)
    factories.number(session, phone=79253945770)
    for phone in (79161234577, 79164577123):
        session.add(BlacklistEntry(customer_id=customer.id, phone=phone, source=BlacklistSource.HAND))
    session.flush()
    groups = search.find(session, text, kinds=ALL, zone=MOSCOW)
    assert [(group.kind, [row.phone for row in group.rows]) for group in groups] == [
        ("number", [79253944577]),
        ("blacklist", [79161234577]),
    ]


@pytest.mark.parametrize("text", ["*77", "*", "*нет"])
def test_so_few_last_digits_find_nothing(session: CabSession, text: str) -> None:
    factories.number(session, phone=79253944577)
    assert kinds(session, text) == []


def test_a_day_finds_what_was_made_on_it_by_the_clock_of_the_person(session: CabSession, customer: Customer) -> None:
    campaign = factories.campaign(session, customer)
    # An hour before midnight in Moscow, that midnight, and the next one.
    made = [
        factories.call(
            session,
            campaign,
            phone=79161234567 + hour,
            from_phone=74951234567,
            created_at=datetime(2024, 5, 6, tzinfo=UTC) + timedelta(hours=hour),
        )
        for hour in (20, 21, 45)
    ]
    (group,) = search.find(session, "07.05.2024", kinds=ALL, zone=MOSCOW)
    assert (group.kind, [row.id for row in group.rows]) == ("call", [made[1].id])


def test_who_holds_a_number_is_found_with_it(session: CabSession, customer: Customer) -> None:
    factories.number(session, phone=79253944577, kind="personal", state="verified", customer_id=customer.id)
    assert kinds(session, "8 925 394-45-77") == ["customer", "number"]


@pytest.mark.parametrize("text", ["7707083893", "100% рост_", "OFFICE@rost", "  ооо   «100% "])
def test_a_customer_is_found_by_inn_name_or_email(session: CabSession, customer: Customer, text: str) -> None:
    (group,) = search.find(session, text, kinds=ALL, zone=MOSCOW)
    assert (group.kind, list(group.rows), group.more) == ("customer", [customer], False)


@pytest.mark.parametrize("text", ["%%%", "___", "100_", "ро%ст"])
def test_wildcards_are_plain_letters(session: CabSession, customer: Customer, text: str) -> None:
    assert kinds(session, text) == []


def test_a_person_is_found_by_the_whole_email_in_any_case(session: CabSession, customer: Customer) -> None:
    factories.user(session, customer, "owner", email="ivan@mail.example")
    factories.user(session, None, "agent", email="agent@mail.example")
    assert kinds(session, "Ivan@Mail.example") == ["person"]
    assert kinds(session, "agent@mail.example") == []


def test_a_sum_finds_payments_in_the_spelling_of_people(session: CabSession, customer: Customer) -> None:
    staff = factories.user(session, None, "lead")
    actor = Actor(staff.name, "lead", staff.id)
    payment.correct(session, customer_id=customer.id, amount=Decimal("1234.50"), reason="проверка", actor=actor)
    for text in ("1 234,50", "1234.5", "1 234,50 ₽"):
        assert kinds(session, text) == ["payment"]


def test_at_most_ten_hits_of_a_kind_are_read(session: CabSession) -> None:
    for number in range(11):
        factories.customer(session, name=f"Ромашка {number}")
    (group,) = search.find(session, "ромашка", kinds=ALL, zone=MOSCOW)
    assert (len(group.rows), group.more) == (search.LIMIT, True)


def test_only_what_the_person_may_read_is_searched(session: CabSession, customer: Customer) -> None:
    assert search.find(session, "7707083893", kinds=["number", "call"], zone=MOSCOW) == []


@pytest.mark.parametrize(
    "text", ["", " ", "\x00", "\x00\x00%", "№", "9" * 400, "я" * 400, "1e999", "-0", "②", "٣٤٥", "\ud83d"]
)
def test_odd_texts_find_nothing(session: CabSession, text: str) -> None:
    assert kinds(session, text) == []
