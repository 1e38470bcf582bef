"""What a file of a list holds, chosen before; who fetched it; and only what is new."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import operation as jobs
from callcab.lib import clock
from callcab.models import BlacklistEntry, BlacklistSource, Operation
from callcab.scope import Actor, Scope
from callcab.services import blacklist
from tests.people import People

SYSTEM = Scope.system("test")
EXPORT = "/cabinet/blacklist/export/"
LATER = 79161114477


def add(people: People, *phones: int) -> None:
    with unit_of_work(SYSTEM) as session:
        blacklist.add_many(
            session, people.customer_id, phones, source=BlacklistSource.HAND, actor=Actor.system(), reason="просил"
        )


@pytest.fixture(autouse=True)
def numbers(people: People) -> None:
    add(people, 79253944477, 79253944478)


def made() -> int:
    """The number of the last operation, carried out."""
    with unit_of_work(SYSTEM) as session:
        number = session.scalar(sa.select(sa.func.max(Operation.id))) or 0
    jobs.run(number)
    return number


def lines(people: People, number: int, who: str = "olga") -> list[str]:
    """The file of an operation, as somebody fetches it."""
    face = "admin" if who == "sasha" else "cabinet"
    return people.browser(who).get(f"/{face}/jobs/download/?id={number}").body.removeprefix("\ufeff").splitlines()


def test_the_page_offers_every_column_and_both_formats(people: People) -> None:
    page = people.olga.get(f"{EXPORT}?source=hand")
    sent = page.form(to=f"{EXPORT}?source=hand").element.form_values()
    assert [value for name, value in sent if name in ("format", "columns")] == [
        "csv",
        "phone",
        "source",
        "reason",
        "created_at",
        "author_name",
    ]


def test_a_file_holds_the_chosen_columns_in_their_order(people: People) -> None:
    people.olga.post(EXPORT, chosen="1", format="csv", columns=["reason", "phone"])
    number = made()
    assert lines(people, number) == [
        "Номер телефона;Причина",
        "+7(925)394-44-78;просил",
        "+7(925)394-44-77;просил",
    ]
    assert "Номер телефона, Причина" in people.olga.get(f"/cabinet/jobs/details/?id={number}").text


def test_a_file_without_columns_is_not_made(people: People) -> None:
    page = people.olga.post(EXPORT, status=422, chosen="1", format="csv")
    assert "Выберите хотя бы один столбец." in page.text
    people.olga.post(EXPORT, status=422, chosen="1", format="csv", columns=["balance"])
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Operation)) == 0


def test_only_what_is_new_is_offered_after_the_first_file_and_says_since_when(people: People) -> None:
    assert "Только новое" not in people.olga.get(EXPORT).text
    people.olga.post(EXPORT)
    made()
    assert "Только новое с прошлой выгрузки" in people.olga.get(EXPORT).text
    assert "Добавленное с" in people.olga.get(EXPORT).text
    # Another search was never written out, and who says himself since when needs no help.
    assert "Только новое" not in people.olga.get(f"{EXPORT}?source=hand").text
    assert "Только новое" not in people.olga.get(f"{EXPORT}?created_from=07.05.2024").text


def test_only_what_is_new_leaves_out_what_the_last_file_held(people: People) -> None:
    people.olga.post(EXPORT)
    first = made()
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(BlacklistEntry).values(created_at=clock.now() - timedelta(hours=1)))
    add(people, LATER)
    chosen = {"chosen": "1", "format": "csv", "columns": ["phone"], "only_new": "y"}
    people.olga.post(EXPORT, **chosen)
    second = made()
    assert len(lines(people, first)) == 3
    assert lines(people, second) == ["Номер телефона", "+7(916)111-44-77"]
    assert "Добавлен: от" in people.olga.get(f"/cabinet/jobs/details/?id={second}").text
    # The next one goes on from there.
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(BlacklistEntry).values(created_at=clock.now() - timedelta(hours=1)))
    people.olga.post(EXPORT, **chosen)
    assert lines(people, made()) == ["Номер телефона"]


def test_the_page_of_a_file_says_who_fetched_it(people: People) -> None:
    people.olga.post(EXPORT)
    number = made()
    assert "Кто скачивал" not in people.olga.get(f"/cabinet/jobs/details/?id={number}").text
    lines(people, number)
    lines(people, number, "sasha")
    told = "//section[@aria-label='Кто скачивал']//li"
    own = [item.text_content() for item in people.olga.get(f"/cabinet/jobs/details/?id={number}").tree.xpath(told)]
    assert ["Поддержка" in own[0], "Ольга Владелец" in own[1]] == [True, True]
    seen = people.sasha.get(f"/admin/jobs/details/?id={number}").tree.xpath(told)
    assert "Саша" in seen[0].text_content()
