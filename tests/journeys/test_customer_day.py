"""A customer's day, from signing in to signing out, on the real pages, worker and simulated lines."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pypdfium2
import pytest
import redis
import sqlalchemy as sa

from callcab.config import Settings
from callcab.db import unit_of_work
from callcab.jobs import dialer, worker
from callcab.lib import clock
from callcab.models import Customer, PromoCode
from callcab.providers import telephony
from callcab.providers.company import CompanyInfo, NoDirectory
from callcab.providers.telephony.heartbeat import KEY as LISTENER
from callcab.providers.telephony.simulator import Simulator
from callcab.scope import Scope
from callcab.services import company, ledger
from tests import factories
from tests.client import Browser, FormOnPage
from tests.people import PASSWORD, People

SYSTEM = Scope.system("test")
# A Tuesday, noon in Moscow: calls are allowed.
NOON = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
INN = "7702070139"
# The last two digits are the simulator's number plan: this callee answers and presses 9.
CALLEE, SHOWN = "8 925 394-45-09", "+7(925)394-45-09"


class Register:
    """A register of companies that knows one."""

    def find(self, inn: str) -> list[CompanyInfo]:
        return [CompanyInfo(inn, "Банк ВТБ (ПАО)", "770943002", "1027739609391", "г. Санкт-Петербург", "Костин А. Л.")]


@pytest.fixture
def noon(people: People, settings: Settings) -> Iterator[None]:
    """Noon, with a dialer that listens, a seller, a free number and a register of companies."""
    redis.Redis.from_url(str(settings.redis_url)).set(LISTENER, "test")
    telephony.use(Simulator(str(settings.redis_url)))
    company.use(Register())
    with clock.frozen(NOON):
        with unit_of_work(SYSTEM) as session:
            factories.seller(session, name="ООО «Колкаб»", inn="7736207543", kpp="773601001")
            factories.number(session)
        yield
    company.use(NoDirectory())


def issue_promo(people: People) -> str:
    """Support issues one code of 500 ₽; returns it."""
    form = people.lida.get("/admin/promos/new/").form(has="count")
    page = form.submit(name="Осень", amount="500", count="1", uses_per_code="1", expires_at="31.12.2099")
    assert "Выпущен 1 промокод" in page.text
    with unit_of_work(SYSTEM) as session:
        return session.scalars(sa.select(PromoCode.code)).one()


def take_invoice(olga: Browser) -> str:
    """Compose an invoice from the INN; returns the text of its PDF."""
    form = olga.get("/cabinet/invoices/").form(has="inn").submit(inn=INN).form(has="amount")
    page = form.submit(amount="1 200,50", basis="Договор № 7")
    assert "Счёт № 1 выписан" in page.text
    answer = olga.get(page.tree.xpath("string(//a[@data-start-download]/@href)")).response
    document = pypdfium2.PdfDocument(answer.data)
    text = " ".join(sheet.get_textpage().get_text_range() for sheet in document)
    return " ".join(text.replace("\u00a0", " ").split())


def fill_blacklist(olga: Browser, settings: Settings) -> None:
    form = olga.get("/cabinet/blacklist/new/").form(has="numbers")
    page = form.submit(numbers="8 (925) 394-45-77\nпривет", way="hand", reason="Просил не звонить")
    assert "новых: 1" in page.text
    assert "отказов: 1" in page.text
    page.form(has="expected").submit()
    worker.run(settings, burst=True)


def start_campaign(olga: Browser) -> str:
    """Draw up and start a campaign of one number; returns the address of its page."""
    form = olga.get("/cabinet/campaigns/new/").form(has="contacts")
    page = form.submit(
        name="Напоминание",
        purpose="information",
        prompt="Здравствуйте!",
        contacts=CALLEE,
        calls_from="09:00",
        calls_until="20:00",
        lines="1",
        max_attempts="1",
        rule_9="blacklist",
    )
    assert page.title == "Напоминание"
    url = olga.get("/cabinet/campaigns/").link("Напоминание")
    row_id = re.search(r"id=(\d+)", url)
    assert row_id
    page = olga.get(f"/cabinet/campaigns/check/?id={row_id[1]}").form(to="/cabinet/campaigns/steer/").submit()
    assert "запускается" in page.text
    return url


def let_calls_pass(settings: Settings, seconds: int = 60) -> None:
    """The worker dials; then the simulated time passes and its events reach the rules."""
    worker.run(settings, burst=True)
    provider = telephony.provider()
    for step in range(seconds):
        with clock.frozen(NOON + timedelta(seconds=step)):
            while provider.step(dialer.Rules()):  # type: ignore[attr-defined]
                pass


def test_a_customer_gets_through_a_whole_day(people: People, settings: Settings, noon: None) -> None:
    code = issue_promo(people)
    olga = Browser(people.app)
    assert olga.sign_in(people.emails["olga"], PASSWORD).url == "/cabinet/"

    assert "Начислено 500,00 ₽" in olga.get("/cabinet/promo/").form(has="code").submit(code=code).text

    text = take_invoice(olga)
    for words in ("Счет на оплату № 1", "Банк ВТБ (ПАО)", "ООО «Колкаб»", "1 200,50", "Договор № 7"):
        assert words in text

    fill_blacklist(olga, settings)
    assert [row for row in olga.get("/cabinet/blacklist/").rows() if "+7(925)394-45-77" in row]

    page = olga.get("/cabinet/ip/")
    one_click = next(form for form in page.tree.forms if form.fields.get("network") == "127.0.0.1")
    assert "Добавить текущий адрес" in one_click.text_content()
    page = FormOnPage(page, one_click).submit()
    assert [row[3] for row in page.rows()] == ["127.0.0.1"]

    campaign = start_campaign(olga)
    let_calls_pass(settings)
    with unit_of_work(SYSTEM) as session:
        assert ledger.discrepancies(session) == []
        # 1 000 + 500 of the promo, less one call of the first minute.
        owner = session.get_one(Customer, people.customer_id)
        assert (str(owner.balance), str(owner.reserved)) == ("1498.20", "0.00")
    assert "Завершена" in olga.get(campaign).text
    (call,) = olga.get("/cabinet/calls/").rows()
    assert SHOWN in " ".join(call)
    assert "1,80 ₽" in " ".join(call)
    listed = next(row for row in olga.get("/cabinet/blacklist/").rows() if SHOWN in row)
    assert "Ручной ввод" not in listed

    assert olga.post("/logout").title == "Вход"
    assert olga.get("/cabinet/").url == "/login"
