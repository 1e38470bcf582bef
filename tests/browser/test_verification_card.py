"""The live card of a verification call beside the virtual handset: two windows of the same customer."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import assert_accessible, assert_fits

pytestmark = pytest.mark.browser

Browse = Callable[..., Page]
GREEN_WITHIN_MS = 2_000
# Until the dialer has called and the page has asked; half a second when nothing else runs.
CALLING_MS = 15_000
# A stream lasts ten seconds.
STREAM_MS = 20_000
# No last two digits of the simulator's plan, but for the one that nobody answers.
PROVED, MISTYPED, REJECTED, DROPPED = "9165550171", "9165550172", "9165550173", "9165550174"
UNANSWERED = "9165550003"
AGAIN = "Позвонить ещё раз"


def shown(number: str) -> str:
    return f"+7({number[:3]}){number[3:6]}-{number[6:8]}-{number[8:]}"


def ask_for_call(page: Page, number: str) -> Locator:
    """Create the number as a person does; returns the card."""
    page.goto("/cabinet/numbers/new/")
    page.get_by_label("Номер телефона").fill(number)
    page.get_by_role("button", name="Создать").click()
    expect(page.locator("h1")).to_contain_text(shown(number))
    return page.locator("#verification-card")


def answer(phone: Page, number: str) -> Locator:
    """Take the receiver; returns the line with its keys."""
    line = phone.get_by_role("region", name=shown(number))
    line.get_by_role("button", name="Ответить").click(timeout=CALLING_MS)
    expect(line.get_by_role("button", name="Нажать 1")).to_be_visible(timeout=CALLING_MS)
    return line


@pytest.fixture(scope="module")
def unanswered(signed_in: Callable[[str], str], chromium: object, site: object) -> str:
    """A call that nobody takes, begun before everything else: it rings for 40 seconds. Returns the card's address."""
    context = chromium.new_context(storage_state=signed_in("other"), base_url=site.url)  # type: ignore[attr-defined]
    page = context.new_page()
    ask_for_call(page, UNANSWERED)
    address = str(page.url)
    context.close()
    return address


@pytest.fixture
def card_page(browse: Browse, unanswered: str) -> Page:
    page = browse("/cabinet/numbers/", who="other")
    page.get_by_role("link", name="Создать исходящий номер").first.click()
    return page


def test_a_stream_that_came_to_its_end_is_opened_anew_without_a_word_on_the_console(
    browse: Browse, unanswered: str
) -> None:
    page = browse(unanswered, who="other")
    with page.expect_event("requestfinished", lambda request: "/live/" in request.url, timeout=STREAM_MS):
        expect(page.locator("#verification-card")).to_contain_text("Телефон звонит", timeout=CALLING_MS)
    with page.expect_request(re.compile("/live/")):
        pass


def test_the_card_turns_green_without_a_reload_within_two_seconds_of_the_press(card_page: Page, browse: Browse) -> None:
    card = ask_for_call(card_page, PROVED)
    expect(card.get_by_text("Телефон звонит")).to_be_visible(timeout=CALLING_MS)
    assert_accessible(card_page)
    phone = browse("/cabinet/handset/", who="other")
    line = answer(phone, PROVED)
    expect(card.get_by_text("Нажмите 1")).to_be_visible(timeout=CALLING_MS)
    card_page.reload()
    expect(card.get_by_text("Нажмите 1")).to_be_visible()
    assert_accessible(phone)
    assert_fits(phone)
    assert_fits(card_page)
    card_page.evaluate("window.sameDocument = true")
    line.get_by_role("button", name="Нажать 1").click()
    pressed = time.monotonic()
    expect(card.get_by_text("Номер подтверждён")).to_be_visible(timeout=GREEN_WITHIN_MS)
    took = time.monotonic() - pressed
    assert card_page.evaluate("window.sameDocument")
    assert took * 1000 <= GREEN_WITHIN_MS
    assert card.get_attribute("hx-get") is None
    assert_accessible(card_page)
    card_page.get_by_role("link", name="К номерам").click()
    expect(card_page.locator("tr", has_text=shown(PROVED))).to_contain_text("Подтверждён")


