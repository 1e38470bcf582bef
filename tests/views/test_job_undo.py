"""Undoing on the pages of both sides: said beforehand, asked, done, and seen from either operation."""

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import operation as jobs
from callcab.models import BlacklistEntry, BlacklistSource, NumberState, Operation
from callcab.scope import Scope
from callcab.web.listing.acting import way_back
from tests import factories
from tests.client import Browser, Page
from tests.people import People

ROWS = 3


@pytest.fixture(autouse=True)
def filled(people: People) -> None:
    with unit_of_work(Scope.system("test")) as session:
        session.add_all(
            BlacklistEntry(customer_id=people.customer_id, phone=79250000000 + i, source=BlacklistSource.HAND)
            for i in range(ROWS)
        )


def listed(people: People) -> int:
    with unit_of_work(Scope.tenant(people.customer_id)) as session:
        return session.scalar(sa.select(sa.func.count()).select_from(BlacklistEntry)) or 0


def delete(browser: Browser, face: str = "cabinet", **values: str) -> Page:
    """Delete the whole list, which is small enough to be done at once: the list with its notice."""
    return browser.post(
        f"/{face}/blacklist/action/",
        action="delete",
        scope="all",
        confirmed="1",
        expect=str(ROWS),
        reason="ошибка",
        **values,
    )


def newest() -> int:
    with unit_of_work(Scope.staff()) as session:
        return session.scalars(sa.select(sa.func.max(Operation.id))).one()


def test_a_deed_is_undone_from_its_own_notice(people: People) -> None:
    olga = people.olga
    page = delete(olga)
    assert listed(people) == 0

    asked = olga.get(page.link("Отменить действие"))
    assert "Удалённые записи вернутся такими, какими были." in asked.text
    after = asked.form(action="/cabinet/jobs/undo/").submit()

    jobs.run(newest())
    assert listed(people) == ROWS
    assert "В очереди" in after.text
    assert "Отмена: Удаление из чёрного списка" in after.text
    first = olga.get(after.link("№ 1"))
    assert "Действие отменено" in first.text
    assert first.link("Операция № 2") == "/cabinet/jobs/details/?id=2"
    assert "Отменить действие" not in first.text


def test_support_undoes_its_own_deed(people: People) -> None:
    sasha = people.sasha
    delete(sasha, "admin")
    page = sasha.get("/admin/jobs/details/?id=1")
    assert "Отменить действие можно до" in page.text
    sasha.get(page.link("Отменить действие")).form(action="/admin/jobs/undo/").submit()
    jobs.run(newest())
    assert listed(people) == ROWS


def test_it_is_said_before_the_deed_whether_there_is_a_way_back(people: People) -> None:
    asked = people.olga.post("/cabinet/blacklist/action/", action="delete", scope="all")
    assert "Можно отменить в течение 7 дней." in asked.text


def test_a_deed_without_a_way_back_says_so_and_a_download_says_nothing(people: People) -> None:
    with unit_of_work(Scope.system("test")) as session:
        factories.number(session, state=NumberState.BUSY)
    asked = people.sasha.post("/admin/numbers/action/", action="release", scope="all")
    assert "Это действие нельзя отменить." in asked.text
    assert way_back("invoice.archive") == ""


def test_a_second_click_makes_no_second_undoing(people: People) -> None:
    olga = people.olga
    delete(olga)
    form = olga.get("/cabinet/jobs/undo/?id=1").form(action="/cabinet/jobs/undo/")
    form.submit()
    again = form.submit()
    assert "Это действие уже отменено или отменяется сейчас." in again.text
    assert newest() == 2


def test_who_may_not_start_it_finds_no_way_to_undo_it(people: People) -> None:
    delete(people.olga)
    vera = people.browser("vera")
    assert "Отменить действие" not in vera.get("/cabinet/jobs/details/?id=1").text
    vera.get("/cabinet/jobs/undo/?id=1", status=403)
    vera.post("/cabinet/jobs/undo/", id="1", status=403)
    assert newest() == 1


def test_a_stranger_finds_neither_question_nor_deed(people: People) -> None:
    delete(people.olga)
    people.stranger.get("/cabinet/jobs/undo/?id=1", status=404)
    people.stranger.post("/cabinet/jobs/undo/", id="1", status=404)
    assert listed(people) == 0


def test_a_row_that_could_not_come_back_is_named(people: People) -> None:
    olga = people.olga
    delete(olga)
    with unit_of_work(Scope.system("test")) as session:
        session.add(BlacklistEntry(customer_id=people.customer_id, phone=79250000001, source=BlacklistSource.HAND))
    asked = olga.get("/cabinet/jobs/undo/?id=1")
    assert asked.tree.xpath("//dt[.='Будет пропущено']/following-sibling::dd[1]")[0].text == "1"
    asked.form(action="/cabinet/jobs/undo/").submit()
    jobs.run(newest())
    rows = olga.get("/cabinet/jobs/details/?id=2").rows()
    assert [row[1:] for row in rows] == [["+79250000001", "Пропущено", "На этом месте уже есть другая запись."]]


def test_the_list_names_what_is_undone(people: People) -> None:
    olga = people.olga
    delete(olga)
    olga.get("/cabinet/jobs/undo/?id=1").form(action="/cabinet/jobs/undo/").submit()
    assert olga.get("/cabinet/jobs/").rows()[0][2] == "Отмена: Удаление из чёрного списка"
