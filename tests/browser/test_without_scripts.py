"""The same work in a browser without scripts (rule U23): every button leads somewhere."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.test_windows import fresh_code, payer_inn, total
from tests.waiting import wait_for

pytestmark = pytest.mark.browser

Browse = Callable[..., Page]


def test_search_filter_and_paging(browse: Browse) -> None:
    page = browse("/cabinet/blacklist/", who="owner", scripts=False)
    whole = total(page)
    expect(page.locator(".needs-js:visible")).to_have_count(0)
    first = page.locator("td.cell-main").first.inner_text()
    page.get_by_role("link", name="Вперёд").click()
    assert page.locator("td.cell-main").first.inner_text() != first
    page.get_by_role("link", name="Назад").click()
    expect(page.locator("td.cell-main").first).to_have_text(first)
    page.locator("#page-size").select_option("25")
    page.get_by_role("button", name="Показать").click()
    expect(page.locator("td.cell-main")).to_have_count(25)
    page.locator("summary", has_text="Фильтры").click()
    page.locator("label.chip", has_text="Файл базы").click()
    page.get_by_role("button", name="Применить фильтр").click()
    assert 0 < total(page) < whole
    page.get_by_role("link", name="Убрать фильтр Источник: Файл базы").first.click()
    assert total(page) == whole
    page.locator(".chip-links").get_by_role("link", name="Файл базы").click()
    assert 0 < total(page) < whole
    page.get_by_role("searchbox").fill(first)
    page.get_by_role("button", name="Поиск").click()
    assert total(page) <= 1


def test_a_row_is_deleted_through_the_page_that_asks(browse: Browse) -> None:
    page = browse("/cabinet/blacklist/?source=ivr", who="owner", scripts=False)
    before = total(page)
    row = page.locator("table.list tbody tr").first
    row.locator("summary").click()
    row.get_by_role("button", name="Удалить").click()
    expect(page.locator("h1")).to_contain_text("Удалить 1 номер из чёрного списка?")
    page.locator("main").get_by_role("button", name="Удалить").click()
    expect(page.locator("#toasts")).to_contain_text("строк: 1")
    assert total(page) == before - 1
    page.locator("#toasts").get_by_role("link", name="Отменить действие").click()
    expect(page.locator("h1")).to_have_text("Отменить действие?")
    page.locator("main").get_by_role("button", name="Отменить действие").click()
    expect(page.locator("h1")).to_contain_text("Отмена: Удаление из чёрного списка")


def test_ticked_rows_are_deleted_through_the_page_that_asks(browse: Browse) -> None:
    page = browse("/cabinet/blacklist/?source=ivr", who="owner", scripts=False)
    before = total(page)
    for place in range(2):
        page.locator("table.list input[name=id]").nth(place).check()
    page.locator(".bulk-bar").get_by_role("button", name="Удалить").click()
    expect(page.locator("h1")).to_contain_text("Удалить 2 номера из")
    page.get_by_role("link", name="Отмена").click()
    assert total(page) == before
    for place in range(2):
        page.locator("table.list input[name=id]").nth(place).check()
    page.locator(".bulk-bar").get_by_role("button", name="Удалить").click()
    page.locator("main").get_by_role("button", name="Удалить").click()
    expect(page.locator("#toasts")).to_contain_text("строк: 2")
    assert total(page) == before - 2


def test_numbers_are_added_on_a_page_of_their_own(browse: Browse) -> None:
    page = browse("/cabinet/blacklist/", who="owner", scripts=False)
    page.get_by_role("link", name="Добавить номера").click()
    page.get_by_label("Номера").fill("9165551271")
    page.get_by_role("button", name="Проверить номера").click()
    page.get_by_role("button", name="Сохранить новые: 1").click()

    def found() -> bool:
        """A worker writes it; a page without scripts is loaded again by hand."""
        page.goto("/cabinet/blacklist/?search=9165551271")
        return total(page) == 1

    assert wait_for(found)


def test_a_promo_code_is_activated(browse: Browse) -> None:
    page = browse("/cabinet/promo/", who="owner", scripts=False)
    page.get_by_label("Введите промокод").fill(fresh_code(browse))
    page.get_by_role("button", name="Активировать").click()
    expect(page.locator("#toasts")).to_contain_text("Промокод активирован")


def test_an_invoice_is_issued_and_fetched_by_its_link(browse: Browse, site: Site) -> None:
    page = browse("/cabinet/invoices/", who="owner", scripts=False)
    page.get_by_label("Введите ИНН").fill(payer_inn(site))
    page.get_by_role("button", name="СОСТАВИТЬ СЧЁТ").click()
    page.get_by_label("Сумма").fill("77,10")
    page.get_by_role("button", name="Выписать счёт").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Скачать PDF").click()
    assert re.search(r"\.pdf$", download.value.suggested_filename)


def test_the_system_colours_come_without_a_script(browse: Browse) -> None:
    page = browse("/login", scripts=False)
    expect(page.get_by_role("heading", name="Вход")).to_be_visible()
    expect(page.locator("summary[aria-label=Оформление]")).to_be_hidden()
