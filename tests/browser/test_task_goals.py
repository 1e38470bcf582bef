"""How many clicks a task takes, as a hand counts them: what is typed, and Enter, cost none."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site, assert_accessible, assert_fits
from tests.browser.test_verification_card import CALLING_MS, GREEN_WITHIN_MS, answer
from tests.browser.test_windows import fresh_code, payer_inn

pytestmark = pytest.mark.browser

Browse = Callable[..., Page]
# No last two digits of the simulator's plan.
PROVED = "9165550175"
COUNTING = """() => {
  const show = () => { document.documentElement.dataset.clicks = sessionStorage.clicks || 0; };
  addEventListener("pointerdown", () => {
    sessionStorage.clicks = Number(sessionStorage.clicks || 0) + 1;
    show();
  }, true);
  addEventListener("DOMContentLoaded", show);
  if (document.documentElement) show();
}"""


@pytest.fixture
def counted(browse: Browse) -> Callable[..., Page]:
    """A page that counts clicks from now on."""

    def opened(path: str, **wishes: object) -> Page:
        page = browse(path, **wishes)
        page.add_init_script(f"({COUNTING})()")
        page.evaluate(COUNTING)
        return page

    return opened


def clicks(page: Page) -> int:
    """Read from the page by a locator, which looks again when a page makes way for the next, as that of a job does when
    the job ends."""
    return int(page.locator("html[data-clicks]").get_attribute("data-clicks") or 0)


def test_a_thousand_numbers_are_pasted_with_three_clicks(counted: Callable[..., Page]) -> None:
    page = counted("/cabinet/blacklist/", who="owner", forgiven=(422,))
    page.get_by_role("link", name="Добавить номера").first.click()
    numbers = "\n".join(str(79160000000 + number) for number in range(1_000))
    page.locator("dialog[open]").get_by_label("Номера").fill(numbers)
    page.locator("dialog[open]").get_by_role("button", name="Проверить номера").click()
    page.get_by_role("button", name="Сохранить новые").click()
    expect(page.get_by_text("Готово").first).to_be_visible()
    assert clicks(page) == 3


def test_ticked_rows_take_five_clicks_all_that_match_four_and_a_file_one(counted: Callable[..., Page]) -> None:
    page = counted("/cabinet/blacklist/?search=7916000001", who="owner")
    for place in range(3):
        page.locator("table.list input[name=id]").nth(place).click()
    page.locator(".bulk-bar").get_by_role("button", name="Удалить").click()
    page.locator("dialog[open]").get_by_role("button", name="Удалить").click()
    expect(page.locator("#toasts")).to_contain_text("строк: 3")
    assert clicks(page) == 5
    page = counted("/cabinet/blacklist/?search=7916000001", who="owner")
    page.get_by_label("Выделить все", exact=True).click()
    page.locator(".bulk-bar [data-pick-matching]").click()
    page.locator(".bulk-bar").get_by_role("button", name="Удалить").click()
    page.locator("dialog[open]").get_by_role("button", name="Удалить").click()
    expect(page.locator("#toasts")).to_contain_text("строк: 7")
    assert clicks(page) == 4
    page = counted("/cabinet/blacklist/", who="owner")
    page.get_by_role("button", name="Скачать").click()
    page.wait_for_url("**/cabinet/jobs/details/**")
    assert clicks(page) == 1


def test_a_credit_takes_three_clicks_and_a_customer_is_found_by_none(counted: Callable[..., Page]) -> None:
    page = counted("/admin/clients/", who="lead")
    page.locator("table.list tbody tr").first.locator("summary").click()
    page.locator("details[open]").get_by_role("button", name="Начислить").click()
    page.locator("dialog[open]").get_by_label("Сумма").fill("10")
    page.locator("dialog[open]").get_by_label("Причина").fill("Извинения за простой")
    page.locator("dialog[open]").get_by_role("button", name="Начислить").click()
    expect(page.locator("#toasts")).to_contain_text("Начислено 10,00")
    assert clicks(page) <= 3
    page = counted("/admin/numbers/?kind=personal", who="lead")
    number = page.locator("td.cell-phone").first.inner_text()
    page.keyboard.press("/")
    page.keyboard.type("".join(letter for letter in number if letter.isdigit())[1:])
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text(number)
    assert clicks(page) == 0


def test_a_whole_customer_is_on_one_page_with_a_click_for_each_tab(counted: Callable[..., Page]) -> None:
    page = counted("/admin/clients/", who="lead")
    page.locator("table.list td.cell-main a").first.click()
    name = page.locator("h1").inner_text()
    tabs = ["Номера", "Счета", "Платежи", "Промокоды", "Чёрный список", "IP", "Рассылки", "Журнал", "Обзор"]
    for place, tab in enumerate(tabs, start=1):
        page.get_by_role("navigation", name="Вкладки").get_by_role("link", name=tab, exact=True).click()
        expect(page.locator(".tabs [aria-current=page]")).to_have_text(tab)
        expect(page.locator("h1")).to_have_text(name)
        assert clicks(page) == 1 + place


def test_a_first_invoice_takes_three_clicks_and_one_more_to_an_earlier_payer_two(
    counted: Callable[..., Page], site: Site
) -> None:
    page = counted("/cabinet/", who="owner")
    page.get_by_role("link", name="Счета", exact=True).click()
    page.get_by_label("Введите ИНН").click()
    page.keyboard.type(payer_inn(site))
    page.keyboard.press("Enter")
    page.get_by_label("Сумма").click()
    compose(page, "1500")
    assert clicks(page) <= 3
    page = counted("/cabinet/", who="owner")
    page.get_by_role("link", name="Счета", exact=True).click()
    page.locator(".cluster a[href*='/compose/?inn=']").first.click()
    expect(page.get_by_label("Сумма")).to_be_focused()
    compose(page, "2500")
    assert clicks(page) == 2


def compose(page: Page, amount: str) -> None:
    """Type the sum where the focus is, and Enter: the invoice downloads itself."""
    page.keyboard.type(amount)
    with page.expect_download():
        page.keyboard.press("Enter")


def test_a_number_is_verified_with_three_clicks_and_ten_digits(counted: Callable[..., Page], browse: Browse) -> None:
    page = counted("/cabinet/", who="other")
    page.get_by_role("link", name="Номера телефонов", exact=True).click()
    page.get_by_role("link", name="Создать исходящий номер").first.click()
    page.get_by_label("Номер телефона").click()
    page.keyboard.type(PROVED)
    page.keyboard.press("Enter")
    card = page.locator("#verification-card")
    line = answer(browse("/cabinet/handset/", who="other"), PROVED)
    expect(card.get_by_text("Нажмите 1")).to_be_visible(timeout=CALLING_MS)
    line.get_by_role("button", name="Нажать 1").click()
    expect(card.get_by_text("Номер подтверждён")).to_be_visible(timeout=GREEN_WITHIN_MS)
    assert clicks(page) <= 3


def test_a_promo_code_takes_one_click_the_code_and_enter(counted: Callable[..., Page], browse: Browse) -> None:
    code = fresh_code(browse)
    page = counted("/cabinet/", who="owner")
    page.get_by_role("link", name="Промокоды", exact=True).click()
    expect(page.get_by_label("Введите промокод")).to_be_focused()
    page.keyboard.type(code)
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Промокод активирован")
    assert clicks(page) == 1


def test_the_own_address_takes_two_clicks(counted: Callable[..., Page]) -> None:
    page = counted("/cabinet/", who="other")
    page.get_by_role("link", name="Проверка IP", exact=True).click()
    page.get_by_role("button", name="Добавить текущий адрес").click()
    row = page.locator("table.list tbody tr", has_text="127.0.0.1")
    expect(row).to_have_count(1)
    assert clicks(page) == 2
    row.get_by_role("button", name="Удалить").click()
    page.locator("dialog[open]").get_by_role("button", name="Удалить").click()
    expect(page.get_by_role("button", name="Добавить текущий адрес")).to_be_visible()


def test_why_a_number_was_not_called_takes_a_slash_and_its_digits(counted: Callable[..., Page]) -> None:
    listed = counted("/cabinet/blacklist/", who="owner").locator("td.cell-phone").first.inner_text()
    digits = "".join(letter for letter in listed if letter.isdigit())[1:]
    for who, path in (("lead", "/admin/"), ("owner", "/cabinet/calls/")):
        page = counted(path, who=who)
        page.keyboard.press("/")
        page.keyboard.type(digits)
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_contain_text("Сейчас: нельзя")
        expect(page.locator("main")).to_contain_text("Чёрный список клиента")
        assert clicks(page) == 0
        assert_accessible(page)


def test_five_hundred_codes_take_four_clicks_at_most(counted: Callable[..., Page]) -> None:
    page = counted("/admin/promos/", who="lead")
    page.get_by_role("link", name="Выпустить промокоды").first.click()
    page.get_by_label("Название").fill("Пятьсот")
    page.get_by_label("Номинал").fill("100")
    page.get_by_label("Сколько кодов").fill("500")
    page.locator("main form button[type=submit]").last.click()
    expect(page.locator("main")).to_contain_text("Пятьсот")
    assert clicks(page) <= 4


def test_two_enum_filters_take_two_clicks_and_let_go_by_one_each(counted: Callable[..., Page]) -> None:
    page = counted("/cabinet/numbers/", who="owner")
    whole = page.locator(".list-total b").inner_text()
    page.get_by_role("link", name="Личный", exact=True).click()
    page.get_by_role("link", name="Подтверждён", exact=True).click()
    expect(page.locator(".chip-links [aria-current]")).to_have_text(["Личный", "Подтверждён"])
    assert clicks(page) == 2
    assert {"kind=personal", "state=verified"} == set(page.url.partition("?")[2].split("&"))
    expect(page.locator("summary", has_text="Фильтры (2)")).to_be_visible()
    page.locator(".chip-links").hover()
    expect(page.locator(".chip-links [aria-current] small").last).to_have_text(
        page.locator(".list-total b").inner_text()
    )
    assert_accessible(page)
    assert_fits(page)
    page.get_by_role("link", name="Убрать фильтр Тип: Личный").click()
    page.get_by_role("link", name="Убрать фильтр Статус: Подтверждён").click()
    expect(page.locator(".list-total b")).to_have_text(whole)
