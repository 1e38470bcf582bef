"""How many clicks a task takes, as a hand counts them: what is typed, and Enter, cost none."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import assert_accessible, assert_fits

pytestmark = pytest.mark.browser

Browse = Callable[..., Page]
COUNTING = """() => addEventListener("pointerdown", () => {
  sessionStorage.clicks = Number(sessionStorage.clicks || 0) + 1;
}, true)"""


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
    return int(page.evaluate("Number(sessionStorage.clicks || 0)"))


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
