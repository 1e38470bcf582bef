"""First pages of both sides."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.models import Account, Customer, EntryKind, LoginEvent, LoginOutcome, MailMessage, MailState, NumberState
from callcab.scope import Scope
from callcab.services import ledger
from callcab.views.home import CONCERNS, STEPS
from tests import factories
from tests.client import Page
from tests.people import People
from tests.world import LEAKS, fill


def spend(customer_id: int, amount: str, key: str) -> None:
    with unit_of_work(Scope.system("test")) as session:
        ledger.post(
            session,
            customer_id=customer_id,
            kind=EntryKind.CALL,
            account=Account.REVENUE,
            amount=Decimal(amount),
            key=key,
            cause="call",
        )


def keep(*rows: Any) -> None:
    with unit_of_work(Scope.system("test")) as session:
        session.add_all(rows)


def tile(page: Page, label: str) -> list[str]:
    """Label, value and note of a tile."""
    found = page.tree.xpath(
        "//*[contains(@class, 'stat')][*[@class='stat-label' and contains(., $label)]]", label=label
    )
    return [" ".join(part.text_content().split()) for part in found[0]]


def test_the_cabinet_tells_for_how_many_days_the_money_lasts(people: People) -> None:
    spend(people.customer_id, "-280.00", "a")
    text = people.olga.get("/cabinet/").text
    assert "720,00 ₽" in text
    assert tile(people.olga.get("/cabinet/"), "Хватит на")[1] == "18 дней"
    assert "280,00 ₽" in text


def test_spending_of_another_customer_is_not_counted(people: People) -> None:
    spend(people.other_id, "-280.00", "b")
    text = people.olga.get("/cabinet/").text
    assert "1 000,00 ₽" in text
    assert "за последние 7 дней расходов не было" in text
    assert "280,00" not in text


def test_a_new_customer_is_led_through_the_first_steps(people: People) -> None:
    page = people.olga.get("/cabinet/")
    for words, url, _permission in STEPS.values():
        assert page.link(str(words)) == url


def test_a_viewer_is_told_the_first_steps_without_links_he_may_not_follow(people: People) -> None:
    page = people.browser("vera").get("/cabinet/")
    assert "Создайте рассылку" in page.text
    assert not page.tree.xpath("//main//a[@href='/cabinet/campaigns/new/']")


def test_the_steps_are_gone_when_all_are_done_and_the_newest_calls_are_shown(people: People) -> None:
    fill(people)
    page = people.olga.get("/cabinet/")
    assert "Первые шаги" not in page.text
    assert "+7(925)111-00-0" in page.text.split("Последние звонки")[1]
    assert not [leak for leak in LEAKS if leak in page.text]


def test_support_sees_the_pool_and_refused_log_ins_of_a_day(people: People) -> None:
    with unit_of_work(Scope.system("test")) as session:
        factories.number(session)
        factories.number(session, state=NumberState.BLOCKED)
    old = clock.now() - timedelta(hours=25)
    keep(
        LoginEvent(outcome=LoginOutcome.WRONG_PASSWORD, address="192.0.2.1", agent=""),
        LoginEvent(outcome=LoginOutcome.WRONG_PASSWORD, address="192.0.2.1", agent="", created_at=old),
    )
    page = people.sasha.get("/admin/")
    assert page.title == "Сводка"
    assert "занято: 0, заблокировано: 1" in page.text
    assert tile(page, "Отказов во входе") == ["Отказов во входе", "1", "за 24 часа"]


def test_every_chart_says_in_words_what_it_shows(people: People) -> None:
    fill(people)
    page = people.sasha.get("/admin/")
    charts = page.tree.xpath("//main//*[local-name()='svg'][@role='img']")
    assert len(charts) == 4
    assert all("30 дней" in chart.get("aria-label") or "Больше всего" in chart.get("aria-label") for chart in charts)
    assert len(page.tree.xpath("//main//details//table")) == 4
    assert not page.tree.xpath("//main//*[@style]")


def test_support_is_told_what_wants_attention(people: People) -> None:
    letter = {"recipient": "a@b.example", "kind": "test", "subject": "x", "text": "x", "next_at": clock.now()}
    keep(MailMessage(state=MailState.FAILED, **letter))
    page = people.sasha.get("/admin/")
    assert page.link("Письма не доставлены") == "/admin/mail/?state=failed"
    assert page.link("Свободных номеров не осталось")


def test_a_customer_whose_balance_is_off_is_named_with_a_link(people: People) -> None:
    with unit_of_work(Scope.system("test")) as session:
        session.get_one(Customer, people.customer_id).balance += Decimal("0.01")
    page = people.sasha.get("/admin/")
    assert page.link("Баланс не сходится") == "/admin/ledger/"
    assert page.link("ООО «Ромашка»") == f"/admin/clients/details/?id={people.customer_id}"


@pytest.mark.parametrize("url", sorted(url for _words, url, _permission in CONCERNS.values()))
def test_every_list_that_wants_attention_opens_filtered(people: People, url: str) -> None:
    page = people.sasha.get(url)
    assert ("?" in url) == bool(page.tree.xpath("//*[contains(., 'Фильтры (1)')]"))


@pytest.mark.parametrize("name", ["olga", "kolya", "vera"])
def test_the_summary_of_support_is_closed_to_customers(people: People, name: str) -> None:
    people.browser(name).get("/admin/", status=403)
