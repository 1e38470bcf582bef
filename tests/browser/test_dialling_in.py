"""A person calls an own number of the customer from the virtual handset, and the page about his number."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import assert_accessible, assert_fits

pytestmark = pytest.mark.browser

Browse = Callable[..., Page]
CALLER, SHOWN = "9165550190", "+7(916)555-01-90"
CALLING_MS = 15_000


def test_a_call_to_an_own_number_is_taken_on_the_handset_and_listed(browse: Browse) -> None:
    numbers = browse("/cabinet/numbers/?kind=personal&state=verified", who="owner")
    own = numbers.locator("tbody tr").first.locator("td[data-label='Телефон']").inner_text()
    phone = browse("/cabinet/handset/", who="owner", width=390)
    phone.get_by_label("С номера").fill(CALLER)
    phone.get_by_label("На наш номер").fill(own)
    phone.get_by_role("button", name="Позвонить").click()
    line = phone.get_by_role("region", name=own)
    expect(line).to_contain_text(SHOWN, timeout=CALLING_MS)
    assert_accessible(phone)
    assert_fits(phone)
    line.get_by_role("button", name="Ответить").click(timeout=CALLING_MS)
    line.get_by_role("button", name="Положить трубку").click(timeout=CALLING_MS)
    expect(phone.get_by_text("разговор окончен.")).to_be_visible(timeout=CALLING_MS)
    listed = browse("/cabinet/inbound/", who="owner")
    row = listed.locator("tbody tr", has_text=SHOWN).first
    expect(row).to_contain_text("Соединён с владельцем")
    assert_accessible(listed)
    assert_fits(listed)


def test_the_page_about_a_number_opens_from_a_call_and_shows_its_rules(browse: Browse) -> None:
    page = browse("/cabinet/calls/", who="owner", width=390)
    page.locator("tbody tr a").first.click()
    page.get_by_role("link", name="Почему (не) позвонили").click()
    expect(page.locator("h1")).to_have_text("Почему (не) позвонили")
    page.locator("details.why-call").first.locator("summary").click()
    expect(page.locator("details.why-call").first).to_contain_text("Чёрный список клиента")
    assert_accessible(page)
    assert_fits(page)
