"""A whole installation with demo data, started as an operator starts it, and a real browser in front of it."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.site import START_LIMIT_S, Site, running

# Until a condition holds; a machine with other work to do is slow, not wrong. Promises have limits of their own.
expect.set_options(timeout=15_000)
WIDTHS = (320, 390, 768, 1024, 1280, 1920)
STICKING_OUT = """() => {
  const wide = document.documentElement.clientWidth;
  const pixels = [document.documentElement.scrollWidth - wide];
  for (const each of document.querySelectorAll("dialog[open], .bulk-bar, .menu[open] .menu-panel")) {
    const box = each.getBoundingClientRect();
    if (box.width) pixels.push(box.right - wide, -box.left, each.scrollWidth - each.clientWidth);
  }
  return Math.max(...pixels);
}"""
CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser")
QUIET_CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Watched:
    """A page with all that went wrong on it; an answer whose status is in ``forgiven`` was asked for."""

    page: Page
    problems: list[str] = field(default_factory=list)
    forgiven: tuple[int, ...] = ()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever test comes first starts the installation, which takes longer than a test may."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(START_LIMIT_S + 120))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """`callcab up` with demo data on a port of its own; stopped by Ctrl-C."""
    with running(tmp_path_factory.mktemp("site")) as site:
        yield site


def installed_chromium() -> str:
    program = next((found for name in CHROMIUMS if (found := shutil.which(name))), None)
    assert program, "Chromium is missing: install Debian's package `chromium-headless-shell`"
    return program


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; its absence is a failure, for a browser test that is skipped checks nothing.

    Without the windows of a desktop it takes a third less of the processor.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed_chromium(), args=QUIET_CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def signed_in(site: Site, chromium: Browser) -> Callable[[str], str]:
    """Cookies of a demo login, signed in once through the form; returns the path of the saved state."""
    known: dict[str, str] = {}

    def state_of(name: str) -> str:
        if name not in known:
            context = chromium.new_context()
            page = context.new_page()
            page.goto(f"{site.url}/login")
            page.fill("input[name=email]", f"{name}@demo.callcab")
            page.fill("input[name=password]", site.password)
            page.click("main button[type=submit]")
            page.wait_for_url(lambda url: "/login" not in url)
            path = str(site.data_dir / f"state-{name}.json")
            context.storage_state(path=path)
            context.close()
            known[name] = path
        return known[name]

    return state_of


@pytest.fixture
def open_page(site: Site, chromium: Browser, signed_in: Callable[[str], str]) -> Iterator[Callable[..., Watched]]:
    """Open a page as a demo person at a width and in a colour scheme; collects console errors and foreign requests."""
    contexts: list[BrowserContext] = []

    def opened(
        path: str,
        *,
        who: str | None = None,
        width: int = 1280,
        scheme: str = "light",
        scripts: bool = True,
        forgiven: tuple[int, ...] = (),
    ) -> Watched:
        context = chromium.new_context(
            storage_state=signed_in(who) if who else None,
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            locale="ru-RU",
            base_url=site.url,
            java_script_enabled=scripts,
        )
        contexts.append(context)
        watched = Watched(context.new_page(), forgiven=forgiven)
        watch(watched, site.url)
        watched.page.goto(path)
        return watched

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def browse(open_page: Callable[..., Watched]) -> Iterator[Callable[..., Page]]:
    """Open a page like ``open_page``; the test fails when anything went wrong on it, whatever else it looked at."""
    opened: list[Watched] = []

    def browsed(path: str, **wishes: Any) -> Page:
        opened.append(open_page(path, **wishes))
        return opened[-1].page

    yield browsed
    assert [problem for watched in opened for problem in watched.problems] == []


def watch(watched: Watched, base: str) -> None:
    """Collect what a page must not do: errors on the console (policy violations too), requests to other hosts."""

    def on_console(message: ConsoleMessage) -> None:
        known = any(f"status of {status}" in message.text for status in watched.forgiven)
        if message.type == "error" and not known:
            watched.problems.append(f"console: {message.text}")

    def on_request(request: Request) -> None:
        if not request.url.startswith((base, "data:", "blob:")):
            watched.problems.append(f"foreign request: {request.url}")

    watched.page.on("console", on_console)
    watched.page.on("request", on_request)
    watched.page.on("pageerror", lambda error: watched.problems.append(f"script: {error}"))


def assert_fits(page: Page) -> None:
    """Nothing sticks out sideways at any width that we promise: neither the page nor what floats above it."""
    before = page.viewport_size
    sticking_out = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        sticking_out[width] = page.evaluate(STICKING_OUT)
    if before:
        page.set_viewport_size(before)
    assert {width: pixels for width, pixels in sticking_out.items() if pixels > 0} == {}


def serious(page: Page) -> list[str]:
    """Critical and serious findings of axe, with the first element of each."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("axe.run({resultTypes: ['violations']}).then(all => all.violations)")
    return [
        f"{item['id']}: {item['nodes'][0]['html'][:160]} ({len(item['nodes'])})"
        for item in found
        if item["impact"] in ("critical", "serious")
    ]


def assert_accessible(page: Page) -> None:
    """axe is content in the light on a desk and in the dark on a phone."""
    before = page.viewport_size
    found = serious(page)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 900})
    found += serious(page)
    page.emulate_media(color_scheme="light")
    if before:
        page.set_viewport_size(before)
    assert found == []
