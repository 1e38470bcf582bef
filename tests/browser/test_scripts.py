"""What the one script of all pages does: colours, filters, messages, phone cards, a session that ended meanwhile."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site, assert_accessible, assert_fits

pytestmark = pytest.mark.browser

Browse = Callable[..., Page]
# Notes the colours at the moment when the body comes to be: nothing was painted before.
AT_FIRST_PAINT = """new MutationObserver((_, watcher) => {
  if (!document.body) return;
  window.firstColours = document.documentElement.dataset.bsTheme;
  watcher.disconnect();
}).observe(document, {childList: true, subtree: true})"""


def colours(page: Page) -> str:
    return str(page.evaluate("document.documentElement.dataset.bsTheme"))


def choose_colours(page: Page, name: str) -> None:
    page.locator("summary[aria-label=Оформление]").click()
    page.get_by_role("button", name=name).click()


@pytest.mark.parametrize("system", ["light", "dark"])
def test_without_a_choice_the_system_decides_before_the_first_paint(browse: Browse, system: str) -> None:
    page = browse("/login", scheme=system)
    page.add_init_script(AT_FIRST_PAINT)
    page.reload()
    assert page.evaluate("window.firstColours") == system
    page.emulate_media(color_scheme="light" if system == "dark" else "dark")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light" if system == "dark" else "dark")


def test_chosen_colours_hold_at_once_and_are_remembered_before_the_first_paint(browse: Browse) -> None:
    page = browse("/cabinet/", who="owner", scheme="light")
    page.add_init_script(AT_FIRST_PAINT)
    choose_colours(page, "Тёмное")
    assert colours(page) == "dark"
    page.goto("/cabinet/numbers/")
    assert page.evaluate("window.firstColours") == "dark"
    page.emulate_media(color_scheme="dark")
    choose_colours(page, "Светлое")
    page.reload()
    assert page.evaluate("window.firstColours") == "light"
    choose_colours(page, "Как в системе")
    assert colours(page) == "dark"
    page.reload()
    assert page.evaluate("window.firstColours") == "dark"
    assert not [cookie for cookie in page.context.cookies() if cookie["name"] == "theme"]


def test_colours_are_chosen_by_keyboard_and_focus_comes_back(browse: Browse) -> None:
    page = browse("/cabinet/", who="owner")
    opener = page.locator("summary[aria-label=Оформление]")
    opener.focus()
    page.keyboard.press("Enter")
    assert_fits(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert colours(page) == "dark"
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Тёмное")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()


def test_the_filter_panel_counts_applies_and_lets_go(browse: Browse) -> None:
    page = browse("/cabinet/blacklist/", who="owner")
    whole = page.locator(".list-total b").inner_text()
    page.locator("summary", has_text="Фильтры").click()
    chip = page.locator("label.chip", has_text="API")
    expect(chip.locator("small")).to_have_text(re.compile(r"^\d+$"))
    promised = chip.locator("small").inner_text()
    assert_accessible(page)
    assert_fits(page)
    chip.click()
    page.get_by_role("button", name="Применить фильтр").click()
    expect(page.locator(".list-total b")).to_have_text(promised)
    expect(page.locator("summary", has_text="Фильтры (1)")).to_be_visible()
    page.get_by_role("link", name="Убрать фильтр").click()
    expect(page.locator(".list-total b")).to_have_text(whole)


def test_a_wrong_date_opens_the_panel_and_keeps_what_was_typed(browse: Browse) -> None:
    page = browse("/cabinet/blacklist/", who="owner")
    page.locator("summary", has_text="Фильтры").click()
    page.locator("#f-created_from").fill("32.13.2024")
    page.keyboard.press("Enter")
    field = page.locator("#f-created_from")
    expect(field).to_be_visible()
    expect(field).to_have_value("32.13.2024")
    expect(field).to_have_attribute("aria-invalid", "true")
    assert_fits(page)


def test_a_slash_goes_to_the_search_and_a_found_customer_opens(browse: Browse) -> None:
    page = browse("/admin/", who="lead")
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()
    page.keyboard.type("Добрый доктор")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Добрый доктор").first).to_be_visible()
    assert_fits(page)


def test_an_error_stays_until_it_is_closed(browse: Browse) -> None:
    page = browse("/cabinet/blacklist/", who="owner")
    page.clock.install()
    page.evaluate("toast('Не получилось.', 'bad'); toast('Готово.', 'good')")
    expect(page.get_by_text("Готово.")).to_be_visible()
    page.clock.fast_forward(60_000)
    expect(page.get_by_text("Готово.")).to_be_hidden()
    error = page.locator("#toasts [role=alert]")
    expect(error).to_have_text("Не получилось.")
    error.get_by_role("button", name="Закрыть").click()
    expect(error).to_be_hidden()


def test_a_message_of_the_server_is_closed_by_its_cross(browse: Browse) -> None:
    page = browse("/cabinet/profile/", who="owner")
    page.get_by_role("button", name="Сохранить").click()
    note = page.locator("#toasts .notice-good")
    expect(note).to_contain_text("Сохранено.")
    assert_accessible(page)
    note.get_by_role("button", name="Закрыть").click()
    expect(note).to_be_hidden()


def test_rows_are_cards_on_a_phone(browse: Browse) -> None:
    page = browse("/admin/numbers/", who="lead", width=390)
    row = page.locator("table.list tbody tr").first
    assert row.evaluate("each => getComputedStyle(each).display") == "grid"
    label = "each => getComputedStyle(each, '::before').content"
    assert "Тип" in row.locator("td[data-label=Тип]").evaluate(label)
    row.locator("summary").click()
    menu = row.locator(".menu-panel")
    expect(menu).to_be_in_viewport(ratio=1)
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    assert_fits(page)


def test_the_menu_of_a_phone_opens_and_closes(browse: Browse) -> None:
    page = browse("/cabinet/", who="owner", width=390)
    sidebar = page.locator("#sidebar")
    expect(sidebar).to_be_hidden()
    page.get_by_role("link", name="Открыть меню").click()
    expect(sidebar).to_be_visible()
    page.keyboard.press("Escape")
    expect(sidebar).to_be_hidden()
    page.get_by_role("link", name="Открыть меню").click()
    sidebar.get_by_role("link", name="Счета").click()
    expect(page.locator("h1")).to_have_text("Счета")


def sign_in(page: Page, site: Site, name: str) -> None:
    page.goto("/login")
    page.fill("input[name=email]", f"{name}@demo.callcab")
    page.fill("input[name=password]", site.password)
    page.click("main button[type=submit]")
    page.wait_for_url("**/cabinet/")


def sign_out_elsewhere(page: Page) -> None:
    """Another window of the same browser."""
    other = page.context.new_page()
    other.goto("/cabinet/profile/")
    other.get_by_label("Меню пользователя").click()
    other.get_by_role("button", name="Выйти").click()
    other.wait_for_url("**/login")
    other.close()


def test_a_session_that_ended_leads_from_a_live_page_to_the_login(browse: Browse, site: Site) -> None:
    page = browse("/login", forgiven=(401,))
    sign_in(page, site, "other")
    page.goto("/cabinet/handset/")
    sign_out_elsewhere(page)
    page.wait_for_url("**/login*")
    expect(page.get_by_role("heading", name="Вход")).to_be_visible()


def test_a_session_that_ended_leads_from_a_window_to_the_login(browse: Browse, site: Site) -> None:
    page = browse("/login", forgiven=(401,))
    sign_in(page, site, "other")
    page.goto("/cabinet/blacklist/")
    sign_out_elsewhere(page)
    page.get_by_role("link", name="Добавить номера").click()
    page.wait_for_url("**/login*")
