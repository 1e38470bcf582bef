"""Pages of the blacklist, as their users go through them."""

import io
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from callcab.config import Settings
from callcab.db import unit_of_work
from callcab.jobs import worker
from callcab.lib import clock
from callcab.models import AuditEvent, BlacklistEntry, User
from callcab.scope import Actor, Scope
from callcab.services import blacklist
from callcab.services.decision import NEVER, decide
from tests.client import Browser, Page
from tests.people import People

LIST = "/cabinet/blacklist/"


def put(customer_id: int | None, *numbers: int) -> None:
    with unit_of_work(Scope.system("test")) as session:
        blacklist.add_many(
            session, customer_id, numbers, source=blacklist.BlacklistSource.HAND, actor=Actor.system("test")
        )


def stored(customer_id: int | None) -> set[int]:
    with unit_of_work(Scope.system("test")) as session:
        where = BlacklistEntry.customer_id.is_(None) if customer_id is None else None
        where = BlacklistEntry.customer_id == customer_id if where is None else where
        return set(session.scalars(sa.select(BlacklistEntry.phone).where(where)))


def add_text(browser: Browser, text: str, *, url: str = LIST + "new/", **values: str) -> Page:
    form = browser.get(url).form(has="numbers")
    return form.submit(numbers=text, way="hand", **values)


@pytest.fixture
def work(settings: Settings) -> object:
    """Carry out what waits in the queue, by a real worker that stops when there is nothing left."""
    return lambda: worker.run(settings, burst=True)


def test_an_empty_list_says_so_and_offers_the_next_step(people: People) -> None:
    page = people.olga.get(LIST)
    assert page.title == "Чёрный список"
    assert "Всего найдено: 0" in page.text
    assert "Ничего не найдено" in page.text
    assert page.link("Добавить номера").startswith("/cabinet/blacklist/new/")


def test_pasted_numbers_are_previewed_before_anything_is_stored(people: People) -> None:
    page = add_text(people.olga, "8 (925) 394-45-77\nВася +7 925 394 45 78\n89253944577\nпривет\n8 701 123-45-67")
    assert "новых: 2" in page.text
    assert "уже было: 1" in page.text
    assert "отказов: 2" in page.text
    assert "строка 5" in page.text
    assert "другой страны" in page.text
    assert stored(people.customer_id) == set()


def test_confirmed_numbers_are_stored_with_source_author_and_reason(people: People, work) -> None:
    olga = people.olga
    page = add_text(olga, "8 (925) 394-45-77", reason="Просил не звонить")
    page.form(has="expected").submit()
    work()
    assert stored(people.customer_id) == {79253944577}
    row = olga.get(LIST).rows()[0]
    assert "+7(925)394-45-77" in row
    assert "Ручной ввод" in row
    assert "Просил не звонить" in row
    assert "Ольга Владелец" in row


@pytest.mark.parametrize("face", ["cabinet", "admin"])
def test_who_refused_mass_calls_at_his_operator_is_listed_as_such_and_never_called(
    people: People, work, face: str
) -> None:
    url = LIST + "new/" if face == "cabinet" else f"/admin/blacklist/new/?customer={people.customer_id}"
    browser = people.olga if face == "cabinet" else people.sasha
    page = add_text(browser, "8 (925) 394-45-77", url=url, operator="1", reason="список МТС")
    page.form(has="expected").submit()
    work()
    assert "Отказ у оператора" in people.olga.get(LIST + "?source=operator").rows()[0]
    with unit_of_work(Scope.system("test")) as session:
        found = decide(session, customer_id=people.customer_id, phone=79253944577, campaign=None, now=clock.now())
    assert (found.code, found.verdict) == ("blacklist.own", NEVER)
    assert next(item for item in found.stored() if item["rule"] == "own_list")["evidence"]["source"] == "operator"


def test_the_tick_stays_when_the_numbers_are_forgotten(people: People) -> None:
    page = add_text(people.olga, " ", operator="1", status=422)
    assert page.tree.xpath("//input[@name='operator']/@checked")


def test_saving_is_called_saving_and_leads_back_to_the_list(people: People, work) -> None:
    olga = people.olga
    page = add_text(olga, "8 (925) 394-45-77")
    assert "Сохранить новые: 1" in page.text
    assert "Номера проверены, ничего ещё не записано" in page.text
    page.form(has="expected").submit()
    work()
    number = page.form(has="expected").values["id"]
    finished = olga.get(f"/cabinet/jobs/details/?id={number}")
    assert olga.get(finished.link("К чёрному списку")).rows()


