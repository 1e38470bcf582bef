"""Columns of a list and the height of its rows: each person's own choice, kept for the next time."""

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.models import BlacklistSource, User
from callcab.scope import Actor, Scope
from callcab.services import blacklist, user
from tests.client import Page
from tests.people import People

ALL = ["Номер телефона", "Источник", "Причина", "Добавлен", "Кто"]


@pytest.fixture(autouse=True)
def numbers(people: People) -> None:
    with unit_of_work(Scope.system("test")) as session:
        for customer_id in (people.customer_id, people.other_id):
            blacklist.add_many(
                session, customer_id, [79253944577], source=BlacklistSource.IVR, actor=Actor.system(), reason="IVR 9"
            )


def headings(page: Page) -> list[str]:
    found = [" ".join(node.text_content().split()) for node in page.tree.xpath("//table[1]//th")]
    return [name for name in found if name in ALL or name == "Клиент"]


def test_a_column_that_was_taken_away_stays_away_for_this_person_and_this_list(people: People) -> None:
    olga = people.olga
    page = olga.get("/cabinet/blacklist/")
    assert headings(page) == ALL
    changed = page.form(to="/cabinet/blacklist/look/").submit(column=["source", "created_at", "author"])
    assert headings(changed) == ["Номер телефона", "Источник", "Добавлен", "Кто"]
    assert "IVR 9" not in changed.text
    assert headings(people.olga.get("/cabinet/blacklist/")) == headings(changed)
    assert headings(people.kolya.get("/cabinet/blacklist/")) == ALL
    assert headings(people.stranger.get("/cabinet/blacklist/")) == ALL


def test_the_request_that_was_shown_is_kept(people: People) -> None:
    page = people.olga.get("/cabinet/blacklist/?source=ivr&search=4577")
    changed = page.form(to="/cabinet/blacklist/look/").submit(column=["source"])
    assert headings(changed) == ["Номер телефона", "Источник"]
    assert set(changed.tree.xpath("//input[@name='search']/@value")) == {"4577"}
    assert "Источник: Условие IVR" in changed.text


def test_what_a_row_is_known_by_can_t_be_taken_away(people: People) -> None:
    olga = people.olga
    olga.post("/cabinet/blacklist/look/", column="nothing")
    assert headings(olga.get("/cabinet/blacklist/")) == ["Номер телефона"]


def test_rows_may_be_lower(people: People) -> None:
    olga = people.olga
    page = olga.get("/cabinet/blacklist/")
    form = page.form(to="/cabinet/blacklist/look/")
    assert page.tree.xpath("//table[contains(@class, 'list-dense')]") == []
    changed = form.submit(column=["source", "reason", "created_at", "author"], dense="1")
    assert changed.tree.xpath("//table[contains(@class, 'list-dense')]")
    assert headings(changed) == ALL


def test_two_lists_at_once_do_not_lose_each_other(people: People) -> None:
    with unit_of_work(Scope.system("test")) as session:
        first = session.scalars(sa.select(User.id).where(User.email == people.emails["olga"])).one()
        user.set_list_settings(session, user_id=first, list_name="blacklist", hidden=["reason"], dense=False)
        user.set_list_settings(session, user_id=first, list_name="payment", hidden=[], dense=True)
    assert "Причина" not in headings(people.olga.get("/cabinet/blacklist/"))
    with unit_of_work(Scope.system("test")) as session:
        user.set_list_settings(session, user_id=first, list_name="blacklist", hidden=[], dense=False)
        assert session.get_one(User, first).list_settings == {"payment": {"hidden": [], "dense": True}}


def test_support_chooses_for_itself(people: People) -> None:
    lida = people.lida
    page = lida.get("/admin/blacklist/")
    changed = page.form(to="/admin/blacklist/look/").submit(column=["customer", "source"])
    assert headings(changed) == ["Номер телефона", "Клиент", "Источник"]
    assert headings(people.sasha.get("/admin/blacklist/"))[:3] == ["Номер телефона", "Клиент", "Источник"]
    assert len(headings(people.sasha.get("/admin/blacklist/"))) == 6
