"""Texts with the callee's own values."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.lib.errors import Invalid
from callcab.models import Campaign, Contact, ContactList, IvrAction
from callcab.providers.telephony.base import Gather, HangUp, Play, Transfer
from callcab.services import call as calls
from callcab.services import campaign as campaigns
from callcab.services import prompt
from callcab.services.campaign import drafting
from tests.services.dialling import FIRST, NOON, SYSTEM, dial, settled


def texts(text: str, **variables: str) -> list[str]:
    return [step.text for step in prompt.spoken([Play(text)], variables) if isinstance(step, Play)]


@pytest.mark.parametrize(
    ("text", "variables", "said"),
    [
        ("Здравствуйте!", {"имя": "Иван"}, ["Здравствуйте!"]),
        ("Здравствуйте, {имя}!", {"имя": "Иван"}, ["Здравствуйте,", "Иван"]),
        ("{Имя}, ваш долг {сумма} рублей.", {"имя": "Иван", "Сумма": "100"}, ["Иван", ", ваш долг", "100", "рублей."]),
        ("Здравствуйте, {имя}! Ждём вас.", {}, ["Здравствуйте,", "! Ждём вас."]),
        ("{имя}", {"имя": "я" * 500}, ["я" * 100]),
        ("{имя}", {"имя": "{город}", "город": "Омск"}, ["{город}"]),
    ],
)
def test_each_callee_hears_his_own_values_and_no_braces(text: str, variables: dict[str, str], said: list[str]) -> None:
    assert texts(text, **variables) == said


def test_values_reach_every_part_of_a_menu_and_leave_sounds_alone() -> None:
    def menu(name: str) -> Gather:
        said = (Play(name),)
        return Gather(
            prompt=(Play("{имя}", "/sound.wav"), Play(name)),
            branches={"1": (Play(name), Transfer("+79250000001"))},
            otherwise=(Play(name), HangUp()),
            tries=2,
            unheard=said,
            unknown=said,
        )

    assert prompt.spoken([menu("{имя}")], {"имя": "Иван"}) == (menu("Иван"),)


def test_an_unknown_variable_is_refused_with_the_names_that_there_are() -> None:
    prompt.check([("prompt", "{ИМЯ} { город }")], ["имя", "Город"])
    with pytest.raises(Invalid) as refusal:
        prompt.check([("prompt", "{имя}"), ("rule_1_prompt", "{дата}")], ["имя", "город"])
    assert (refusal.value.code, refusal.value.field) == ("campaign.unknown_variable", "rule_1_prompt")
    assert refusal.value.params == {"name": "дата", "known": "имя, город"}


def test_only_what_all_contacts_have_may_be_said() -> None:
    first, second = ContactList(variables=["имя", "город"]), ContactList(variables=["город"])
    empty = drafting.ListReading((), 0, (), 0, 2)
    one = replace(empty, lists=(first,))
    assert drafting._variables(one) == ["имя", "город"]
    assert drafting._variables(replace(empty, lists=(first, second))) == ["город"]
    assert drafting._variables(replace(one, phones=(FIRST,))) == []


@pytest.mark.usefixtures("connected")
def test_pasted_numbers_have_no_variables() -> None:
    with pytest.raises(Invalid) as refusal:
        settled(rules=(campaigns.Rule("1", IvrAction.PLAY, "Спасибо, {имя}."),))
    assert (refusal.value.code, refusal.value.field) == ("campaign.no_variables", "rule_1_prompt")


@pytest.mark.usefixtures("connected")
def test_the_telephony_gets_the_text_with_the_values_of_the_contact() -> None:
    _, campaign_id = settled(rules=())
    (call_id,) = dial(campaign_id)
    with unit_of_work(SYSTEM) as session:
        campaign = session.get_one(Campaign, campaign_id)
        campaign.prompt = "Здравствуйте, {имя}!"
        session.scalars(sa.select(Contact)).one().variables = {"Имя": "Иван"}
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        (request,) = calls.placements(session, [call_id])
    assert request.scenario == (Play("Здравствуйте,"), Play("Иван"), HangUp())