def test_a_file_is_read_with_its_header_and_encoding(people: People, work) -> None:
    olga = people.olga
    data = "ФИО;Телефон\r\nИванов;89253944577\r\nПетров;9253944578\r\n".encode("cp1251")
    form = olga.get(LIST + "new/").form(has="numbers")
    page = form.submit(way="file", file=(io.BytesIO(data), "база.csv"))
    assert "новых: 2" in page.text
    page.form(has="expected").submit()
    work()
    assert stored(people.customer_id) == {79253944577, 79253944578}


def test_a_file_that_is_no_list_is_refused_whole_and_the_reason_is_kept(people: People) -> None:
    form = people.olga.get(LIST + "new/").form(has="numbers")
    page = form.submit(way="file", reason="жалоба", file=(io.BytesIO(b"\x7fELF\x00\x01" * 500), "x.csv"), status=422)
    assert "Загрузите CSV, TXT или XLSX" in page.alerts
    assert page.form(has="reason").values["reason"] == "жалоба"


def test_nothing_typed_is_a_sentence(people: People) -> None:
    assert "хотя бы один номер" in add_text(people.olga, "  ").alerts


def test_refused_rows_can_be_fetched_as_a_file(people: People) -> None:
    olga = people.olga
    page = add_text(olga, "12345\n=1+1")
    number = re.search(r"№ (\d+)", page.title)
    assert number
    text = olga.get(f"{LIST}rejected/?id={number[1]}").body
    assert text.startswith("\ufeffСтрока;Номер телефона;Причина\r\n1;12345;")
    assert "'=1+1" in text


def test_refused_rows_of_somebody_else_are_not_found(people: People) -> None:
    page = add_text(people.olga, "12345")
    number = re.search(r"№ (\d+)", page.title)
    assert number
    people.stranger.get(f"{LIST}rejected/?id={number[1]}", status=404)


@pytest.mark.parametrize("typed", ["79253944577", "8 (925) 394-45-77", "394-45", "+7(925)394"])
def test_search_finds_a_number_in_any_spelling(people: People, typed: str) -> None:
    put(people.customer_id, 79253944577, 79991112233)
    page = people.olga.get(LIST, query={"search": typed})
    assert "Всего найдено: 1" in page.text
    assert "+7(925)394-45-77" in page.rows()[0]


@pytest.mark.parametrize("typed", ["%", "_", "вася", "\u0000", "9" * 150])
def test_odd_searches_find_nothing_and_break_nothing(people: People, typed: str) -> None:
    put(people.customer_id, 79253944577)
    assert "+7(925)394-45-77" not in people.olga.get(LIST, query={"search": typed}).text


def test_ticked_numbers_are_deleted_after_a_question_with_the_count(people: People, work) -> None:
    put(people.customer_id, 79253944577, 79253944578, 79253944579)
    olga = people.olga
    form = olga.get(LIST).form(has="expect")
    ids = form.element.xpath(".//input[@name='id']/@value")[:2]
    question = form.submit(action="delete", id=ids)
    assert "Удалить 2 номера из чёрного списка?" in question.text
    question.form(has="confirmed").submit()
    work()
    assert len(stored(people.customer_id)) == 1


def test_all_matching_numbers_are_deleted_and_no_other(people: People, work) -> None:
    put(people.customer_id, *range(79253944000, 79253944060), 79991112233)
    put(people.other_id, *range(79253944000, 79253944060))
    olga = people.olga
    page = olga.get(LIST, query={"search": "925394"})
    question = page.form(has="expect").submit(action="delete", scope="all")
    assert "Удалить 60 номеров из чёрного списка?" in question.text
    question.form(has="confirmed").submit()
    work()
    assert stored(people.customer_id) == {79991112233}
    assert len(stored(people.other_id)) == 60


def test_the_list_is_downloaded_as_a_file_for_excel(people: People, work) -> None:
    put(people.customer_id, 79253944577)
    olga = people.olga
    page = olga.get(LIST).form(to=f"{LIST}export/").submit()
    work()
    page = olga.get(page.url + "?" + page.response.request.query_string.decode())
    body = olga.get(page.link("Скачать")).response.get_data()
    assert body.startswith(b"\xef\xbb\xbf")
    text = body.decode("utf-8-sig")
    assert text.splitlines()[0].startswith("Номер телефона;Источник;Причина;Добавлен;Кто")
    assert text.splitlines()[1].startswith("+7(925)394-45-77;Ручной ввод;")


