"""The form of a campaign: its days, its hours, its tries; and the limits that support sets for a customer."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from callcab.config import Settings
from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.models import Campaign, Customer, MachineAction
from callcab.providers import telephony
from callcab.providers.telephony.base import Step
from callcab.providers.telephony.simulator import Simulator
from callcab.scope import Scope
from tests.client import Page
from tests.people import People

SYSTEM = Scope.system("test")


def sent(people: People, **values: object) -> Page:
    form = people.olga.get("/cabinet/campaigns/new/").form(has="prompt")
    return form.submit(**{"name": "Обзвон", "contacts": "8 925 394-45-01", **values})


def the_campaign() -> Campaign:
    with unit_of_work(SYSTEM) as session:
        return session.scalars(sa.select(Campaign)).one()


def test_untouched_the_form_calls_every_day_in_lawful_hours(people: People) -> None:
    page = sent(people)
    assert page.title == "Обзвон"
    made = the_campaign()
    assert (made.days, made.starts_at, made.last_day, made.machine_action) == (
        "1234567",
        None,
        None,
        MachineAction.PLAY,
    )
    assert (made.quiet_until.hour, made.quiet_from.hour) == (9, 20)
    assert made.retries["busy"] == {"minutes": 10, "tries": 4}


def test_a_schedule_is_kept_and_shown(people: People) -> None:
    day = clock.now().date() + timedelta(days=3)
    page = sent(
        people,
        days=["1", "5"],
        start_day=f"{day:%d.%m.%Y}",
        start_time="11:30",
        last_day=f"{day + timedelta(days=4):%d.%m.%Y}",
        calls_per_second="2",
        machine="later",
        retry_no_answer_minutes="90",
        retry_no_answer_tries="1",
        retry_busy_tries="0",
    )
    made = the_campaign()
    assert (made.days, made.calls_per_second) == ("15", 2)
    assert made.starts_at == datetime(day.year, day.month, day.day, 8, 30, tzinfo=UTC)
    for words in ("пн, пт", "позвонить позже", "не перезванивать", "90", f"{day:%d.%m.%Y} (11:30:00)"):
        assert words in page.text


class Plain(Simulator):
    """A telephony that only plays and hears, as a SIP account without a PBX does."""

    def unsupported(self, scenario: Sequence[Step], *, detect_machine: bool = False) -> list[str]:
        return ["machine"] if detect_machine else []


@pytest.fixture
def plain_telephony(settings: Settings) -> Iterator[None]:
    former = telephony.provider()
    telephony.use(Plain(str(settings.redis_url)))
    yield
    telephony.use(former)


def test_a_telephony_that_knows_no_machines_offers_none_and_says_so(people: People, plain_telephony: None) -> None:
    page = people.olga.get("/cabinet/campaigns/new/")
    assert "не узнаёт автоответчики" in page.text
    assert "позвонить позже" not in page.text
    assert "Выберите значение из списка." in people.olga.post("/cabinet/campaigns/new/", machine="later").text
    sent(people)
    assert the_campaign().machine_action is MachineAction.PLAY


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"days": []}, "хотя бы один день"),
        ({"start_day": "завтра"}, "Введите дату так"),
        ({"start_day": "07.05.2026", "start_time": "25:00"}, "Введите время так"),
        ({"last_day": "07.05.2024"}, "раньше начала"),
        ({"retry_busy_minutes": "1"}, "от 10 до"),
        ({"calls_per_second": "много"}, "целое число"),
    ],
)
def test_a_wrong_schedule_is_explained_beside_its_field(
    people: People, values: dict[str, object], sentence: str
) -> None:
    page = sent(people, **values)
    assert page.status == 422
    assert sentence in page.text
    assert page.tree.xpath("string(//textarea[@name='contacts'])").strip() == "8 925 394-45-01"


def test_support_limits_the_lines_of_a_customer(people: People) -> None:
    lida = people.lida
    form = lida.get(f"/admin/clients/edit/?id={people.customer_id}").form(has="zone")
    assert form.submit(lines="много").status == 422
    form.submit(lines="3", calls_per_second="")
    with unit_of_work(SYSTEM) as session:
        row = session.get_one(Customer, people.customer_id)
        assert (row.lines, row.calls_per_second) == (3, None)
    assert "не больше 3" in sent(people, lines="4").text
