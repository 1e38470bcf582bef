"""A cell changed where it stands, by mouse and by keyboard; the second of two sees both values."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import assert_accessible, assert_fits

pytestmark = pytest.mark.browser

Browse = Callable[..., Page]


def note(page: Page, place: int) -> Locator:
    return page.locator("table.list tbody tr").nth(place).locator("td[data-edit=note]")


def show_notes(page: Page) -> None:
    page.locator("summary", has_text="Столбцы").click()
    page.get_by_label("Заметка").check()
    page.get_by_role("button", name="Применить", exact=True).click()
    expect(page.locator("th", has_text="Заметка")).to_be_visible()


def test_a_note_is_written_in_its_cell_and_two_who_do_are_told(browse: Browse) -> None:
    page = browse("/admin/numbers/?state=free&size=25", who="support", width=1440, forgiven=(409,))
    show_notes(page)
    other = browse("/admin/numbers/?state=free&size=25", who="support", width=1440, forgiven=(409,))
    note(page, 0).click()
    expect(page.locator("aside.peek")).to_have_count(0)
    field = note(page, 0).locator("input[name=value]")
    expect(field).to_be_focused()
    assert_accessible(page)
    assert_fits(page)
    field.fill("жалуются")
    page.keyboard.press("Enter")
    expect(note(page, 0)).to_have_text("жалуются")
    expect(page.locator("table.list tbody tr").first).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("e")
    expect(note(page, 1).locator("input[name=value]")).to_be_focused()
    page.keyboard.type("не то")
    page.keyboard.press("Escape")
    expect(note(page, 1)).to_have_text("—")
    note(other, 0).click()
    expect(note(other, 0).locator("input[name=value]")).to_have_value("жалуются")
    note(page, 0).click()
    note(page, 0).locator("input[name=value]").fill("проверить")
    page.keyboard.press("Enter")
    expect(note(page, 0)).to_have_text("проверить")
    note(other, 0).locator("input[name=value]").fill("забыть")
    other.keyboard.press("Enter")
    expect(note(other, 0).get_by_role("alert")).to_contain_text("Сейчас сохранено: проверить")
    note(other, 0).get_by_role("button", name="Сохранить моё").click()
    expect(note(other, 0)).to_have_text("забыть")