def test_another_digit_is_told_and_the_call_may_be_repeated(card_page: Page, browse: Browse) -> None:
    card = ask_for_call(card_page, MISTYPED)
    phone = browse("/cabinet/handset/", who="other")
    line = answer(phone, MISTYPED)
    line.get_by_role("button", name="Нажать 2").click()
    expect(line).to_contain_text("Нажато: 2")
    line.get_by_role("button", name="Положить трубку").click()
    expect(card).to_contain_text("Нажата не та цифра. Закажите звонок ещё раз и нажмите 1.", timeout=CALLING_MS)
    expect(card).to_contain_text("Осталось попыток сегодня: 2")
    assert_accessible(card_page)
    card.get_by_role("button", name=AGAIN).click()
    answer(phone, MISTYPED).get_by_role("button", name="Нажать 1").click()
    expect(card.get_by_text("Номер подтверждён")).to_be_visible(timeout=CALLING_MS)


def test_a_rejected_call_is_told_and_its_attempts_counted(card_page: Page, browse: Browse) -> None:
    card = ask_for_call(card_page, REJECTED)
    phone = browse("/cabinet/handset/", who="other", width=390)
    line = phone.get_by_role("region", name=shown(REJECTED))
    line.get_by_role("button", name="Отклонить").click(timeout=CALLING_MS)
    expect(card).to_contain_text("Звонок отклонили. Проверьте, не включена ли защита", timeout=CALLING_MS)
    expect(card).to_contain_text("Осталось попыток сегодня: 2")
    expect(card.get_by_role("button", name=AGAIN)).to_be_enabled()
    expect(line).to_be_hidden(timeout=CALLING_MS)


def test_a_receiver_put_down_too_early_is_told(card_page: Page, browse: Browse) -> None:
    card = ask_for_call(card_page, DROPPED)
    phone = browse("/cabinet/handset/", who="other")
    answer(phone, DROPPED).get_by_role("button", name="Положить трубку").click()
    expect(card).to_contain_text("Трубку положили раньше, чем нажали 1.", timeout=CALLING_MS)
    expect(card.get_by_role("button", name=AGAIN)).to_be_enabled()


def test_a_click_on_the_handset_is_not_lost_to_a_refresh(card_page: Page, browse: Browse) -> None:
    phone = browse("/cabinet/handset/", who="owner")
    phone.evaluate("document.getElementById('handset-lines').dataset.mine = '1'")
    for _ in range(2):
        with phone.expect_response(re.compile("/lines/")) as answered:
            pass
        assert answered.value.status == 204
    expect(phone.locator("#handset-lines[data-mine]")).to_be_attached()


def test_a_wrong_number_is_told_beside_the_field_and_kept(browse: Browse) -> None:
    page = browse("/cabinet/numbers/new/", who="other", forgiven=(422,))
    page.get_by_label("Номер телефона").fill("8 925 394")
    page.keyboard.press("Enter")
    field = page.get_by_label("Номер телефона")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("8 925 394")
    assert_fits(page)


def test_a_call_that_rings_out_is_told_last(browse: Browse, unanswered: str) -> None:
    page = browse(unanswered, who="other")
    card = page.locator("#verification-card")
    expect(card).to_contain_text("Никто не ответил. Убедитесь, что телефон рядом", timeout=60_000)
    expect(card).to_contain_text("Осталось попыток сегодня: 2")
    expect(card.get_by_role("button", name=AGAIN)).to_be_enabled()
    assert_fits(page)


def test_a_button_that_comes_switched_off_for_good_stays_so(browse: Browse) -> None:
    """As «Ответить» of a line that does not ring yet: the press would be lost, and the call would ring on."""
    page = browse("/cabinet/handset/", who="other")

    def with_button(route: Route) -> None:
        button = '<button type="submit" id="early" disabled data-off>Ответить</button></main>'
        route.fulfill(response=(answer := route.fetch()), body=answer.text().replace("</main>", button))

    page.route("**/cabinet/handset/", with_button)
    page.reload()
    expect(page.locator("#early")).to_be_disabled()
