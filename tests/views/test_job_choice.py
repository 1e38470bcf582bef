"""What the page of an operation says of the rows that were chosen, and of the file that came of it."""

import hashlib

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import operation as jobs
from callcab.models import BlacklistSource, Operation
from callcab.scope import Actor, Scope
from callcab.services import blacklist
from tests.client import Page
from tests.people import People

SYSTEM = Scope.system("test")


@pytest.fixture(autouse=True)
def numbers(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        for phone, source in ((79253944477, "ivr"), (79253944478, "ivr"), (79161114477, "hand")):
            blacklist.add_many(
                session, people.customer_id, [phone], source=BlacklistSource(source), actor=Actor.system()
            )


def export(people: People, who: str, query: str, **values: object) -> tuple[Page, int]:
    """The page of an export that was started from a list and carried out."""
    browser = people.browser(who)
    face = "admin" if who in ("sasha", "lida") else "cabinet"
    browser.post(f"/{face}/blacklist/export/?{query}", **values)
    with unit_of_work(SYSTEM) as session:
        number = session.scalar(sa.select(sa.func.max(Operation.id)))
    assert number
    jobs.run(number)
    return browser.get(f"/{face}/jobs/details/?id={number}"), number


def fact(page: Page, name: str) -> str:
    found = page.tree.xpath("//dl[@class='facts']/dt[.=$name]/following-sibling::dd[1]", name=name)
    return " ".join(found[0].text_content().replace("\u00a0", " ").split()) if found else ""


def test_search_and_filters_are_said_in_the_words_of_the_list(people: People) -> None:
    query = "search=4477&source=ivr&source=hand&created_from=07.05.2024&created_to=08.05.2099"
    page, _ = export(people, "olga", query)
    assert fact(page, "Что выбрано") == (
        "Поиск номера: 4477; Источник: Условие IVR, Ручной ввод;"
        " Добавлен: от 07.05.2024 (00:00:00) до 09.05.2099 (00:00:00)"
    )


def test_a_list_without_conditions_is_all_rows(people: People) -> None:
    page, _ = export(people, "olga", "sort=phone")
    assert fact(page, "Что выбрано") == "все строки"


def test_ticked_rows_are_counted(people: People) -> None:
    page, _ = export(people, "olga", "", id=["1", "3"])
    assert fact(page, "Что выбрано") == "отмеченные строки: 2"


def test_support_reads_the_name_of_the_customer_that_it_chose(people: People) -> None:
    page, _ = export(people, "lida", f"customer={people.customer_id}")
    assert fact(page, "Что выбрано") == f"Клиент: {people.customer_id} · ООО «Ромашка»"


def test_the_file_has_its_checksum_its_end_and_how_often_it_was_fetched(people: People) -> None:
    page, number = export(people, "olga", "")
    assert fact(page, "Скачан, раз") == "0"
    assert fact(page, "Скачать можно до")
    with people.olga.get(page.link("Скачать")).response as answer:
        assert fact(page, "SHA-256 файла") == hashlib.sha256(answer.get_data()).hexdigest()
    assert fact(people.olga.get(f"/cabinet/jobs/details/?id={number}"), "Скачан, раз") == "1"


def test_who_may_not_fetch_the_file_reads_nothing_of_it(people: People) -> None:
    _, number = export(people, "olga", "")
    page = people.browser("vera").get(f"/cabinet/jobs/details/?id={number}")
    assert fact(page, "Что выбрано") == "все строки"
    assert fact(page, "SHA-256 файла") == ""