def test_a_viewer_may_look_but_neither_add_nor_delete(people: People) -> None:
    put(people.customer_id, 79253944577)
    vera = people.browser("vera")
    assert "+7(925)394-45-77" in vera.get(LIST).text
    vera.get(LIST + "new/", status=403)
    vera.post(f"{LIST}action/", action="delete", scope="all", status=403)
    assert stored(people.customer_id) == {79253944577}


def test_the_platform_list_is_for_the_lead_and_is_audited(people: People, work, app: Flask) -> None:
    url = "/admin/blacklist/new/"
    assert "нет права" in add_text(people.sasha, "89253944577", url=url).alerts
    assert "Укажите причину" in add_text(people.lida, "89253944577", url=url).alerts
    page = add_text(people.lida, "89253944577", url=url, reason="решение суда")
    page.form(has="expected").submit()
    work()
    assert stored(None) == {79253944577}
    assert "Платформа" in people.lida.get("/admin/blacklist/").rows()[0]
    with unit_of_work(Scope.system("test")) as session:
        actions = session.scalars(sa.select(AuditEvent.action).where(AuditEvent.actor_name == "Лида Старшая")).all()
    assert actions


def test_an_agent_may_not_confirm_the_platform_numbers_that_a_lead_prepared(people: People, work) -> None:
    form = add_text(people.lida, "89253944577", url="/admin/blacklist/new/", reason="суд").form(has="expected")
    number = form.values["id"]
    page = people.sasha.get(f"/admin/jobs/details/?id={number}")
    assert not page.tree.xpath("//form[@action='/admin/jobs/confirm/']")
    people.sasha.post("/admin/jobs/confirm/", id=number, expected="1", status=403)
    work()
    assert stored(None) == set()
    form.submit()
    work()
    assert stored(None) == {79253944577}


def test_a_file_larger_than_other_forms_gets_through(people: People) -> None:
    line = b"8 (925) 394-45-77;" + b"x" * 1000 + b"\r\n"
    data = io.BytesIO(b"phone;note\r\n" + line * 11_000)
    page = people.olga.get(LIST + "new/").form(has="numbers").submit(way="file", file=(data, "big.csv"))
    assert "Проверяем файл" in page.text


def test_a_long_paste_gets_through(people: People) -> None:
    text = "\n".join(f"+7925{number:07d}" for number in range(60_000))
    assert "Проверяем файл" in add_text(people.olga, text).text


def test_what_support_adds_is_shown_without_the_name(people: People) -> None:
    with unit_of_work(Scope.staff()) as session:
        person = session.scalar(sa.select(User).where(User.name == "Саша Агент"))
        staff = Actor(person.name, person.role, person.id)
        blacklist.add(
            session,
            customer_id=people.customer_id,
            text="89253944577",
            source=blacklist.BlacklistSource.HAND,
            actor=staff,
        )
    page = people.olga.get(LIST)
    assert "Поддержка" in page.rows()[0]
    assert "Саша" not in page.body
    assert "Саша Агент" in people.lida.get("/admin/blacklist/").rows()[0]


def test_an_agent_deletes_for_customers_but_not_for_the_platform(people: People, work) -> None:
    put(None, 79253944577)
    put(people.customer_id, 79253944577)
    sasha = people.sasha
    page = sasha.get("/admin/blacklist/")
    question = page.form(has="expect").submit(action="delete", scope="all")
    question = question.form(has="confirmed").submit(reason="")
    assert "Укажите причину" in question.text
    question.form(has="confirmed").submit(reason="ошибка")
    work()
    assert stored(None) == {79253944577}
    assert stored(people.customer_id) == set()
    assert "Номера удалены из чёрного списка" in people.olga.get("/cabinet/audit/?section=blacklist").text


def test_a_number_whose_entry_has_expired_can_be_added_again(people: People) -> None:
    put(people.customer_id, 79253944577, 79253944578)
    hour = timedelta(hours=1)
    with unit_of_work(Scope.system("test")) as session:
        session.execute(sa.update(BlacklistEntry).values(expires_at=clock.now() - hour))
        assert blacklist.blocking(session, people.customer_id, 79253944577, clock.now()) is None
        added = blacklist.add_many(
            session,
            people.customer_id,
            [79253944577, 79253944579],
            source=blacklist.BlacklistSource.HAND,
            actor=Actor.system("test"),
        )
        assert added == 2
        assert blacklist.blocking(session, people.customer_id, 79253944577, clock.now()) is not None
        assert blacklist.blocking(session, people.customer_id, 79253944578, clock.now()) is None
