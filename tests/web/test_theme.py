"""What is drawn once for many: the sidebar of a role, the filter panel of a list. Nobody sees another's."""

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.models import User
from callcab.scope import Scope
from tests.client import Browser, Page
from tests.people import People


def menu(page: Page) -> dict[str, str]:
    """Address and name of each line."""
    lines = page.tree.xpath("//nav[@id='sidebar']//ul//a")
    return {line.get("href"): " ".join(line.text_content().split()) for line in lines}


def opened(page: Page) -> list[str]:
    return [str(url) for url in page.tree.xpath("//nav[@id='sidebar']//a[@aria-current='page']/@href")]


def test_each_role_has_its_own_menu_whoever_came_before(people: People) -> None:
    def seen() -> list[dict[str, str]]:
        cabinet = [menu(browser.get("/cabinet/")) for browser in (people.olga, people.kolya)]
        return cabinet + [menu(browser.get("/admin/")) for browser in (people.sasha, people.admin)]

    first, again = seen(), seen()
    owner, operator, agent, admin = first
    assert again == first
    assert "/cabinet/users/" in owner and "/cabinet/users/" not in operator
    assert set(agent) < set(admin)
    assert not set(owner) & set(admin)


def speak(people: People, language: str) -> None:
    with unit_of_work(Scope.system("test")) as session:
        session.execute(sa.update(User).where(User.email == people.emails["olga"]).values(language=language))


def test_the_menu_speaks_the_language_of_who_asks(people: People) -> None:
    said = []
    for language in ("ru", "en", "ru"):
        speak(people, language)
        said.append(menu(people.olga.get("/cabinet/"))["/cabinet/blacklist/"])
    assert said == ["Чёрный список", "Blacklist", "Чёрный список"]


def test_the_header_marks_the_colours_that_its_reader_chose_and_nobody_else_s(people: People) -> None:
    def pressed(browser: Browser) -> list[str]:
        page = browser.get("/cabinet/")
        return [str(value) for value in page.tree.xpath("//header//button[@aria-pressed='true']/@value")]

    olga, kolya, chosen = people.olga, people.kolya, []
    for colours in ("dark", "light", ""):
        olga.client.set_cookie("theme", colours)
        chosen.append((pressed(olga), pressed(kolya)))
    assert chosen == [(["dark"], [""]), (["light"], [""]), ([""], [""])]


def test_the_header_searches_everything_for_support_only(people: People) -> None:
    searches = [
        browser.get(url).tree.xpath("//header//form[@role='search']/@action")
        for browser, url in ((people.sasha, "/admin/"), (people.olga, "/cabinet/"))
    ]
    assert searches == [["/admin/search/"], []]


@pytest.mark.parametrize("url", ["/cabinet/", "/cabinet/blacklist/", "/cabinet/numbers/", "/cabinet/blacklist/new/"])
def test_the_page_that_is_open_is_marked_and_no_other(people: People, url: str) -> None:
    assert opened(people.olga.get(url)) == [url.removesuffix("new/")]
    assert opened(people.olga.get("/cabinet/profile/")) == []


def asked(page: Page) -> dict[str, str]:
    """What the filter panel of a list holds."""
    form = page.form(**{"class": "card filters"})
    return {key: value for key, value in form.element.form_values() if value}


def test_what_one_filters_by_is_not_in_the_panel_of_another(people: People) -> None:
    narrowed = "/cabinet/blacklist/?source=hand&created_from=01.02.2026&sort=phone"
    seen = [asked(people.olga.get(url)) for url in ("/cabinet/blacklist/", narrowed, "/cabinet/blacklist/", narrowed)]
    assert seen == [{}, {"source": "hand", "created_from": "01.02.2026", "sort": "phone"}] * 2
    assert asked(people.stranger.get("/cabinet/blacklist/")) == {}
    assert asked(people.sasha.get("/admin/blacklist/")) == {}


def test_each_list_and_language_has_its_own_filter_panel(people: People) -> None:
    said = []
    for language in ("ru", "en", "ru"):
        speak(people, language)
        pages = [people.olga.get(f"/cabinet/{section}/") for section in ("blacklist", "payments")]
        said.append([page.form(**{"class": "card filters"}).element.xpath("string(.//legend)") for page in pages])
    assert said[0] == said[2] and not set(said[0]) & set(said[1])
    assert said[1][0] == "Source" and said[1][1] != "Source"
