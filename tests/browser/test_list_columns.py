"""The menu «Столбцы» with scripts: fits every width, and can be read."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import assert_accessible, assert_fits

pytestmark = pytest.mark.browser


def test_columns_are_chosen_from_a_menu(browse: Callable[..., Page]) -> None:
    page = browse("/admin/payments/", who="lead")
    menu = page.locator(".menu-form")
    page.locator("summary", has_text="Столбцы").click()
    expect(menu).to_be_visible()
    assert_accessible(page)
    assert_fits(page)
    menu.get_by_label("Тариф").uncheck()
    menu.get_by_label("Строки плотнее").check()
    menu.get_by_role("button", name="Применить").click()
    expect(page.locator("table.list-dense")).to_be_visible()
    expect(page.locator("table.list thead")).not_to_contain_text("Тариф")
    assert_accessible(page)
    assert_fits(page)
