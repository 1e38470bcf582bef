"""The sidebar is drawn once for a face, a role and a language, and is still everybody's own."""

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.models import User
from callcab.scope import Scope
from tests.client import Page
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


@pytest.mark.parametrize("url", ["/cabinet/", "/cabinet/blacklist/", "/cabinet/numbers/", "/cabinet/blacklist/new/"])
def test_the_page_that_is_open_is_marked_and_no_other(people: People, url: str) -> None:
    assert opened(people.olga.get(url)) == [url.removesuffix("new/")]
    assert opened(people.olga.get("/cabinet/profile/")) == []
