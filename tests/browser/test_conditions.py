"""«Условия И/ИЛИ» in a window: built row by row, by keyboard too."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import assert_accessible, assert_fits

pytestmark = pytest.mark.browser

Browse = Callable[..., Page]


def test_conditions_are_built_in_a_window_and_said_above_the_list(browse: Browse) -> None:
    page = browse("/cabinet/blacklist/", who="owner", forgiven=(422,))
    whole = page.locator(".list-total b").inner_text()
    opener = page.get_by_role("link", name="Условия И/ИЛИ")
    opener.click()
    window = page.locator("dialog[open]")
    window.get_by_label("Поле нового условия").select_option(label="Источник")
    window.get_by_role("button", name="Добавить условие").click()
    expect(window.get_by_label("Источник: так или нет")).to_be_focused()
    window.get_by_role("button", name="Добавить условие").click()
    expect(window.get_by_label("Между условиями")).to_be_visible()
    window.get_by_role("button", name="Добавить группу").click()
    expect(window.get_by_text("Группа 2")).to_be_visible()
    assert_accessible(page)
    assert_fits(page)
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    window.get_by_label("Поле нового условия").select_option(label="Добавлен")
    window.get_by_role("button", name="Добавить условие").click()
    window.locator("[name='w1.created_from']").fill("31.12.2199")
    page.keyboard.press("Enter")
    expect(page.locator(".list-total b")).to_have_text("0")
    expect(page.get_by_label("Применённые фильтры")).to_contain_text(re.compile("Добавлен: от 31.12.2199"))
    page.get_by_role("link", name=re.compile("Убрать фильтр")).click()
    expect(page.locator(".list-total b")).to_have_text(whole)
