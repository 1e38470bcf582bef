"""What is done to rows leaves a person on the page of the list where he did it."""

import re

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.models import BlacklistEntry, BlacklistSource
from callcab.scope import Scope
from tests.client import Page
from tests.people import People

LIST = "/cabinet/blacklist/"


@pytest.fixture
def numbers(people: People) -> list[int]:
    """Seventy numbers of the customer: three pages of 25, the last of twenty."""
    with unit_of_work(Scope.system("test")) as session:
        session.execute(sa.delete(BlacklistEntry))
        rows = [
            BlacklistEntry(customer_id=people.customer_id, phone=79250000000 + step, source=BlacklistSource.HAND)
            for step in range(70)
        ]
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]


def shown(page: Page) -> list[int]:
    """Ids of the rows."""
    return [int(found) for found in re.findall(r'name="id" value="(\d+)"', page.body)]


def following(people: People, address: str) -> str:
    """The address of the next page."""
    found = people.olga.get(address).tree.xpath("string(//a[@rel='next']/@href)")
    assert found
    return LIST + found


def test_after_a_deletion_the_list_shows_what_comes_next_at_the_same_place(people: People, numbers: list[int]) -> None:
    second = following(people, f"{LIST}?size=25&sort=phone")
    page = people.olga.get(second)
    assert shown(page) == numbers[25:50]
    asked = page.form(to=f"{LIST}action/").submit(action="delete", id=[str(numbers[26])])
    done = asked.form(has="confirmed").submit()
    assert shown(done) == [numbers[25], *numbers[27:51]]


def test_when_the_last_page_is_emptied_the_rows_before_it_are_shown(people: People, numbers: list[int]) -> None:
    third = following(people, following(people, f"{LIST}?size=25&sort=phone"))
    page = people.olga.get(third)
    assert shown(page) == numbers[50:]
    asked = page.form(to=f"{LIST}action/").submit(action="delete", id=[str(number) for number in numbers[50:]])
    done = asked.form(has="confirmed").submit()
    assert shown(done) == numbers[25:50]


def test_other_columns_are_chosen_without_losing_the_page(people: People, numbers: list[int]) -> None:
    second = following(people, f"{LIST}?size=25&sort=phone")
    done = people.olga.get(second).form(to=f"{LIST}look/").submit(column=["phone"], dense="1")
    assert shown(done) == numbers[25:50]


def test_one_jumps_to_a_number_and_a_slip_is_named_beside_what_was_typed(people: People, numbers: list[int]) -> None:
    page = people.olga.get(f"{LIST}?size=25&sort=phone&source=hand")
    there = page.form(has="at").submit(at="8 (925) 000-00-40")
    assert shown(there) == numbers[40:65]
    assert "К номеру" in there.text
    slip = page.form(has="at").submit(at="где-то")
    assert shown(slip) == numbers[:25]
    assert "Введите номер или его начало: 7925." in slip.text
    assert slip.form(has="at").values["at"] == "где-то"
    assert "at=" not in slip.form(to=f"{LIST}export/").element.get("action")


@pytest.mark.usefixtures("numbers")
def test_a_list_by_time_is_entered_by_a_date(people: People) -> None:
    page = people.olga.get(f"{LIST}?size=25").form(has="at").submit(at="01.01.2020")
    assert "К дате" in page.text
    assert len(shown(page)) == 25
    assert not page.tree.xpath("//a[@rel='next']")
