"""The page of a campaign: live progress, charts, a copy, a test call to oneself, a line for each contact."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import operation as jobs
from callcab.lib import clock
from callcab.models import (
    Call,
    CallState,
    Campaign,
    CampaignState,
    Contact,
    ContactState,
    NumberKind,
    NumberState,
    Operation,
    Outcome,
    PhoneNumber,
    Purpose,
)
from callcab.scope import Scope
from tests.people import People

SYSTEM = Scope.system("test")


def held(people: People, state: CampaignState = CampaignState.RUNNING) -> int:
    """A campaign with one contact who listened, one on a blacklist, one to come."""
    now = clock.now()
    with unit_of_work(SYSTEM) as session:
        row = Campaign(
            customer_id=people.customer_id,
            name="Опрос",
            purpose=Purpose.SERVICE,
            prompt="Да",
            state=state,
            contacts_total=3,
            contacts_done=2,
            finished_at=now if state is CampaignState.FINISHED else None,
        )
        session.add(row)
        session.flush()
        for place, (fate, outcome) in enumerate(
            (
                (ContactState.DONE, "completed"),
                (ContactState.REFUSED, "blacklist.own"),
                (ContactState.NEW, None),
            )
        ):
            contact = Contact(
                campaign_id=row.id,
                customer_id=people.customer_id,
                phone=79253944501 + place,
                state=fate,
                outcome=outcome,
                attempts=1 if place == 0 else 0,
                next_at=now,
            )
            session.add(contact)
            session.flush()
            if fate is ContactState.NEW:
                continue
            session.add(
                Call(
                    campaign_id=row.id,
                    contact_id=contact.id,
                    customer_id=people.customer_id,
                    attempt=1,
                    phone=contact.phone,
                    state=CallState.FINISHED if place == 0 else CallState.REFUSED,
                    outcome=Outcome.COMPLETED if place == 0 else Outcome.REQUEST_REFUSED,
                    digits="1" if place == 0 else "",
                    seconds=12 if place == 0 else 0,
                    decision=[],
                    ended_at=now,
                    deadline_at=now,
                    created_at=now - timedelta(days=1),
                )
            )
        return row.id


def test_the_page_shows_how_it_goes_and_listens_for_more(people: People) -> None:
    page = people.olga.get(f"/cabinet/campaigns/details/?id={held(people)}")
    assert page.tree.xpath("//*[contains(@sse-connect, '/cabinet/campaigns/live/')]")
    assert "Исходы" in page.text and "Звонки по дням недели и часам" in page.text
    assert len(page.tree.xpath("//*[local-name()='svg'][@role='img']")) >= 2


def test_a_finished_campaign_says_at_once_that_nothing_moves(people: People) -> None:
    campaign_id = held(people, CampaignState.FINISHED)
    answer = people.olga.get(f"/cabinet/campaigns/live/?id={campaign_id}")
    assert "event: end" in answer.body
    people.stranger.get(f"/cabinet/campaigns/live/?id={campaign_id}", status=404)


def test_each_contact_has_a_line(people: People) -> None:
    campaign_id = held(people)
    olga = people.olga
    page = olga.get(f"/cabinet/campaign-contacts/?campaign={campaign_id}")
    assert "Номер в чёрном списке клиента" in page.text
    assert "Прослушал" in page.text and "Ещё не звонили" in page.text
    assert "+7(925)394-45-01" in olga.get(f"/cabinet/campaign-contacts/?campaign={campaign_id}&search=4501").text
    assert "394-45-0" not in people.stranger.get(f"/cabinet/campaign-contacts/?campaign={campaign_id}").text
    assert "394-45-01" in people.sasha.get(f"/admin/campaign-contacts/?campaign={campaign_id}").text


@pytest.mark.parametrize("side", ["cabinet", "admin"])
def test_the_page_leads_to_its_calls_and_to_the_line_of_each_contact(people: People, side: str) -> None:
    person = people.olga if side == "cabinet" else people.sasha
    page = person.get(f"/{side}/campaigns/details/?id={held(people)}")
    targets = page.tree.xpath("//main//a[contains(@href, '/?campaign=')]/@href")
    assert len(targets) == 2
    assert all("Всего найдено: " in person.get(target).text for target in targets)


def test_the_lines_are_taken_away(people: People) -> None:
    campaign_id = held(people)
    olga = people.olga
    olga.get(f"/cabinet/campaign-contacts/?campaign={campaign_id}")
    olga.post(f"/cabinet/campaign-contacts/export/?campaign={campaign_id}")
    with unit_of_work(SYSTEM) as session:
        made = session.scalars(sa.select(Operation)).one()
        assert (made.name, made.total) == ("campaign_contact.export", 3)
    jobs.run(made.id)
    text = olga.get(f"/cabinet/jobs/download/?id={made.id}").response.get_data().decode("utf-8-sig")
    lines = [line.split(";") for line in text.splitlines()]
    assert lines[1][:7] == ["+7(925)394-45-01", "Обзвонен", "Прослушал", "", "1", "1", "12"]
    assert lines[2][:4] == ["+7(925)394-45-02", "Не звонили", "Не звонили", "Номер в чёрном списке клиента."]
    assert lines[3][:3] == ["+7(925)394-45-03", "Ещё не звонили", ""]


def test_a_campaign_is_copied_with_one_press(people: People) -> None:
    campaign_id = held(people)
    page = (
        people.olga.get(f"/cabinet/campaigns/details/?id={campaign_id}").form(to="/cabinet/campaigns/clone/").submit()
    )
    assert page.title == "Опрос (копия)"
    assert "Черновик" in page.text
    assert people.stranger.post("/cabinet/campaigns/clone/", id=str(campaign_id)).status == 404
    assert people.browser("vera").post("/cabinet/campaigns/clone/", id=str(campaign_id)).status == 403


def test_the_owner_hears_the_scenario_on_his_own_telephone(people: People) -> None:
    campaign_id = held(people)
    with unit_of_work(SYSTEM) as session:
        session.add(
            PhoneNumber(
                phone=79161112233,
                kind=NumberKind.PERSONAL,
                state=NumberState.VERIFIED,
                customer_id=people.customer_id,
            )
        )
    olga = people.olga
    page = olga.get(f"/cabinet/campaigns/details/?id={campaign_id}").form(to="/cabinet/campaigns/test/").submit()
    assert "Сейчас позвоним" in page.text
    rows = olga.get("/cabinet/campaigns/?test=yes").rows()
    assert len(rows) == 1 and "Проба: Опрос" in " ".join(rows[0])
    assert "Проба" not in " ".join(" ".join(row) for row in olga.get("/cabinet/campaigns/?test=no").rows())
    refused = olga.post("/cabinet/campaigns/test/", id=str(campaign_id), number_id="999")
    assert "Такого номера" in refused.text or "номер" in refused.alerts.lower()


def test_a_list_narrowed_to_a_campaign_says_its_name_and_keeps_it_in_the_field(people: People) -> None:
    campaign_id = held(people)
    page = people.olga.get(f"/cabinet/calls/?campaign={campaign_id}")
    assert f"Рассылка: {campaign_id} · Опрос" in page.text
    assert page.tree.xpath("string(//input[@id='f-campaign']/@value)") == f"{campaign_id} · Опрос"


def test_the_name_of_another_customers_campaign_is_told_to_nobody_else(people: People) -> None:
    campaign_id = held(people)
    page = people.stranger.get(f"/cabinet/calls/?campaign={campaign_id}")
    assert f"Рассылка: {campaign_id}" in page.text
    assert "Опрос" not in page.text


def test_tries_of_an_outcome_are_never_said_to_be_more_than_the_campaign_allows(people: People) -> None:
    campaign_id = held(people)
    with unit_of_work(SYSTEM) as session:
        session.get_one(Campaign, campaign_id).max_attempts = 2
    said = people.olga.get(f"/cabinet/campaigns/details/?id={campaign_id}").text
    assert "ещё 1 попытка" in said
    assert "ещё попыток" not in said
