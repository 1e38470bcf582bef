"""Labels of callers on the pages of support and of the customer."""

import pytest

from callcab.db import unit_of_work
from callcab.models import Customer, NumberKind, NumberState
from callcab.scope import Scope
from tests import factories
from tests.client import Page
from tests.people import People

SYSTEM = Scope.system("test")
ROMASHKA = {"label_name": "ООО «Ромашка»", "label_category": "Доставка", "label_text": "Ромашка: доставка"}
SHOWN = "Ромашка: доставка (ООО «Ромашка»; Доставка)"


def edit(people: People, status: int | None = 200, **values: str) -> Page:
    page = people.sasha.get(f"/admin/clients/edit/?id={people.customer_id}")
    return page.form(has="label_text").submit(**values, status=status)


def own_number(people: People) -> int:
    with unit_of_work(SYSTEM) as session:
        values = {"kind": NumberKind.PERSONAL, "state": NumberState.VERIFIED, "customer_id": people.customer_id}
        return int(factories.number(session, **values).id)


def test_support_labels_a_customer_and_his_numbers_say_so_to_both(people: People) -> None:
    number_id = own_number(people)
    assert SHOWN in edit(people, **ROMASHKA).text
    assert SHOWN in people.sasha.get(f"/admin/numbers/details/?id={number_id}").text
    assert SHOWN in people.olga.get(f"/cabinet/numbers/details/?id={number_id}").text
    assert "Текст маркировки" in people.olga.get("/cabinet/audit/").text


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"label_text": "Ромашка"}, "Маркировка бывает только целой"),
        ({**ROMASHKA, "label_text": 'ООО "Ромашка"'}, "Прямые кавычки"),
        ({**ROMASHKA, "label_text": "я" * 33}, "32"),
    ],
)
def test_a_wrong_label_is_explained_and_stays_in_the_form(
    people: People, values: dict[str, str], sentence: str
) -> None:
    page = edit(people, status=422, **values)
    assert sentence in page.text
    assert page.form(has="label_text").values["label_text"] == values["label_text"]
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(Customer, people.customer_id).label_text == ""


def test_a_personal_number_gets_a_label_of_its_own(people: People) -> None:
    number_id, sasha = own_number(people), people.sasha
    edit(people, **ROMASHKA)
    question = sasha.get("/admin/numbers/").form(has="expect").submit(one=f"label:{number_id}")
    own = {"label_name": "ИП Ветрова О. А.", "label_category": "Услуги", "label_text": "Ветрова, студия"}
    assert "Маркировка сохранена." in question.form(has="confirmed").submit(**own).text
    page = people.olga.get(f"/cabinet/numbers/details/?id={number_id}")
    assert "Ветрова, студия (ИП Ветрова О. А.; Услуги)" in page.text
    assert SHOWN not in page.text


def test_an_incomplete_label_of_a_number_is_explained(people: People) -> None:
    number_id, sasha = own_number(people), people.sasha
    question = sasha.get("/admin/numbers/").form(has="expect").submit(one=f"label:{number_id}")
    page = question.form(has="confirmed").submit(label_text="Ветрова", status=None)
    assert "Маркировка бывает только целой" in page.text
    assert "Изменена маркировка" not in sasha.get(f"/admin/numbers/details/?id={number_id}&tab=log").text
