"""The pages of files that come by themselves."""

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import operation as jobs
from callcab.lib import clock
from callcab.models import ExportSchedule, Operation, SavedView
from callcab.scope import Scope
from tests.people import People

SYSTEM = Scope.system("test")
LIST = "/cabinet/file-schedules/"
CHOSEN = {
    "period": "weekly",
    "weekday": "2",
    "monthday": "1",
    "hour": "7",
    "format": "xlsx",
    "columns": ["phone"],
}


def keep_view(people: People, who: str = "olga", *, shared: bool = False) -> int:
    """A view of the blacklist that this person keeps."""
    face = "admin" if who in ("sasha", "lida") else "cabinet"
    sent = {"name": f"Вид {who}"} | ({"shared": "y"} if shared else {})
    people.browser(who).post(f"/{face}/blacklist/views/save/?source=hand", **sent)
    with unit_of_work(SYSTEM) as session:
        return session.scalars(sa.select(SavedView.id).order_by(SavedView.id.desc())).first() or 0


def schedule() -> ExportSchedule | None:
    with unit_of_work(SYSTEM) as session:
        return session.scalar(sa.select(ExportSchedule))


def test_a_file_is_agreed_on_from_the_open_view(people: People) -> None:
    view_id = keep_view(people)
    page = people.olga.get("/cabinet/blacklist/?source=hand")
    asked = people.olga.get(page.link("По расписанию"))
    assert "По часам пояса Europe/Moscow." in asked.text
    done = asked.form(has="period").submit(**CHOSEN)
    assert "Первый файл придёт" in done.text
    assert done.rows()[0][1:4] == ["Вид olga", "Каждую неделю: вторник, 07:00", done.rows()[0][3]]
    row = schedule()
    assert row is not None
    assert (row.saved_view_id, row.day, row.hour, row.only_new) == (view_id, 2, 7, False)
    assert row.params == {"format": "xlsx", "columns": ["phone"]}
    assert row.next_at > clock.now()


def test_a_file_without_columns_is_not_agreed_on(people: People) -> None:
    view_id = keep_view(people)
    page = people.olga.post(f"{LIST}new/?view={view_id}", status=422, **{**CHOSEN, "columns": []})
    assert "Выберите хотя бы один столбец." in page.text
    assert schedule() is None


@pytest.mark.parametrize("who", ["kolya", "stranger"])
def test_a_view_that_one_does_not_see_is_not_there(people: People, who: str) -> None:
    view_id = keep_view(people)
    people.browser(who).get(f"{LIST}new/?view={view_id}", status=404)


def test_pausing_resuming_and_deleting_are_actions_of_its_row(people: People) -> None:
    view_id = keep_view(people)
    people.olga.post(f"{LIST}new/?view={view_id}", **CHOSEN)
    row = schedule()
    assert row is not None
    people.olga.post(f"{LIST}action/", one=f"pause:{row.id}")
    assert "На паузе" in people.olga.get(LIST).text
    people.olga.post(f"{LIST}action/", one=f"resume:{row.id}")
    assert "Идёт" in people.olga.get(LIST).text
    asked = people.olga.post(f"{LIST}action/", action="delete", id=str(row.id))
    assert "Готовые файлы останутся в операциях." in asked.text
    asked.form(has="confirmed").submit()
    assert schedule() is None


def test_forgetting_a_view_says_that_its_files_end(people: People) -> None:
    view_id = keep_view(people)
    forget = f"/cabinet/blacklist/views/{view_id}/delete/"
    assert "по расписанию" not in people.olga.get(forget).text
    people.olga.post(f"{LIST}new/?view={view_id}", **CHOSEN)
    assert "Файлы этого вида больше не будут приходить по расписанию." in people.olga.get(forget).text


def test_support_has_files_of_its_own_lists_and_sees_those_of_customers(people: People) -> None:
    people.olga.post(f"{LIST}new/?view={keep_view(people)}", **CHOSEN)
    people.sasha.post(f"/admin/file-schedules/new/?view={keep_view(people, 'sasha')}", **CHOSEN)
    shown = [row[1] for row in people.sasha.get("/admin/file-schedules/").rows()]
    assert shown == ["Вид sasha", "Вид olga"]
    assert [row[1] for row in people.olga.get(LIST).rows()] == ["Вид olga"]
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(ExportSchedule).values(next_at=clock.now()))
    jobs.run_schedules()
    with unit_of_work(SYSTEM) as session:
        made = session.scalars(sa.select(Operation).order_by(Operation.id)).all()
    assert {(item.name, item.customer_id) for item in made} == {
        ("blacklist.export", people.customer_id),
        ("blacklist_support.export", None),
    }
