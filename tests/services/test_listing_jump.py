"""Jumps into a list by a value of its order: a day, a number, a sum."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from werkzeug.datastructures import MultiDict

from callcab.db import unit_of_work
from callcab.models import BlacklistEntry, BlacklistSource
from callcab.scope import Actor, Scope
from callcab.services import listing, payment
from callcab.services.specs.blacklist import BLACKLIST
from callcab.services.specs.payment import PAYMENT
from callcab.web.listing.address import CursorSigner
from tests import factories

MOSCOW = ZoneInfo("Europe/Moscow")
# Midnight of 7 May in Moscow, and an hour before it.
START = datetime(2024, 5, 6, 20, 0, tzinfo=UTC)
SIGNER = CursorSigner("x" * 32)


@pytest.fixture
def owner(connected: sa.Engine) -> int:
    """A customer with 96 numbers, an hour apart, four days long from 6 May 23:00 on."""
    with unit_of_work(Scope.system("test")) as session:
        row = factories.customer(session)
        session.add_all(
            BlacklistEntry(
                customer_id=row.id,
                phone=79250000000 + step * 100_000,
                source=BlacklistSource.HAND,
                created_at=START + timedelta(hours=step),
            )
            for step in range(96)
        )
        return row.id


def page(owner: int, **args: str) -> tuple[listing.Page, listing.ListState]:
    state = listing.parse(BLACKLIST, MultiDict({"size": "25", **args}), zone=MOSCOW)
    with unit_of_work(Scope.tenant(owner)) as session:
        return listing.fetch_page(session, BLACKLIST, state, signer=SIGNER, customer_id=owner), state


def first(owner: int, **args: str) -> int:
    """Which of the numbers stands first."""
    return int((page(owner, **args)[0].rows[0].phone - 79250000000) / 100_000)


@pytest.mark.parametrize(
    ("sort", "at", "place"),
    [
        ("-created_at", "08.05.2024", 48),
        ("created_at", "08.05.2024", 25),
        ("-created_at", "2024-05-08", 48),
        ("-created_at", "08.05.2024 10:00", 35),
        ("created_at", "08.05.2024 10:00", 35),
        ("created_at", " 08.05.2024  10:30 ", 36),
        ("-created_at", "01.01.2030", 95),
        ("phone", "8 (925) 400", 40),
        ("phone", "79254000000", 40),
        ("-phone", "+7 925 4", 49),
        ("phone", "925", 0),
        ("-phone", "79254000001", 40),
    ],
)
def test_the_page_begins_where_the_value_stands(owner: int, sort: str, at: str, place: int) -> None:
    assert first(owner, sort=sort, at=at) == place


def test_one_walks_on_from_there_both_ways(owner: int) -> None:
    there, state = page(owner, sort="-created_at", at="08.05.2024")
    assert (there.start, there.count(state)) == (None, listing.Count(96))
    behind, _ = page(owner, sort="-created_at", after=there.next)
    before, _ = page(owner, sort="-created_at", before=there.previous)
    phones = [row.phone for step in (before, there, behind) for row in step.rows]
    assert phones == sorted(phones, reverse=True)
    assert len(set(phones)) == len(phones) == 25 + 25 + 24


@pytest.mark.parametrize(("sort", "at"), [("created_at", "01.01.2030"), ("phone", "7999"), ("-phone", "7300")])
def test_behind_the_end_are_the_last_rows(owner: int, sort: str, at: str) -> None:
    assert page(owner, sort=sort, at=at)[0].next == ""
    assert len(page(owner, sort=sort, at=at)[0].rows) == 25


@pytest.mark.parametrize(
    ("sort", "at", "code"),
    [
        ("created_at", "32.05.2024", "bad_date"),
        ("created_at", "08.05.2024 25:00", "bad_time"),
        ("phone", "нет", "bad_number"),
        ("phone", "792500000001", "bad_number"),
    ],
)
def test_what_can_t_be_read_is_named_and_the_list_stays_whole(owner: int, sort: str, at: str, code: str) -> None:
    there, state = page(owner, sort=sort, at=at)
    assert (state.misplaced, state.errors, there.start) == (code, {}, 1)
    assert state.typed["at"] == at[:200]
    assert listing.to_json(state).keys() == {"search", "filters", "sort"}


@pytest.mark.parametrize(("sort", "at", "amount"), [("amount", "10", "10.00"), ("-amount", "9,99", "5.00")])
def test_payments_are_entered_by_a_sum(owner: int, sort: str, at: str, amount: str) -> None:
    with unit_of_work(Scope.system("test")) as session:
        for sum_of in map(Decimal, ("5.00", "10.00", "20.00")):
            payment.correct(session, customer_id=owner, amount=sum_of, reason="Сверка", actor=Actor("Лида", "lead"))
    state = listing.parse(PAYMENT, MultiDict({"sort": sort, "at": at}), zone=MOSCOW)
    with unit_of_work(Scope.tenant(owner)) as session:
        found = listing.fetch_page(session, PAYMENT, state, signer=SIGNER, customer_id=owner)
    assert str(found.rows[0].amount) == amount
