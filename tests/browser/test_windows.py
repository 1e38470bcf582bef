"""Windows and live cards: bulk actions, adding to the blacklist, addresses, promo codes, invoices, progress of jobs."""

import csv
import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from callcab.providers.company import DEMO_FILE
from tests.browser.conftest import Site, assert_accessible, assert_fits

pytestmark = pytest.mark.browser

Browse = Callable[..., Page]


def tick(page: Page, count: int) -> None:
    for place in range(count):
        page.locator("table.list input[name=id]").nth(place).check()


def window_of(page: Page) -> Locator:
    return page.locator("dialog[open]")


def total(page: Page) -> int:
    return int("".join(page.locator(".list-total b").inner_text().split()))


# Bulk actions


def test_ticked_rows_are_counted_asked_about_and_deleted(browse: Browse) -> None:
    page = browse("/cabinet/blacklist/?source=file", who="owner")
    before = total(page)
    bar = page.locator(".bulk-bar")
    expect(bar).to_be_hidden()
    tick(page, 3)
    expect(bar.locator(".bulk-count")).to_have_text("Выбрано: 3")
    assert_accessible(page)
    assert_fits(page)
    bar.get_by_role("button", name="Удалить").click()
    expect(window_of(page)).to_contain_text("Удалить 3 номера из чёрного списка?")
    assert_accessible(page)
    assert_fits(page)
    window_of(page).get_by_role("button", name="Удалить").click()
    expect(page.locator("#toasts")).to_contain_text("строк: 3")
    assert total(page) == before - 3


def test_the_cross_of_the_bar_lets_all_rows_go(browse: Browse) -> None:
    page = browse("/cabinet/blacklist/", who="owner")
    page.get_by_label("Выделить все", exact=True).check()
    page.get_by_role("button", name="Снять выделение").click()
    expect(page.locator(".bulk-bar")).to_be_hidden()
    expect(page.locator("table.list input[name=id]:checked")).to_have_count(0)
    expect(page.get_by_label("Выделить все", exact=True)).not_to_be_checked()


def test_all_that_match_are_as_many_in_the_bar_the_window_and_the_result(browse: Browse) -> None:
    page = browse("/cabinet/blacklist/?source=api", who="owner")
    found = total(page)
    page.get_by_label("Выделить все", exact=True).check()
    bar = page.locator(".bulk-bar")
    bar.get_by_label(f"Выделить все {found}").check()
    expect(bar.locator(".bulk-count")).to_have_text(f"Выбрано: {found}")
    bar.get_by_role("button", name="Удалить").click()
    expect(window_of(page)).to_contain_text(f"Удалить {found} номеров")
    window_of(page).get_by_role("button", name="Удалить").click()
    expect(page.locator("#toasts")).to_contain_text(f"строк: {found}")
    assert total(page) == 0
    expect(page.get_by_text("Ничего не найдено")).to_be_visible()


def test_more_than_a_thousand_want_their_number_typed(browse: Browse) -> None:
    page = browse("/cabinet/blacklist/?source=file", who="owner")
    page.locator(".list-head-end").get_by_role("button", name="Удалить").click()
    window_of(page).get_by_label("Введите число строк").fill("3")
    page.keyboard.press("Enter")
    expect(window_of(page).get_by_role("alert")).to_contain_text("Введите число строк, чтобы подтвердить")
    assert_accessible(page)
    window_of(page).get_by_role("link", name="Отмена").click()
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_an_action_asks_for_its_reason_and_keeps_the_window_without_it(browse: Browse) -> None:
    page = browse("/admin/numbers/?state=free", who="lead")
    tick(page, 2)
    page.locator(".bulk-bar").get_by_role("button", name="Заблокировать", exact=True).click()
    window = window_of(page)
    expect(window).to_contain_text("Заблокировать номеров: 2?")
    expect(window.get_by_label("Причина")).to_be_focused()
    page.keyboard.press("Enter")
    expect(window.get_by_label("Причина")).to_have_attribute("aria-invalid", "true")
    window.get_by_label("Причина").fill("Жалобы абонентов")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("строк: 2")


