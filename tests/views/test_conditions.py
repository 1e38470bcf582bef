"""Filters joined by AND and OR on the page: built row by row without scripts, said above the list, taken along."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.models import BlacklistEntry, BlacklistSource, Operation, SavedView
from callcab.scope import Scope
from tests.client import Page
from tests.people import People

LIST = "/cabinet/blacklist/"
SYSTEM = Scope.system("test")


@pytest.fixture
def listed(people: People) -> People:
    """Three entries of Olga's, by hand, by file and by API, a day apart; one of a stranger."""
    with unit_of_work(SYSTEM) as session:
        for place, source in enumerate((BlacklistSource.HAND, BlacklistSource.FILE, BlacklistSource.API)):
            made = {"phone": 79250000001 + place, "source": source, "created_at": clock.now() - timedelta(days=place)}
            session.add(BlacklistEntry(customer_id=people.customer_id, **made))
        session.add(BlacklistEntry(customer_id=people.other_id, phone=79250000009, source=BlacklistSource.HAND))
    return people


def step(page: Page, deed: str, **values: str) -> Page:
    """Press a button of the form."""
    return page.form(has="groups").submit(do=deed, **values)


def either(people: People) -> Page:
    """«Источник: API» or «Источник: Файл базы», each in a group of its own."""
    page = step(people.olga.get(f"{LIST}conditions/"), "add:1", add1="source")
    page = step(page, "group", **{"w1.source": "api"})
    page = step(page, "add:2", add2="source")
    return step(page, "apply", **{"w2.source": "file", "where": "or"})


def test_a_list_is_narrowed_by_either_of_two_groups(listed: People) -> None:
    page = either(listed)
    assert page.url == LIST
    assert "Всего найдено: 2" in page.text
    assert "Источник: API или Источник: Файл базы" in page.text


def test_the_words_above_the_list_take_the_conditions_away(listed: People) -> None:
    page = either(listed)
    assert "Всего найдено: 3" in listed.olga.get(LIST + page.link("Источник: API или")).text


def test_rows_are_taken_out_one_by_one_and_keep_what_was_typed(listed: People) -> None:
    page = step(listed.olga.get(f"{LIST}conditions/"), "add:1", add1="source")
    page = step(page, "add:1", add1="created", **{"w1.source": "hand"})
    page = step(page, "drop:w1", **{"w2.created_from": "01.01.2020", "w2.sign": "not"})
    form = page.form(has="groups")
    assert form.values["w1.key"] == "created"
    assert form.values["w1.created_from"] == "01.01.2020"
    assert form.values["w1.sign"] == "not"
    assert "w2.key" not in form.values
    assert "Всего найдено: 0" in step(page, "apply").text


def test_an_empty_row_is_told_beside_its_field(listed: People) -> None:
    page = step(listed.olga.get(f"{LIST}conditions/"), "add:1", add1="created")
    page = step(page, "apply")
    assert page.status == 422
    assert "Заполните условие или уберите его." in page.text


def test_conditions_live_beside_search_filters_and_order(listed: People) -> None:
    olga = listed.olga
    page = step(olga.get(f"{LIST}conditions/?source=hand&sort=phone"), "add:1", add1="source")
    page = step(page, "apply", **{"w1.source": "hand"})
    assert "Всего найдено: 1" in page.text
    assert "w1.source=hand" in page.link("Номер телефона")
    assert page.form(has="search").values["w1.source"] == "hand"
    again = olga.get(page.link("Условия"))
    assert again.form(has="groups").values["w1.source"] == "hand"


def test_a_bulk_action_and_an_export_take_the_conditions_along(listed: People) -> None:
    page = either(listed)
    action = page.form(has="expect")
    question = action.submit(action="delete", scope="all")
    assert "Удалить 2 номера" in question.text
    question.form(has="confirmed").submit()
    page.form(to=f"{LIST}export/").submit()
    with unit_of_work(SYSTEM) as session:
        left = session.scalars(sa.select(BlacklistEntry.phone).order_by(BlacklistEntry.phone)).all()
        assert left == [79250000001, 79250000009]
        export = session.scalars(sa.select(Operation).where(Operation.name == "blacklist.export")).one()
        assert export.filter["where"]["join"] == "or"
        deletion = session.scalars(sa.select(Operation).where(Operation.name == "blacklist.delete")).one()
    said = listed.olga.get(f"/cabinet/jobs/details/?id={deletion.id}").text
    assert "Источник: API или Источник: Файл базы" in said


def test_a_saved_view_keeps_the_conditions(listed: People) -> None:
    page = either(listed)
    listed.olga.get(page.link("Сохранить вид")).form(has="name").submit(name="Чужие")
    with unit_of_work(SYSTEM) as session:
        view_id = session.scalars(sa.select(SavedView.id)).one()
    assert "Всего найдено: 2" in listed.olga.get(f"{LIST}views/{view_id}/").text


def test_a_customer_is_named_and_suggested_in_a_condition(listed: People) -> None:
    sasha = listed.sasha
    page = step(sasha.get("/admin/blacklist/conditions/"), "add:1", add1="customer")
    suggested = sasha.get("/admin/blacklist/lookup/?field=w1.customer&q=Ромашка").response.json
    assert suggested == [f"{listed.customer_id} · ООО «Ромашка»"]
    page = step(page, "apply", **{"w1.customer": f"{listed.customer_id} · Ромашка", "w1.sign": "not"})
    assert "не (Клиент:" in page.text
    assert "Всего найдено: 1" in page.text
    assert "ООО «Ромашка»" in sasha.get(page.link("Условия")).form(has="groups").values["w1.customer"]


def test_a_list_without_filters_has_no_conditions(people: People) -> None:
    people.olga.get("/cabinet/api/conditions/", status=404)


@pytest.mark.parametrize("field", ["password", "", "customer_id", "created_from"])
def test_no_column_that_the_list_does_not_offer_becomes_a_condition(listed: People, field: str) -> None:
    page = step(listed.olga.get(f"{LIST}conditions/"), "add:1", add1=field)
    assert "w1.key" not in page.form(has="groups").values
    shown = listed.olga.get(LIST, query={"w1": f"1.not.{field}", f"w1.{field}": "x"}).text
    assert "Всего найдено: 0" in shown
    assert "Условия с ошибкой" in shown
