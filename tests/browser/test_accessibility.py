"""Every page of both sides: axe, console, policy, foreign requests and overflow; two widths, two colour schemes."""

from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Watched, serious

pytestmark = pytest.mark.browser

SUPPORT = (
    "/admin/",
    "/admin/clients/",
    "/admin/numbers/",
    "/admin/verifications/",
    "/admin/campaigns/",
    "/admin/calls/",
    "/admin/blacklist/",
    "/admin/invoices/",
    "/admin/payments/",
    "/admin/promos/",
    "/admin/promo-codes/",
    "/admin/ip-allow/",
    "/admin/ip-denied/",
    "/admin/jobs/",
    "/admin/audit/",
    "/admin/profile/",
    "/admin/search/?q=9250000001",
    "/admin/payments/?search=нет",
    "/admin/nowhere/",
)
CABINET = (
    "/cabinet/",
    "/cabinet/numbers/",
    "/cabinet/numbers/new/",
    "/cabinet/invoices/",
    "/cabinet/payments/",
    "/cabinet/promo/",
    "/cabinet/blacklist/",
    "/cabinet/ip/",
    "/cabinet/campaigns/",
    "/cabinet/calls/",
    "/cabinet/jobs/",
    "/cabinet/api/",
    "/cabinet/users/",
    "/cabinet/profile/",
    "/cabinet/handset/",
    "/cabinet/blacklist/?search=0000000",
    "/cabinet/nowhere/",
)
LOOKS: list[tuple[int, Literal["light", "dark"]]] = [(1280, "light"), (390, "light"), (390, "dark"), (1280, "dark")]


def pages() -> Iterator[tuple[str | None, str]]:
    yield None, "/login"
    yield None, "/password/forgot"
    yield from (("lead", path) for path in SUPPORT)
    yield from (("owner", path) for path in CABINET)


@pytest.mark.parametrize(("who", "path"), list(pages()))
def test_a_page_is_accessible_and_keeps_to_itself(
    open_page: Callable[..., Watched], who: str | None, path: str
) -> None:
    watched = open_page(path, who=who, forgiven=(404,) if "nowhere" in path else ())
    found = {look: findings(watched.page, *look) for look in LOOKS}
    assert {look: texts for look, texts in found.items() if texts} == {}
    assert watched.problems == []


def findings(page: Page, width: int, scheme: Literal["light", "dark"]) -> list[str]:
    """What is wrong with a page that follows the system's colours, at a width."""
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return serious(page) + ([f"sticks out by {overflow}"] if overflow > 0 else [])


@pytest.mark.parametrize("width", [320, 768, 1024, 1920])
@pytest.mark.parametrize(("who", "path"), [("owner", "/cabinet/numbers/"), ("lead", "/admin/clients/")])
def test_a_list_fits_every_width(open_page: Callable[..., Watched], who: str, path: str, width: int) -> None:
    page = open_page(path, who=who, width=width).page
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
