"""The keyboard alone: search, a bulk action, an import, an invoice; the focus returns to where it was."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site, assert_accessible, assert_fits
from tests.browser.test_windows import payer_inn

pytestmark = pytest.mark.browser

Browse = Callable[..., Page]
ROW = "table.list tbody tr"
NAMED = "each => `${each.getAttribute('aria-label')} ${each.innerText} ${each.labels && each.labels[0]?.innerText}`"


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def tab_to(page: Page, label: str, *, key: str = "Tab", limit: int = 60) -> None:
    """Go on with Tab until something of this name has the focus."""
    for _ in range(limit):
        press(page, key)
        if label in page.locator(":focus").evaluate_all(f"all => all.map({NAMED}).join(' ')"):
            return
    raise AssertionError(f"Tab never came to «{label}»")


def test_rows_are_walked_ticked_and_opened(browse: Browse) -> None:
    page = browse("/admin/clients/", who="lead")
    press(page, "j", "j")
    expect(page.locator(ROW).nth(1)).to_be_focused()
    press(page, "k", "k")
    expect(page.locator(ROW).first).to_be_focused()
    press(page, "x", "j", "x")
    expect(page.locator(".bulk-count")).to_have_text("Выбрано: 2")
    press(page, "x")
    expect(page.locator(".bulk-count")).to_have_text("Выбрано: 1")
    name = page.locator(ROW).nth(1).locator("td.cell-main").inner_text()
    press(page, "Enter")
    expect(page.locator("h1")).to_contain_text(name)


def test_keys_are_letters_while_one_types(browse: Browse) -> None:
    page = browse("/admin/clients/", who="lead")
    press(page, "/")
    page.keyboard.type("jx?/")
    expect(page.locator("[data-search]")).to_have_value("jx?/")
    expect(page.locator(f"{ROW}:focus")).to_have_count(0)
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_the_sheet_of_keys_opens_and_gives_the_focus_back(browse: Browse) -> None:
    page = browse("/cabinet/blacklist/", who="owner")
    press(page, "j", "?")
    sheet = page.locator("dialog[open]")
    expect(sheet).to_contain_text("Горячие клавиши")
    assert_accessible(page)
    assert_fits(page)
    press(page, "Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.locator(ROW).first).to_be_focused()


def test_keys_that_are_switched_off_do_nothing(browse: Browse) -> None:
    page = browse("/cabinet/keys/", who="owner")
    page.get_by_label("Клавиши включены").uncheck()
    page.goto("/cabinet/blacklist/")
    press(page, "j")
    expect(page.locator(f"{ROW}:focus")).to_have_count(0)
    page.goto("/cabinet/keys/")
    expect(page.get_by_label("Клавиши включены")).not_to_be_checked()
    page.get_by_label("Клавиши включены").check()
    page.goto("/cabinet/blacklist/")
    press(page, "j")
    expect(page.locator(ROW).first).to_be_focused()


def test_the_russian_layout_has_the_same_keys(browse: Browse) -> None:
    page = browse("/cabinet/blacklist/", who="owner")
    page.evaluate("document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'о', code: 'KeyJ', bubbles: true}))")
    expect(page.locator(ROW).first).to_be_focused()


def test_a_search_needs_no_mouse(browse: Browse) -> None:
    page = browse("/cabinet/blacklist/", who="owner")
    number = page.locator("td.cell-main").first.inner_text()
    press(page, "/")
    page.keyboard.type(re.sub(r"\D", "", number))
    press(page, "Enter")
    expect(page.locator(ROW)).to_have_count(1)
    expect(page.locator("td.cell-main")).to_have_text(number)


def test_a_bulk_action_needs_no_mouse(browse: Browse) -> None:
    page = browse("/admin/numbers/?state=free", who="lead")
    press(page, "j", "x", "j", "x")
    press(page, "a")
    tab_to(page, "Дать отдохнуть")
    press(page, "Enter")
    expect(page.locator("dialog[open]")).to_contain_text("Дать отдохнуть номерам: 2?")
    press(page, "Escape")
    expect(page.locator(":focus")).to_contain_text("Дать отдохнуть")
    press(page, "Enter")
    expect(page.locator("dialog[open] :focus")).to_have_value("3")
    press(page, "Enter")
    expect(page.locator("#toasts")).to_contain_text("строк: 2")


def test_an_import_needs_no_mouse(browse: Browse) -> None:
    page = browse("/cabinet/blacklist/", who="owner", forgiven=(422,))
    tab_to(page, "Добавить номера")
    press(page, "Enter")
    window = page.locator("dialog[open]")
    expect(window).to_contain_text("Добавление номеров в стоп-лист")
    tab_to(page, "Номера")
    page.keyboard.type("+7 925 000-77-01")
    tab_to(page, "Проверить номера")
    press(page, "Enter")
    page.wait_for_url("**/cabinet/jobs/details/**")
    tab_to(page, "Сохранить новые: 1")
    press(page, "Enter")
    expect(page.get_by_text("Готово").first).to_be_visible()


def test_an_invoice_needs_no_mouse(browse: Browse, site: Site) -> None:
    page = browse("/cabinet/invoices/", who="owner")
    tab_to(page, "Введите ИНН", key="Shift+Tab")
    page.keyboard.type(payer_inn(site))
    press(page, "Enter")
    expect(page.get_by_label("Плательщик", exact=True)).not_to_have_value("")
    tab_to(page, "Сумма")
    page.keyboard.type("1500")
    tab_to(page, "Выписать счёт")
    with page.expect_download():
        press(page, "Enter")
    expect(page.locator(ROW).first).to_contain_text("1\u00a0500,00\u00a0₽")
