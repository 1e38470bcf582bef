"""The voice menu in a campaign's form and on its page, and the requests to be called back that it leaves."""

import pytest

from callcab.db import unit_of_work
from callcab.models import NumberKind, NumberState
from callcab.scope import Scope
from tests import factories, world
from tests.people import People

SYSTEM = Scope.system("test")


def menu_form(**values: str) -> dict[str, str | list[str]]:
    """A campaign as its form sends it."""
    return {
        "name": "Меню",
        "purpose": "information",
        "prompt": "Здравствуйте!",
        "contacts": "8 925 394-45-01",
        "calls_from": "09:00",
        "calls_until": "20:00",
        "days": list("1234567"),
        "lines": "2",
        "max_attempts": "2",
        "own_number_id": "",
        "rule_9": "",
        **values,
    }


def test_a_menu_is_drawn_up_and_shown_as_a_table(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        values = {"kind": NumberKind.PERSONAL, "state": NumberState.VERIFIED, "customer_id": people.customer_id}
        typed = str(factories.number(session, **values).phone)
    olga = people.olga
    olga.get("/cabinet/campaigns/new/")
    form = menu_form(
        **{
            "rule_1": "transfer",
            "rule_1_transfer": typed,
            "rule_2": "callback",
            "rule_#": "play",
            "rule_#_prompt": "До встречи!",
            "menu_tries": "3",
            "unheard": "Не слышу вас.",
        }
    )
    olga.post("/cabinet/campaigns/new/", **form)
    page = olga.get("/cabinet/campaigns/details/?id=1")
    for words in ("Соединить с моим номером: +7(", "Записать заявку на звонок", "До встречи!", "Не слышу вас."):
        assert words in page.text


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"rule_1": "transfer"}, "Выберите свой подтверждённый номер."),
        ({"rule_1": "transfer", "rule_1_transfer": "79995550123"}, "Выберите значение из списка."),
        ({"rule_*": "play"}, "Заполните это поле."),
        ({"menu_tries": "4"}, "Выберите значение из списка."),
        ({"rule_1": "play", "rule_1_prompt": "я" * 1001}, "не больше 1000 знаков"),
    ],
)
def test_a_wrong_menu_is_explained_beside_its_field(people: People, values: dict[str, str], sentence: str) -> None:
    people.olga.get("/cabinet/campaigns/new/")
    page = people.olga.post("/cabinet/campaigns/new/", **menu_form(**values))
    assert page.status == 422
    assert sentence in " ".join(page.tree.xpath("//*[@class='field-error']//text()"))
    assert page.tree.xpath("string(//input[@name='name']/@value)") == "Меню"


def test_a_request_to_be_called_back_is_seen_to_on_its_page(people: People) -> None:
    world.fill(people)
    olga = people.olga
    page = olga.get("/cabinet/callbacks/")
    assert "Всего найдено: 1" in page.text
    assert "Новая" in page.text
    olga.post("/cabinet/callbacks/action/", one="done:1", confirmed="1")
    assert "Всего найдено: 0" in olga.get("/cabinet/callbacks/?state=new").text
    page = olga.get("/cabinet/callbacks/?state=done")
    assert "Обработана" in page.text
    assert "Просил перезвонить" in olga.get("/cabinet/calls/details/?id=1").text
    olga.post("/cabinet/callbacks/action/", one="reopen:1", confirmed="1")
    assert "Всего найдено: 1" in olga.get("/cabinet/callbacks/?state=new").text
    assert "Всего найдено: 2" in people.sasha.get("/admin/callbacks/").text


def test_who_may_only_look_cannot_see_to_a_request(people: People) -> None:
    world.fill(people)
    vera = people.browser("vera")
    assert "Всего найдено: 1" in vera.get("/cabinet/callbacks/").text
    vera.post("/cabinet/callbacks/action/", status=None, one="done:1", confirmed="1")
    assert "Всего найдено: 1" in vera.get("/cabinet/callbacks/?state=new").text


def test_requests_to_be_called_back_are_downloaded(people: People) -> None:
    answer = people.olga.post("/cabinet/callbacks/export/", follow=False)
    assert answer.status == 303
