"""Saved views with scripts: kept in a window, counted on their tabs, forgotten after a question."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import assert_accessible, assert_fits

pytestmark = pytest.mark.browser


def test_a_view_is_kept_counted_and_forgotten(browse: Callable[..., Page]) -> None:
    page = browse("/admin/blacklist/?source=ivr", who="lead", forgiven=(422,))
    found = page.locator(".list-total b").inner_text()
    page.get_by_role("link", name="Сохранить вид").click()
    window = page.locator("dialog[open]")
    expect(window).to_contain_text("Сохранить вид")
    assert_accessible(page)
    assert_fits(page)
    window.get_by_role("button", name="Сохранить").click()
    expect(window).to_contain_text("Заполните это поле.")
    window.get_by_label("Название").fill("Отказались в звонке")
    window.get_by_label("Видят все коллеги").check()
    window.get_by_role("button", name="Сохранить").click()
    tab = page.locator(".list-views a[aria-current]")
    expect(tab).to_contain_text("Отказались в звонке")
    expect(tab.locator("small")).to_have_text(found)
    assert_accessible(page)
    assert_fits(page)
    page.get_by_role("link", name="Удалить вид").click()
    expect(window).to_contain_text("Вид пропадёт у всех коллег")
    assert_accessible(page)
    window.get_by_role("button", name="Удалить").click()
    expect(page.locator("#toasts")).to_contain_text("удалён")
    expect(page.locator(".list-views")).to_have_count(0)
