"""Every page of both sides: axe, console, policy, foreign requests and overflow; widths, colour schemes."""

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
# Their parts are those of the pages above: they are looked at on a desk in the light and on a phone in the dark.
RARER_SUPPORT = (
    "/admin/audio-recordings/",
    "/admin/blacklist/export/",
    "/admin/blacklist/new/",
    "/admin/callbacks/",
    "/admin/calls/why/?phone=79250000001",
    "/admin/campaign-contacts/",
    "/admin/clients/details/?id=1",
    "/admin/clients/edit/?id=1",
    "/admin/clients/new/",
    "/admin/contact-lists/",
    "/admin/file-schedules/",
    "/admin/handset/",
    "/admin/inbound/",
    "/admin/invoices/details/?id=1",
    "/admin/ledger/",
    "/admin/list-entries/",
    "/admin/load/clients/",
    "/admin/load/numbers/",
    "/admin/mail/",
    "/admin/numbers/details/?id=1",
    "/admin/numbers/new/",
    "/admin/payments/correct/",
    "/admin/payments/new/",
    "/admin/profile/totp/",
    "/admin/promos/details/?id=1",
    "/admin/promos/new/",
    "/admin/sellers/",
    "/admin/sellers/edit/?id=1",
    "/admin/staff/",
    "/admin/staff/new/",
    "/admin/tariffs/",
    "/admin/tariffs/edit/?id=1",
)
RARER_CABINET = (
    "/cabinet/api/new/",
    "/cabinet/audio-recordings/",
    "/cabinet/audio-recordings/new/",
    "/cabinet/audit/",
    "/cabinet/blacklist/new/",
    "/cabinet/callbacks/",
    "/cabinet/calls/details/?id=1",
    "/cabinet/calls/why/?phone=79250000001",
    "/cabinet/campaign-contacts/",
    "/cabinet/campaigns/check/?id=1",
    "/cabinet/campaigns/details/?id=1",
    "/cabinet/campaigns/new/",
    "/cabinet/contact-lists/",
    "/cabinet/contact-lists/details/?id=1",
    "/cabinet/contact-lists/new/",
    "/cabinet/inbound/",
    "/cabinet/invoices/compose/",
    "/cabinet/ip-denied/",
    "/cabinet/list-entries/",
    "/cabinet/profile/totp/",
    "/cabinet/tariff/",
    "/cabinet/users/new/",
)
Look = tuple[int, Literal["light", "dark"]]
LOOKS: list[Look] = [(1280, "light"), (390, "light"), (390, "dark"), (1280, "dark")]
# Twenty-five rows show whatever fifty do, in half the time.
SHORT = "?size=25"


def pages() -> Iterator[tuple[str | None, str, list[Look]]]:
    yield None, "/login", LOOKS
    yield None, "/password/forgot", LOOKS
    yield from (("lead", path, LOOKS) for path in SUPPORT)
    yield from (("owner", path, LOOKS) for path in CABINET)
    yield from (("admin", path, LOOKS[::2]) for path in RARER_SUPPORT)
    yield from (("owner", path, LOOKS[::2]) for path in RARER_CABINET)


@pytest.mark.parametrize(("who", "path", "looks"), [pytest.param(*page, id=page[1]) for page in pages()])
def test_a_page_is_accessible_and_keeps_to_itself(
    open_page: Callable[..., Watched], who: str | None, path: str, looks: list[Look]
) -> None:
    lost = "nowhere" in path
    address = path if "?" in path or who is None or lost else path + SHORT
    watched = open_page(address, who=who, forgiven=(404,) if lost else ())
    assert watched.page.title().startswith("404") == lost
    found = {look: findings(watched.page, *look) for look in looks}
    assert {look: texts for look, texts in found.items() if texts} == {}
    assert watched.problems == []


@pytest.mark.parametrize(
    ("who", "known"), [("admin", (*SUPPORT, *RARER_SUPPORT)), ("owner", (*CABINET, *RARER_CABINET))]
)
def test_every_page_of_the_menu_is_looked_at(
    open_page: Callable[..., Watched], who: str, known: tuple[str, ...]
) -> None:
    page = open_page("/", who=who).page
    offered = page.eval_on_selector_all("nav a[href^='/']", "links => links.map(link => link.pathname)")
    assert len(offered) > 10
    assert sorted(set(offered) - set(known)) == []


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
