"""A cell changed from its list: a page with one field, and the same in place for scripts."""

import pytest

from callcab.db import unit_of_work
from callcab.models import BlacklistEntry, BlacklistSource, Customer, IpRule
from callcab.scope import Scope
from tests import factories
from tests.people import People

SYSTEM = Scope.system("test")


@pytest.fixture
def rule_id(people: People) -> int:
    with unit_of_work(SYSTEM) as session:
        return factories.add(session, IpRule(customer_id=people.customer_id, network="127.0.0.0/8", note="офис")).id


def test_a_comment_is_changed_without_scripts_and_leads_back_to_the_list(people: People, rule_id: int) -> None:
    olga = people.olga
    page = olga.get(olga.get("/cabinet/ip/").link("Комментарий"))
    form = page.form(has="value")
    assert form.values["value"] == "офис"
    assert "склад" in form.submit(value="склад").text


def test_the_second_saver_sees_both_values_and_chooses(people: People, rule_id: int) -> None:
    address = f"/cabinet/ip/cell/?field=note&id={rule_id}"
    mine, theirs = people.olga.get(address).form(has="value"), people.olga.get(address).form(has="value")
    theirs.submit(value="склад")
    both = mine.submit(value="дом")
    assert both.status == 409
    assert "Сейчас сохранено: склад" in both.text
    form = both.form(has="value")
    assert form.values["value"] == "дом"
    form.submit()
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(IpRule, rule_id).note == "дом"


def test_a_script_gets_the_new_cell_alone(people: People, rule_id: int) -> None:
    olga = people.olga
    values = {"value": "<b>склад</b>", "seen": "офис", "csrf_token": olga.token()}
    answer = olga.send(f"/cabinet/ip/cell/?field=note&id={rule_id}", values, status=200, **{"X-Cell": "1"})
    assert answer.response.headers["X-Saved"] == "1"
    assert answer.body == "&lt;b&gt;склад&lt;/b&gt;"
    emptied = {"value": "", "seen": "<b>склад</b>", "csrf_token": olga.token()}
    answer = olga.send(f"/cabinet/ip/cell/?field=note&id={rule_id}", emptied, **{"X-Cell": "1"})
    assert answer.body == "—"


def test_a_tariff_is_chosen_where_the_column_is_shown(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        other = factories.tariff(session, name="Особый").id
    sasha = people.sasha
    page = sasha.get("/admin/clients/")
    assert "Тариф" not in [node.text_content().strip() for node in page.tree.xpath("//th")]
    page = page.form(to="/admin/clients/look/").submit(column=["tariff"])
    assert page.tree.xpath("//td[@data-edit='tariff']")
    form = sasha.get(f"/admin/clients/cell/?field=tariff&id={people.customer_id}").form(has="value")
    assert "Особый" in form.submit(value=str(other)).text
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(Customer, people.customer_id).tariff_id == other


def test_a_choice_of_all_columns_is_remembered(people: People) -> None:
    sasha = people.sasha
    form = sasha.get("/admin/clients/").form(to="/admin/clients/look/")
    everything = [node.get("value") for node in form.element.xpath(".//input[@name='column']")]
    form.submit(column=everything)
    assert sasha.get("/admin/clients/").tree.xpath("//td[@data-edit='tariff']")


def test_a_number_s_note_is_changed_from_its_page(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        number_id = factories.number(session).id
    sasha = people.sasha
    page = sasha.get(sasha.get(f"/admin/numbers/details/?id={number_id}").link("Изменить"))
    page.form(has="value").submit(value="жалуются")
    assert "жалуются" in sasha.get(f"/admin/numbers/details/?id={number_id}").text


def test_what_may_not_be_changed_has_no_door(people: People, rule_id: int) -> None:
    people.kolya.get(f"/cabinet/ip/cell/?field=note&id={rule_id}", status=403)
    people.olga.get(f"/cabinet/ip/cell/?field=network&id={rule_id}", status=404)
    people.stranger.get(f"/cabinet/ip/cell/?field=note&id={rule_id}", status=404)
    people.olga.get("/cabinet/blacklist/cell/?field=phone&id=1", status=404)


def test_reasons_are_changed_one_by_one_and_together(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        made = [
            BlacklistEntry(customer_id=people.customer_id, phone=79250000001 + place, source=BlacklistSource.HAND)
            for place in range(2)
        ]
        ids = [factories.add(session, row).id for row in made]
    olga = people.olga
    olga.get(f"/cabinet/blacklist/cell/?field=reason&id={ids[0]}").form(has="value").submit(value="жалоба")
    assert "жалоба" in olga.get("/cabinet/blacklist/").text
    values = {"action": "reason", "id": [str(item) for item in ids], "csrf_token": olga.token()}
    asked = olga.send("/cabinet/blacklist/action/", values)
    page = asked.form(has="confirmed").submit(reason="отказ")
    assert page.text.count("отказ") == 2


def test_the_form_and_the_cell_name_who_looks_after_a_customer(people: People) -> None:
    sasha = people.sasha
    form = sasha.get(f"/admin/clients/edit/?id={people.customer_id}").form(has="manager_id")
    (choice,) = [node.get("value") for node in form.element.xpath(".//option") if node.text == "Лида Старшая"]
    assert "Лида Старшая" in form.submit(manager_id=choice).text
    cell = sasha.get(f"/admin/clients/cell/?field=manager&id={people.customer_id}").form(has="value")
    assert cell.values["value"] == choice
    cell.submit(value="")
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(Customer, people.customer_id).manager_id is None
