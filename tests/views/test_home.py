"""First pages of both sides, and the figures behind them."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.models import Account, EntryKind, MailMessage, MailState, NumberState
from callcab.scope import Scope
from callcab.services import dashboard, ledger
from callcab.views.home import CONCERNS
from tests import factories
from tests.people import People


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


def test_the_cabinet_tells_for_how_many_days_the_money_lasts(people: People) -> None:
    spend(people.customer_id, "-280.00", "a")
    text = people.olga.get("/cabinet/").text
    assert "720,00 ₽" in text
    assert "хватит на 36 дней" in text
    assert "280,00 ₽" in text


def test_spending_of_another_customer_is_not_counted(people: People) -> None:
    spend(people.other_id, "-280.00", "b")
    text = people.olga.get("/cabinet/").text
    assert "1 000,00 ₽" in text
    assert "расходов за две недели не было" in text
    assert "280,00" not in text


def test_a_new_customer_is_led_through_the_first_steps(people: People) -> None:
    page = people.olga.get("/cabinet/")
    assert page.link("Создайте исходящий номер") == "/cabinet/numbers/new/"
    assert len(page.tree.xpath("//svg")) >= 2


def test_support_sees_the_pool_and_four_charts(people: People) -> None:
    with unit_of_work(Scope.system("test")) as session:
        factories.number(session)
        factories.number(session, state=NumberState.BLOCKED)
    page = people.sasha.get("/admin/")
    assert page.title == "Сводка"
    assert "занято: 0, заблокировано: 1" in page.text
    assert len(page.tree.xpath("//main//*[@class='chart']")) == 4


def test_support_is_told_what_wants_attention(people: People) -> None:
    with unit_of_work(Scope.system("test")) as session:
        session.add(
            MailMessage(
                recipient="a@b.example",
                kind="test",
                subject="x",
                text="x",
                state=MailState.FAILED,
                next_at=clock.now(),
            )
        )
    page = people.sasha.get("/admin/")
    assert page.link("Письма не доставлены") == "/admin/mail/?state=failed"
    assert page.link("Свободных номеров не осталось")


def test_every_list_that_wants_attention_opens(people: People) -> None:
    sasha = people.sasha
    for _words, url, _permission in CONCERNS.values():
        assert "ошибка" not in sasha.get(url).alerts


@pytest.mark.parametrize(
    ("available", "spent", "days"), [("100", "0", None), ("100", "1400", 1), ("0", "5", 0), ("-10", "5", 0)]
)
def test_days_left_follow_the_pace(available: str, spent: str, days: int | None) -> None:
    assert dashboard.days_left(Decimal(available), Decimal(spent)) == days


def test_days_without_payments_are_shown_as_empty(connected: sa.Engine) -> None:
    with unit_of_work(Scope.staff()) as session:
        data = dashboard.payments_by_day(session, zone=dashboard.ZoneInfo("Asia/Vladivostok"))
    assert len(data) == dashboard.DAYS
    assert {value for _day, value in data} == {Decimal(0)}
    assert data[-1][0] - data[0][0] == timedelta(days=dashboard.DAYS - 1)
