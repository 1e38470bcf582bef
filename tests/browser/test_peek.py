"""A row beside its list: the list stays as it is, the address is passed on, narrow screens get the page."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import assert_accessible, assert_fits

pytestmark = pytest.mark.browser

Browse = Callable[..., Page]
ROW = "table.list tbody tr"


def beside(page: Page) -> Locator:
    return page.locator("aside.peek")


def name_of(page: Page, place: int) -> str:
    return page.locator(ROW).nth(place).locator("td.cell-main").inner_text()


def test_a_row_is_looked_at_and_the_list_stays_as_it_was(browse: Browse) -> None:
    page = browse("/admin/clients/?status=active&size=25", who="lead", width=1440)
    page.locator(f"{ROW} input[name=id]").first.check()
    page.locator(ROW).nth(1).locator("td.cell-money").click()
    expect(beside(page).locator("h2").first).to_have_text(name_of(page, 1))
    expect(page.locator("h1")).to_have_count(1)
    assert_accessible(page)
    assert_fits(page)
    assert re.search(r"status=active&size=25&row=\d+$", page.url)
    expect(page.locator(".bulk-count")).to_have_text("Выбрано: 1")
    page.locator(ROW).first.locator("td.cell-money").click()
    expect(beside(page).locator("h2").first).to_have_text(name_of(page, 0))
    page.keyboard.press("Escape")
    expect(beside(page)).to_be_hidden()
    expect(page.locator(ROW).first).to_be_focused()
    assert page.url.endswith("/admin/clients/?status=active&size=25")
    expect(page.locator(".bulk-count")).to_have_text("Выбрано: 1")


def test_the_keyboard_walks_on_with_a_row_beside(browse: Browse) -> None:
    page = browse("/admin/clients/", who="lead", width=1440)
    for key in "jp":
        page.keyboard.press(key)
    expect(beside(page).locator("h2").first).to_have_text(name_of(page, 0))
    page.keyboard.press("j")
    expect(beside(page).locator("h2").first).to_have_text(name_of(page, 1))
    expect(page.locator(ROW).nth(1)).to_be_focused()
    expect(beside(page).get_by_role("status").first).to_have_text(name_of(page, 1))
    page.keyboard.press("p")
    expect(beside(page)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(ROW).nth(1)).to_be_focused()


def test_tabs_stay_beside_and_a_deed_leads_back_to_the_same_list(browse: Browse) -> None:
    page = browse("/admin/clients/?status=active", who="lead", width=1440)
    page.locator(ROW).first.locator("td.cell-money").click()
    beside(page).get_by_role("link", name="Номера", exact=True).click()
    expect(beside(page).locator(".tabs [aria-current=page]")).to_have_text("Номера")
    assert "/admin/clients/?status=active" in page.url
    beside(page).get_by_role("button", name="Открыть вход на 60 минут").click()
    page.locator("dialog[open]").get_by_role("button", name="Открыть вход").click()
    expect(page.locator("#toasts")).to_contain_text("открыт на 60 минут")
    assert re.search(r"/admin/clients/\?status=active&row=\d+$", page.url)
    expect(beside(page).locator("h2").first).to_have_text(name_of(page, 0))


def test_a_deed_for_ticked_rows_leaves_the_one_beside_open(browse: Browse) -> None:
    page = browse("/admin/clients/", who="lead", width=1440)
    page.locator(ROW).nth(1).locator("td.cell-money").click()
    expect(beside(page).locator("h2").first).to_have_text(name_of(page, 1))
    page.locator(f"{ROW} input[name=id]").first.check()
    page.locator(".bulk-bar").get_by_role("button", name="Написать").click()
    page.locator("dialog[open]").get_by_label("Тема").fill("Работы ночью")
    page.locator("dialog[open]").get_by_label("Текст").fill("С двух до трёх.")
    page.locator("dialog[open]").get_by_role("button", name="Написать").click()
    expect(page.locator("#toasts")).to_contain_text("В очереди")
    expect(beside(page).locator("h2").first).to_have_text(name_of(page, 1))
    page.keyboard.press("Escape")
    expect(beside(page)).to_be_hidden()
    assert page.url.endswith("/admin/clients/")
    assert "row" not in (page.locator("form.list-form").get_attribute("action") or "")


def test_the_address_shows_the_row_to_whoever_opens_it(browse: Browse) -> None:
    page = browse("/admin/clients/", who="lead", width=1440)
    page.locator(ROW).nth(2).locator("td.cell-money").click()
    expect(beside(page).locator("h2").first).to_have_text(name_of(page, 2))
    address, name = page.url, name_of(page, 2)
    page.reload()
    expect(beside(page).locator("h2").first).to_have_text(name)
    narrow = browse(address, who="lead", width=390)
    expect(narrow.locator("h1")).to_contain_text(name)
    without = browse(address, who="lead", scripts=False)
    without.get_by_role("link", name="Открыть запись").first.click()
    expect(without.locator("h1")).to_contain_text(name)


def test_a_narrow_screen_and_the_rows_own_links_open_the_page(browse: Browse) -> None:
    page = browse("/admin/clients/", who="lead", width=1024)
    page.locator(ROW).first.locator("td.cell-money").click()
    expect(beside(page)).to_have_count(0)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator(ROW).first.locator("td.cell-main a").click()
    page.wait_for_url("**/admin/clients/details/**")
