"""Pages of contact lists: made, filled, looked at, chosen for a campaign."""

from io import BytesIO

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.models import Campaign, Contact, ContactList, ListEntry
from callcab.scope import Scope
from tests.client import Page
from tests.people import People

SYSTEM = Scope.system("test")
TABLE = "Имя;Телефон;Сумма\nИван;8 925 394-45-01;100\nПётр;8 925 394-45-02;200\nНикто;нет;1\n"


def pasted(people: People, numbers: str = "8 925 394-45-01\n8 925 394-45-02", **values: str) -> Page:
    form = people.olga.get("/cabinet/contact-lists/new/").form(has="numbers")
    return form.submit(**{"name": "Покупатели", "way": "hand", "numbers": numbers, **values})


def uploaded(people: People, content: str = TABLE) -> Page:
    form = people.olga.get("/cabinet/contact-lists/new/").form(has="numbers")
    file = (BytesIO(content.encode("cp1251")), "база.csv")
    return form.submit(name="Из файла", way="file", file=file)


def the_list() -> ContactList:
    with unit_of_work(SYSTEM) as session:
        return session.scalars(sa.select(ContactList)).one()


def test_a_pasted_list_is_counted_then_saved(people: People) -> None:
    page = pasted(people)
    assert "Сохранить новые: 2" in page.text
    assert the_list().entries == 0
    page.form(to="/cabinet/jobs/confirm/").submit()
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(ListEntry)) in (0, 2)  # a worker writes them


def test_a_file_shows_its_columns_before_it_is_counted(people: People) -> None:
    page = uploaded(people)
    assert page.title.startswith("Столбцы файла")
    assert page.tree.xpath("string(//input[@name='phone'][@checked]/@value)") == "1"
    assert page.tree.xpath("string(//input[@name='variable_0']/@value)") == "Имя"
    page = page.form(has="variable_0").submit(variable_2="Долг")
    assert "Сохранить новые: 2" in page.text
    assert "строка 4" in page.text
    assert "Скачать отказы" in page.text


def test_a_column_that_no_table_has_is_the_one_that_was_proposed(people: People) -> None:
    page = uploaded(people).form(has="variable_0").submit(phone="9" * 5000)
    assert "Сохранить новые: 2" in page.text


def test_two_columns_of_one_name_are_refused_and_nothing_typed_is_lost(people: People) -> None:
    page = uploaded(people).form(has="variable_0").submit(status=422, variable_0="Сумма", phone="1")
    assert "Два столбца называются «Сумма»" in page.text
    assert page.tree.xpath("string(//input[@name='variable_0']/@value)") == "Сумма"


def test_a_file_that_is_no_table_leaves_no_list_behind(people: People) -> None:
    page = uploaded(people, "\x00\x01\x02")
    assert page.status == 422
    assert "не таблица" in page.text
    assert page.tree.xpath("string(//input[@name='name']/@value)") == "Из файла"
    with unit_of_work(SYSTEM) as session:
        assert session.scalars(sa.select(ContactList)).all() == []


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"numbers": ""}, "хотя бы один номер"),
        ({"name": ""}, "Заполните это поле"),
        ({"consent_source": "Анкета на сайте"}, "когда получено согласие"),
        ({"consent_on": "вчера"}, "Введите дату так"),
    ],
)
def test_a_slip_is_explained_beside_what_was_typed(people: People, values: dict[str, str], sentence: str) -> None:
    page = pasted(people, **values)
    assert page.status == 422
    assert sentence in page.text


def filled(people: People) -> ContactList:
    """A list with two numbers, written as a worker would."""
    with unit_of_work(Scope.system("test")) as session:
        row = ContactList(customer_id=people.customer_id, name="Клиенты", variables=["Имя"], entries=2)
        session.add(row)
        session.flush()
        for phone in (79253944501, 79253944502):
            values = {"Имя": f"Человек {phone % 10}"}
            session.add(
                ListEntry(customer_id=people.customer_id, contact_list_id=row.id, phone=phone, variables=values)
            )
        return row


def test_a_list_has_a_page_and_its_numbers_another(people: People) -> None:
    row = filled(people)
    olga = people.olga
    assert olga.get("/cabinet/contact-lists/").rows()[0][2:4] == ["Клиенты", "2"]
    page = olga.get(f"/cabinet/contact-lists/details/?id={row.id}")
    assert "Не указано" not in page.text and page.title == "Клиенты"
    numbers = olga.get(f"/cabinet/list-entries/?list={row.id}&search=4502")
    assert "+7(925)394-45-02" in numbers.text and "394-45-01" not in numbers.text
    assert "Имя: Человек 2" in numbers.text


def test_a_list_is_renamed(people: People) -> None:
    row = filled(people)
    form = people.olga.get(f"/cabinet/contact-lists/edit/?id={row.id}").form(has="consent_source")
    form.submit(name="Постоянные", consent_source="Журнал согласий № 14", consent_on="07.05.2026")
    saved = the_list()
    assert (saved.name, str(saved.consent_on)) == ("Постоянные", "2026-05-07")
    form = people.olga.get(f"/cabinet/contact-lists/edit/?id={row.id}").form(has="consent_source")
    page = form.submit(consent_on="32.05.2026")
    assert "07.05.2024" in page.text


def test_more_numbers_go_into_the_same_list(people: People) -> None:
    row = filled(people)
    form = people.olga.get(f"/cabinet/contact-lists/add/?id={row.id}").form(has="numbers")
    assert form.submit(way="hand", numbers="").status == 422
    page = form.submit(way="clipboard", numbers="8 925 394-45-01\n8 925 394-45-09")
    assert "Сохранить новые: 1" in page.text and "уже было: 1" in page.text


def test_a_list_becomes_a_campaign(people: People) -> None:
    row = filled(people)
    olga = people.olga
    page = olga.get(f"/cabinet/campaigns/new/?list={row.id}")
    assert page.tree.xpath("//input[@name='lists'][@checked]")
    checked = page.form(has="prompt").submit(contacts="8 925 394-45-01", check="1")
    assert "Подходит номеров: 2" in checked.text and "повторов: 1" in checked.text
    made = page.form(has="prompt").submit(name="Обзвон")
    assert "Клиенты (2)" in made.text
    with unit_of_work(SYSTEM) as session:
        campaign = session.scalars(sa.select(Campaign)).one()
        assert campaign.contacts_total == 2
        assert session.scalars(sa.select(Contact.phone).order_by(Contact.id)).all() == [79253944501, 79253944502]


def test_support_reads_lists_and_changes_none(people: People) -> None:
    row = filled(people)
    sasha = people.sasha
    assert "ООО «Ромашка»" in sasha.get("/admin/contact-lists/").text
    assert "Клиенты" in sasha.get(f"/admin/contact-lists/details/?id={row.id}").text
    assert "+7(925)394-45-01" in sasha.get(f"/admin/list-entries/?list={row.id}").text
    sasha.get("/admin/contact-lists/new/", status=404)


def test_a_stranger_finds_neither_list_nor_file(people: People) -> None:
    uploaded(people)
    row = the_list()
    stranger = people.stranger
    for address in ("details/?", "add/?", "edit/?", "columns/?file=1&"):
        stranger.get(f"/cabinet/contact-lists/{address}id={row.id}", status=404)
    people.olga.get(f"/cabinet/contact-lists/columns/?id={row.id}&file=999", status=404)


def test_a_viewer_looks_and_touches_nothing(people: People) -> None:
    filled(people)
    vera = people.browser("vera")
    assert "Клиенты" in vera.get("/cabinet/contact-lists/").text
    vera.get("/cabinet/contact-lists/new/", status=403)