def test_the_keyboard_alone_deletes_a_row_and_focus_returns(browse: Browse) -> None:
    page = browse("/cabinet/blacklist/?source=hand", who="owner")
    before = total(page)
    page.locator("table.list input[name=id]").first.focus()
    page.keyboard.press("Space")
    opener = page.locator(".bulk-bar").get_by_role("button", name="Удалить")
    expect(opener).to_be_visible()
    for _ in range(12):
        if opener.evaluate("each => each === document.activeElement"):
            break
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(window_of(page)).to_contain_text("Удалить 1 номер из")
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    expect(window_of(page).get_by_role("button", name="Удалить")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("строк: 1")
    assert total(page) == before - 1


# Adding to the blacklist


def open_adding(page: Page) -> Locator:
    page.get_by_role("link", name="Добавить номера").first.click()
    expect(window_of(page)).to_contain_text("Добавление номеров в стоп-лист")
    return window_of(page)


def save_preview(page: Page, fresh: int) -> None:
    """From the counted preview to the stored numbers."""
    page.wait_for_url("**/cabinet/jobs/details/**")
    page.get_by_role("button", name=f"Сохранить новые: {fresh}").click()
    expect(page.get_by_text("Готово").first).to_be_visible()


def search(page: Page, number: str) -> Locator:
    page.goto(f"/cabinet/blacklist/?search={number}")
    return page.locator("table.list tbody tr")


def test_numbers_are_typed_previewed_and_saved(browse: Browse) -> None:
    page = browse("/cabinet/blacklist/", who="owner", forgiven=(422,))
    window = open_adding(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Добавить номера").first).to_be_focused()
    window = open_adding(page)
    assert_accessible(page)
    assert_fits(page)
    window.get_by_role("button", name="Проверить номера").click()
    expect(window.get_by_role("alert")).to_be_visible()
    window.get_by_label("Номера").fill("8 (916) 555-11-71\n+7 916 555 11 72\nпривет")
    window.get_by_role("button", name="Проверить номера").click()
    page.wait_for_url("**/cabinet/jobs/details/**")
    expect(page.locator("main")).to_contain_text("новых: 2, отказов: 1")
    assert_fits(page)
    save_preview(page, 2)
    expect(search(page, "9165551171")).to_contain_text("Ручной ввод")


def test_numbers_are_pasted_from_the_clipboard(browse: Browse) -> None:
    page = browse("/cabinet/blacklist/", who="owner")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    window = open_adding(page)
    window.get_by_label("Буфер обмена").check()
    page.evaluate("navigator.clipboard.writeText('9165551173\\n9165551174\\n9165551175')")
    window.get_by_label("Номера").focus()
    page.keyboard.press("Control+V")
    expect(window.get_by_label("Номера")).to_have_value(re.compile("9165551175"))
    window.get_by_role("button", name="Проверить номера").click()
    save_preview(page, 3)
    expect(search(page, "9165551175")).to_contain_text("Буфер обмена")


def test_numbers_come_from_a_file(browse: Browse, tmp_path: Path) -> None:
    page = browse("/cabinet/blacklist/", who="owner")
    file = tmp_path / "стоп-лист.csv"
    file.write_text("Имя;Телефон\nАнна;8 916 555-11-76\nПётр;+79165551177\n", encoding="cp1251")
    window = open_adding(page)
    expect(window.get_by_label("Файл базы").last).to_be_hidden()
    window.get_by_role("radio", name="Файл базы").check()
    expect(window.get_by_label("Номера")).to_be_hidden()
    window.locator("input[type=file]").set_input_files(file)
    assert_fits(page)
    window.get_by_role("button", name="Проверить номера").click()
    save_preview(page, 2)
    expect(search(page, "9165551176")).to_contain_text("Файл базы")


# Progress of jobs


def children(pid: int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for each in lists for child in each.read_text().split()]


@contextmanager
def paused_workers(site: Site) -> Iterator[None]:
    """The workers and what they started stand still, so that what they were asked for can be looked at."""
    workers = [pid for pid in children(site.pid) if b"\0worker\0" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    everybody = [*workers, *(child for pid in workers for child in children(pid))]
    assert workers
    try:
        for pid in everybody:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in everybody:
            os.kill(pid, signal.SIGCONT)


def test_the_card_of_a_job_survives_a_reload_and_ends_by_itself(browse: Browse, site: Site) -> None:
    page = browse("/cabinet/blacklist/?source=clipboard", who="owner")
    found = total(page)
    assert found > 200, "fewer rows are done within the request"
    with paused_workers(site):
        page.locator(".list-head-end").get_by_role("button", name="Удалить").click()
        window_of(page).get_by_role("button", name="Удалить").click()
        page.wait_for_url("**/cabinet/jobs/details/**")
        card = page.locator("#job-progress")
        expect(card).to_contain_text("В очереди")
        assert_accessible(page)
        page.reload()
        expect(card).to_contain_text("В очереди")
        assert_fits(page)
    expect(card).to_contain_text("Готово")
    expect(card).to_contain_text(f"сделано: {found}")
    expect(card).not_to_have_attribute("hx-get", re.compile("."))


def test_a_deed_is_undone_in_a_window_and_each_page_leads_to_the_other(browse: Browse) -> None:
    page = browse("/cabinet/blacklist/?source=hand", who="owner")
    found = total(page)
    page.locator("table.list input[name=id]").first.check()
    page.locator(".bulk-bar").get_by_role("button", name="Удалить").click()
    expect(window_of(page)).to_contain_text("Можно отменить в течение 7 дней.")
    window_of(page).get_by_role("button", name="Удалить").click()
    expect(page.locator("#toasts")).to_contain_text("строк: 1")
    assert total(page) == found - 1
    page.goto("/cabinet/jobs/")
    page.get_by_role("link", name="Удаление из чёрного списка").first.click()
    page.locator("main").get_by_role("link", name="Отменить действие").click()
    expect(window_of(page)).to_contain_text("Удалённые записи вернутся такими, какими были.")
    assert_accessible(page)
    window_of(page).get_by_role("button", name="Отменить действие").click()
    expect(page.locator("h1")).to_contain_text("Отмена: Удаление из чёрного списка")
    expect(page.locator("#job-progress")).to_contain_text("сделано: 1")
    page.locator("#job-progress").get_by_role("link", name="№").click()
    expect(page.locator("main")).to_contain_text("Действие отменено")
    assert_fits(page)
    page.goto("/cabinet/blacklist/?source=hand")
    assert total(page) == found


# Addresses, promo codes, invoices


def test_the_current_address_is_added_by_one_click_and_deleted_again(browse: Browse) -> None:
    page = browse("/cabinet/ip/", who="other")
    page.get_by_role("button", name="Добавить текущий адрес").click()
    expect(page.locator("table.list tbody tr")).to_contain_text("127.0.0.1")
    expect(page.get_by_role("button", name="Добавить текущий адрес")).to_be_hidden()
    assert_accessible(page)
    assert_fits(page)
    page.locator("table.list tbody tr").get_by_role("button", name="Удалить").click()
    window_of(page).get_by_role("button", name="Удалить").click()
    expect(page.get_by_role("button", name="Добавить текущий адрес")).to_be_visible()


def fresh_code(browse: Browse) -> str:
    """A promo code that nobody took, as support sees it."""
    page = browse("/admin/promo-codes/", who="lead")
    return page.locator("tr", has_text="0 / 1").locator(".cell-main").first.inner_text()


def test_a_promo_code_is_typed_where_focus_is_and_taken_by_enter(browse: Browse) -> None:
    page = browse("/cabinet/promo/", who="owner", forgiven=(404, 409, 422))
    expect(page.get_by_label("Введите промокод")).to_be_focused()
    page.keyboard.type("НЕТ-ТАКОГО")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Введите промокод")).to_have_attribute("aria-invalid", "true")
    assert_accessible(page)
    page.get_by_label("Введите промокод").fill(fresh_code(browse).lower())
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Промокод активирован")
    assert_fits(page)


def payer_inn(site: Site) -> str:
    with (site.data_dir / DEMO_FILE).open(encoding="utf-8-sig") as register:
        return next(row["inn"] for row in csv.DictReader(register, delimiter=";") if row["status"] == "active")


def test_an_invoice_is_composed_from_the_inn_and_downloads_itself(browse: Browse, site: Site) -> None:
    page = browse("/cabinet/invoices/", who="owner")
    before = total(page)
    page.get_by_label("Введите ИНН").fill(payer_inn(site))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Плательщик", exact=True)).not_to_have_value("")
    assert_accessible(page)
    assert_fits(page)
    page.get_by_label("Сумма").fill("12 345,60")
    with page.expect_download() as download:
        page.get_by_role("button", name="Выписать счёт").click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")
    expect(page.locator("table.list tbody tr").first).to_contain_text("12\u00a0345,60\u00a0₽")
    assert total(page) == before + 1
    assert_fits(page)
