"""Nothing moves while a page loads (ux.md §8): what stands there stays, also when the page outgrows the window."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import QUIET_CHROMIUM, Site, installed_chromium

pytestmark = pytest.mark.browser

# The sum of all shifts of a page; the goal of ux.md.
MOST = 0.02
SLOW_LINE = {"offline": False, "latency": 20, "downloadThroughput": 20 * 1024, "uploadThroughput": 90 * 1024}
WATCHING = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const moved = entry.sources.map((source) => source.node && (source.node.outerHTML || "").slice(0, 80));
    if (!entry.hadRecentInput) window.shifts.push([entry.value, moved]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""
PAGES = {
    "owner": ("/cabinet/", "/cabinet/blacklist/", "/cabinet/campaigns/", "/cabinet/numbers/new/"),
    "lead": ("/admin/", "/admin/numbers/", "/admin/blacklist/", "/admin/clients/details/?id=1"),
}


@pytest.fixture(scope="module")
def with_bars(chromium: Browser) -> Iterator[Browser]:
    """A browser whose scroll bars take room, as on most desks."""
    browser = chromium.browser_type.launch(
        executable_path=installed_chromium(), args=QUIET_CHROMIUM, ignore_default_args=["--hide-scrollbars"]
    )
    yield browser
    browser.close()


@pytest.fixture
def look(with_bars: Browser, site: Site, signed_in: Callable[[str], str]) -> Iterator[Callable[..., Page]]:
    """A page of somebody who was here before: his sheets and scripts are there, and the page comes in pieces."""
    opened: list[Page] = []

    def looked(who: str, width: int) -> Page:
        context = with_bars.new_context(
            storage_state=signed_in(who), viewport={"width": width, "height": 900}, locale="ru-RU", base_url=site.url
        )
        page = context.new_page()
        opened.append(page)
        page.goto(PAGES[who][0])
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", SLOW_LINE)
        page.add_init_script(WATCHING)
        return page

    yield looked
    for page in opened:
        page.context.close()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("who", PAGES)
def test_home_lists_details_and_forms_stay_where_they_are_while_they_load(
    look: Callable[..., Page], who: str, width: int
) -> None:
    page = look(who, width)
    for path in PAGES[who]:
        page.goto(path)
        page.wait_for_timeout(200)
        shifts = page.evaluate("window.shifts")
        assert sum(value for value, _moved in shifts) <= MOST, (path, shifts)


@pytest.mark.parametrize("width", [390, 1280])
def test_a_page_that_outgrows_the_window_moves_no_buttons(look: Callable[..., Page], width: int) -> None:
    page = look("owner", width)
    page.goto("/cabinet/blacklist/")
    edge = "document.querySelector('.page-head-actions').getBoundingClientRect().right"
    whole = page.evaluate(edge)
    assert page.evaluate("document.documentElement.scrollHeight > innerHeight"), "the page needs no bar"
    page.evaluate("document.querySelector('.list-card').hidden = true")
    assert page.evaluate(edge) == whole
