"""Saved views on the pages of lists: kept from what is shown, opened by tab and short link, forgotten."""

import psycopg
import pytest

from callcab.db import unit_of_work
from callcab.models import BlacklistSource
from callcab.scope import Actor, Scope
from callcab.services import blacklist
from tests.client import Browser, Page
from tests.people import People

QUERY = "search=4477&source=ivr"


@pytest.fixture
def numbers(people: People) -> None:
    with unit_of_work(Scope.system("test")) as session:
        for phone, source in ((79253944477, "ivr"), (79253944478, "ivr"), (79161114477, "hand")):
            blacklist.add_many(
                session, people.customer_id, [phone], source=BlacklistSource(source), actor=Actor.system()
            )


def keep(browser: Browser, url: str = "/cabinet/blacklist", *, name: str = "Отказы", **values: str) -> Page:
    return browser.post(f"{url}/views/save/?{QUERY}", name=name, **values)


def tabs(page: Page) -> list[str]:
    return [" ".join("".join(node.itertext()).split()) for node in page.tree.xpath("//nav[@class='list-views']//li")]


def current(page: Page) -> list[str]:
    nodes = page.tree.xpath("//nav[@class='list-views']//a[@aria-current]")
    return [" ".join("".join(node.itertext()).split()) for node in nodes]


@pytest.mark.usefixtures("numbers")
def test_what_a_list_shows_is_kept_under_a_name_and_opened_by_its_tab(people: People) -> None:
    olga = people.olga
    shown = olga.get(f"/cabinet/blacklist/?{QUERY}")
    assert tabs(shown) == []
    form = olga.get(shown.tree.xpath("//a[contains(., 'Сохранить вид')]/@href")[0])
    page = form.form(to="/cabinet/blacklist/views/save/").submit(name="Отказы")
    assert "Вид сохранён." in page.text
    assert (tabs(page), current(page)) == (["Все", "Отказы"], ["Отказы"])
    whole = olga.get("/cabinet/blacklist/")
    assert current(whole) == ["Все"]
    again = olga.get(whole.tree.xpath("//nav[@class='list-views']//a[contains(., 'Отказы')]/@href")[0])
    assert "+7(925)394-44-77" in again.text
    assert "+7(916)111-44-77" not in again.text


def test_a_page_and_its_size_are_no_part_of_a_view(people: People) -> None:
    olga = people.olga
    keep(olga)
    page = olga.get(f"/cabinet/blacklist/?{QUERY}&size=25&page=1")
    assert current(page) == ["Отказы"]


def test_the_bare_list_offers_nothing_to_keep(people: People) -> None:
    assert "Сохранить вид" not in people.olga.get("/cabinet/blacklist/").text
    page = people.olga.post("/cabinet/blacklist/views/save/", name="Все", status=422)
    assert "Сохранять нечего" in page.text


def test_a_name_that_is_taken_stays_in_its_field_with_the_reason(people: People) -> None:
    olga = people.olga
    keep(olga)
    page = keep(olga, name="ОТКАЗЫ")
    assert page.status == 422
    assert "У вас уже есть вид с таким названием" in page.text
    assert page.tree.xpath("//input[@name='name']/@value") == ["ОТКАЗЫ"]


@pytest.mark.usefixtures("numbers")
def test_the_short_link_of_a_shared_view_leads_a_colleague_there(people: People) -> None:
    page = keep(people.olga, shared="y")
    link = page.tree.xpath("//*[@id='view-link']")[0].text
    opened = people.kolya.get(link.removeprefix("http://localhost"))
    assert "+7(925)394-44-77" in opened.text
    assert current(opened) == ["Общий вид: Отказы"]


def test_a_private_view_and_one_of_another_house_are_not_there(people: People) -> None:
    olga = people.olga
    keep(olga)
    keep(people.lida, "/admin/blacklist", shared="y")
    assert tabs(people.sasha.get("/admin/blacklist/")) == ["Все", "Общий вид: Отказы"]
    for browser, url in (
        (people.kolya, "/cabinet/blacklist/views/1/"),
        (people.stranger, "/cabinet/blacklist/views/1/"),
        (people.stranger, "/cabinet/blacklist/views/1/delete/"),
        (people.olga, "/cabinet/blacklist/views/2/"),
        (people.olga, "/cabinet/payments/views/1/"),
        (people.lida, "/admin/blacklist/views/1/"),
        (people.olga, "/cabinet/blacklist/views/99999999999999999999999/"),
    ):
        browser.get(url, status=404)


def test_only_who_may_share_is_offered_it(people: People) -> None:
    url = f"/cabinet/blacklist/views/save/?{QUERY}"
    assert "Видят все коллеги" in people.olga.get(url).text
    assert "Видят все коллеги" not in people.kolya.get(url).text
    kolya = people.kolya
    keep(kolya, shared="y")
    assert tabs(kolya.get("/cabinet/blacklist/")) == ["Все", "Отказы"]


def test_a_view_is_forgotten_after_a_question(people: People) -> None:
    olga = people.olga
    keep(olga)
    question = olga.get("/cabinet/blacklist/views/1/delete/")
    assert "Удалить вид «Отказы»?" in question.text
    assert tabs(olga.get("/cabinet/blacklist/")) == ["Все", "Отказы"]
    assert "Вид «Отказы» удалён." in question.form(to="/cabinet/blacklist/views/1/delete/").submit().text
    assert tabs(olga.get("/cabinet/blacklist/")) == []


def test_a_colleague_who_may_not_share_can_t_forget_what_is_shared(people: People) -> None:
    keep(people.olga, shared="y")
    assert "Удалить вид" not in people.kolya.get(f"/cabinet/blacklist/?{QUERY}").text
    people.kolya.get("/cabinet/blacklist/views/1/delete/", status=403)
    people.kolya.post("/cabinet/blacklist/views/1/delete/", status=403)


@pytest.mark.usefixtures("numbers")
def test_the_counts_of_tabs_are_those_of_the_moment(people: People) -> None:
    olga = people.olga
    keep(olga)
    assert olga.get("/cabinet/blacklist/views/counts/").response.json == {"1": "1"}
    with unit_of_work(Scope.system("test")) as session:
        blacklist.add_many(session, people.customer_id, [79164477000], source=BlacklistSource.IVR, actor=Actor.system())
    assert olga.get("/cabinet/blacklist/views/counts/").response.json == {"1": "2"}


def test_a_view_with_a_condition_that_the_list_lost_says_so(people: People, owner_dsn: str) -> None:
    olga = people.olga
    keep(olga)
    with psycopg.connect(owner_dsn) as connection:
        connection.execute("""UPDATE saved_view SET query = '[["search", "4477"], ["gone", "1"]]'""")
    assert "устарел" in olga.get("/cabinet/blacklist/views/1/").text
