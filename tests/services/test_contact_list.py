"""Lists of contacts: what a file becomes, whose list it is, and what a campaign copies from it."""

from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.lib.errors import Conflict, Invalid, LimitReached, NotFound
from callcab.lib.storage import LocalStorage
from callcab.models import (
    AuditEvent,
    Campaign,
    Contact,
    ContactList,
    ListEntry,
    Operation,
    OperationRow,
    OperationState,
    Purpose,
)
from callcab.scope import Actor, Scope
from callcab.services import campaign as campaigns
from callcab.services import contact_list, listing, operation, stored_file
from callcab.services.contact_list import filling
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
FIRST = 79253944501
CONSENT = {"consent_source": "Анкета на сайте", "consent_on": date(2026, 5, 7)}
TABLE = """Имя;Телефон;Сумма долга;ИНН
Иван;8 925 394-45-01;100,50;7707083893
Пётр;+7(925)394-45-02;;7702070139
Иван ещё раз;79253944501;5;
Без номера;нет;1;
Горячая линия;8 800 555-35-35;2;
"""


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_file, "_storage", LocalStorage(tmp_path / "files"))


@pytest.fixture
def olga(connected: sa.Engine) -> Actor:
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session)
        user = factories.user(session, owner, "owner")
        return Actor(user.name, "owner", user.id, owner.id)


def made(olga: Actor, name: str = "Покупатели", *numbers: int, **values: Any) -> int:
    with unit_of_work(Scope.tenant(olga.customer_id)) as session:
        row = contact_list.create(session, {"name": name, **values}, customer_id=olga.customer_id, actor=olga)
        contact_list.add(session, row, {number: {} for number in numbers})
        return row.id


def load(olga: Actor, list_id: int, text: str, *, name: str = "contact_list.import", **params: Any) -> Operation:
    """What the pages and a worker do with a file, up to its counts."""
    with unit_of_work(Scope.tenant(olga.customer_id)) as session:
        file = stored_file.upload(
            session,
            BytesIO(text.encode()),
            name="list.csv",
            content_type="text/csv",
            customer_id=olga.customer_id,
            created_by=olga.user_id,
        )
        if name == "contact_list.import" and "columns" not in params:
            params["columns"] = contact_list.guess(stored_file.path(file)).columns.stored()
        work = operation.start_import(
            session,
            name=name,
            file=file,
            params={"customer_id": olga.customer_id, "list_id": list_id, **params},
            actor=olga,
            customer_id=olga.customer_id,
        )
        carry_out(session, work.id)
        return work


def confirm(olga: Actor, work: Operation) -> Operation:
    with unit_of_work(Scope.tenant(olga.customer_id)) as session:
        operation.confirm(session, work.id, expected=work.done, actor=olga)
        carry_out(session, work.id)
        return session.get_one(Operation, work.id)


def carry_out(session: Any, operation_id: int) -> None:
    with operation.Run(operation.begin(session, operation_id)) as run:
        while operation.step(session, operation_id, run) is operation.Step.MORE:
            pass


def entries(list_id: int) -> dict[int, dict[str, str]]:
    with unit_of_work(SYSTEM) as session:
        found = sa.select(ListEntry).where(ListEntry.contact_list_id == list_id).order_by(ListEntry.id)
        return {row.phone: row.variables for row in session.scalars(found)}


def get(model: type[Any], row_id: int) -> Any:
    with unit_of_work(SYSTEM) as session:
        return session.get_one(model, row_id)


def counts(work: Operation) -> tuple[int, int, int]:
    return work.done, work.known, work.failed


def test_a_table_is_counted_before_anything_is_written(olga: Actor) -> None:
    list_id = made(olga)
    work = load(olga, list_id, TABLE)
    assert (work.state, counts(work)) == (OperationState.READY, (2, 1, 2))
    assert entries(list_id) == {}


def test_columns_beside_the_number_become_variables_by_their_header(olga: Actor) -> None:
    list_id = made(olga)
    work = confirm(olga, load(olga, list_id, TABLE))
    assert (work.state, counts(work)) == (OperationState.DONE, (2, 1, 2))
    assert entries(list_id) == {
        FIRST: {"Имя": "Иван", "Сумма долга": "100,50", "ИНН": "7707083893"},
        FIRST + 1: {"Имя": "Пётр", "ИНН": "7702070139"},
    }
    row = get(ContactList, list_id)
    assert (row.entries, set(row.variables)) == (2, {"Имя", "Сумма долга", "ИНН"})


def test_refused_rows_say_why_and_where(olga: Actor) -> None:
    work = load(olga, made(olga), TABLE)
    with unit_of_work(SYSTEM) as session:
        rows = session.scalars(sa.select(OperationRow).where(OperationRow.operation_id == work.id)).all()
        found = {(row.reason, (row.after or {})["line"]) for row in rows}
    assert found == {("phone.no_digits", 5), ("number.not_dialable", 6)}


def test_a_second_load_of_the_same_file_adds_nothing_and_changes_nothing(olga: Actor) -> None:
    list_id = made(olga)
    confirm(olga, load(olga, list_id, TABLE))
    before = entries(list_id)
    work = load(olga, list_id, TABLE.replace("Иван;", "Другой;"))
    assert counts(work) == (0, 3, 2)
    assert entries(list_id) == before


def test_another_column_may_hold_the_number_and_names_may_change(olga: Actor) -> None:
    list_id = made(olga)
    text = "79253944501;Рабочий;79253944502\n79253944503;Рабочий;79253944504\n"
    columns = filling.Columns(phone=2, header=0, variables={"0": "Домашний", "1": ""})
    clean = contact_list.check_columns(columns, get(ContactList, list_id))
    confirm(olga, load(olga, list_id, text, columns=clean.stored()))
    assert entries(list_id) == {FIRST + 1: {"Домашний": "79253944501"}, FIRST + 3: {"Домашний": "79253944503"}}


def test_a_pasted_text_needs_no_columns(olga: Actor) -> None:
    list_id = made(olga)
    work = load(olga, list_id, "8 925 394-45-01, 8 925 394-45-02\n8 925 394 45 01\nнет", name="contact_list.paste")
    assert counts(work) == (2, 1, 1)
    confirm(olga, work)
    assert list(entries(list_id)) == [FIRST, FIRST + 1]


def test_a_value_that_is_too_long_refuses_its_row_only(olga: Actor) -> None:
    list_id = made(olga)
    confirm(olga, load(olga, list_id, f"Телефон;Имя\n79253944501;{'а' * 200}\n79253944502;{'а' * 199}\n"))
    assert list(entries(list_id)) == [FIRST + 1]


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ({"1": "Имя", "2": "имя"}, "contact_list.name_twice"),
        ({"1": "а" * 41}, "field.too_long"),
        ({str(place): f"Поле {place}" for place in range(1, 22)}, "contact_list.too_many_variables"),
    ],
)
def test_names_of_variables_have_limits(olga: Actor, names: dict[str, str], code: str) -> None:
    row = get(ContactList, made(olga))
    with pytest.raises((Invalid, LimitReached), match=code):
        contact_list.check_columns(filling.Columns(0, 0, names), row)


def test_repeated_headers_are_proposed_once(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Телефон;Имя;имя;\n79253944501;Иван;Петров;х\n", encoding="utf-8")
    found = contact_list.guess(path)
    assert (found.columns.phone, found.columns.header) == (0, 1)
    assert found.columns.variables == {"1": "Имя"}
    assert found.titles == ("Телефон", "Имя", "имя", "")
    assert found.sample == (("79253944501", "Иван", "Петров", "х"),)


def test_a_full_list_takes_no_more(olga: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "MOST_ENTRIES", 2)
    list_id = made(olga, "Полный", FIRST, FIRST + 1)
    with pytest.raises(LimitReached, match="contact_list.full"), unit_of_work(SYSTEM) as session:
        contact_list.add(session, session.get_one(ContactList, list_id), {FIRST + 2: {}})
    with pytest.raises(LimitReached, match="contact_list.full"):
        load(olga, list_id, "79253944503", name="contact_list.paste")


def test_a_stranger_finds_no_list(olga: Actor) -> None:
    list_id = made(olga)
    with unit_of_work(SYSTEM) as session:
        other = factories.customer(session).id
    with unit_of_work(Scope.tenant(other)) as session:
        with pytest.raises(NotFound, match="contact_list.not_found"):
            contact_list.get(session, list_id, customer_id=other)
        with pytest.raises(Invalid, match="contact_list.not_found"):
            contact_list.chosen(session, [list_id], customer_id=other)


# Its own words


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"name": " "}, "field.required", "name"),
        ({"name": "а" * 121}, "field.too_long", "name"),
        ({"consent_source": "Анкета на сайте"}, "contact_list.no_date", "consent_on"),
        ({"consent_on": date(2026, 5, 7)}, "contact_list.no_source", "consent_source"),
        ({"consent_source": "да", "consent_on": date(2026, 5, 7)}, "contact_list.source_short", "consent_source"),
        ({"consent_source": "а" * 301}, "field.too_long", "consent_source"),
        ({"consent_source": "Анкета на сайте", "consent_on": date(2100, 1, 1)}, "contact_list.date", "consent_on"),
    ],
)
def test_a_wrong_word_names_its_field(olga: Actor, values: dict[str, Any], code: str, field: str) -> None:
    with unit_of_work(SYSTEM) as session, pytest.raises(Invalid) as refusal:
        contact_list.create(session, {"name": "Покупатели", **values}, customer_id=olga.customer_id, actor=olga)
    assert (refusal.value.code, refusal.value.field) == (code, field)


def test_a_change_is_written_down_and_an_old_page_is_refused(olga: Actor) -> None:
    list_id = made(olga)
    with unit_of_work(SYSTEM) as session:
        contact_list.edit(session, list_id, values={"name": "Клиенты", **CONSENT}, version=1, actor=olga)
    with unit_of_work(SYSTEM) as session, pytest.raises(Conflict, match="edit.stale"):
        contact_list.edit(session, list_id, values={"name": "Иначе"}, version=1, actor=olga)
    with unit_of_work(SYSTEM) as session:
        event = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "contact_list.edit")).one()
        assert event.after == {"name": "Клиенты", "consent_source": "Анкета на сайте", "consent_on": "2026-05-07"}
    assert get(ContactList, list_id).version == 2


def bulk(olga: Actor, name: str, ids: list[int]) -> Operation:
    with unit_of_work(Scope.tenant(olga.customer_id)) as session:
        return operation.run_inline(
            session,
            name=name,
            spec_name=name.partition(".")[0],
            state=listing.to_json(listing.ListState()),
            ids=ids,
            params={},
            expected=len(ids),
            actor=olga,
            customer_id=olga.customer_id,
        )


def test_a_list_is_deleted_with_its_numbers(olga: Actor) -> None:
    list_id = made(olga, "Старый", FIRST, FIRST + 1)
    assert bulk(olga, "contact_list.delete", [list_id]).done == 1
    assert entries(list_id) == {}


def test_numbers_taken_out_of_a_list_are_counted_out(olga: Actor) -> None:
    list_id = made(olga, "Список", FIRST, FIRST + 1, FIRST + 2)
    with unit_of_work(SYSTEM) as session:
        ids = session.scalars(sa.select(ListEntry.id).where(ListEntry.phone.in_((FIRST, FIRST + 2)))).all()
    assert bulk(olga, "list_entry.delete", list(ids)).done == 2
    assert (get(ContactList, list_id).entries, list(entries(list_id))) == (1, [FIRST + 1])


# Campaigns


def campaign_of(olga: Actor, **values: Any) -> Campaign:
    draft = campaigns.Draft(**{"name": "Обзвон", "purpose": Purpose.SERVICE, "prompt": "Здравствуйте!", **values})
    with unit_of_work(Scope.tenant(olga.customer_id)) as session:
        return campaigns.create(session, draft, customer_id=olga.customer_id, actor=olga)


def called(campaign_id: int) -> list[int]:
    with unit_of_work(SYSTEM) as session:
        found = sa.select(Contact.phone).where(Contact.campaign_id == campaign_id).order_by(Contact.id)
        return list(session.scalars(found))


def test_a_campaign_calls_each_number_of_its_lists_once(olga: Actor) -> None:
    second = made(olga, "Вторая", FIRST + 1, FIRST + 2)
    first = made(olga, "Первая", FIRST, FIRST + 1)
    campaign = campaign_of(olga, lists=(first, second), contacts=f"{FIRST + 2}\n{FIRST + 3}")
    assert called(campaign.id) == [FIRST, FIRST + 1, FIRST + 2, FIRST + 3]
    assert campaign.contacts_total == 4
    assert [item["name"] for item in campaign.lists] == ["Первая", "Вторая"]


def test_repeats_between_lists_are_counted(olga: Actor) -> None:
    lists = (made(olga, "Первая", FIRST, FIRST + 1), made(olga, "Вторая", FIRST + 1, FIRST + 2))
    with unit_of_work(Scope.tenant(olga.customer_id)) as session:
        found = campaigns.read_contacts(session, f"{FIRST}\n{FIRST}", lists, customer_id=olga.customer_id)
    assert (found.total, found.duplicates) == (3, 3)


def test_variables_go_along_and_later_changes_of_the_list_do_not(olga: Actor) -> None:
    list_id = made(olga)
    confirm(olga, load(olga, list_id, TABLE))
    campaign = campaign_of(olga, lists=(list_id,))
    bulk(olga, "contact_list.delete", [list_id])
    with unit_of_work(SYSTEM) as session:
        found = session.scalars(sa.select(Contact).where(Contact.campaign_id == campaign.id).order_by(Contact.id))
        assert [row.variables.get("Имя") for row in found] == ["Иван", "Пётр"]


def test_the_consent_of_all_lists_lets_advertising_through(olga: Actor) -> None:
    list_id = made(olga, "С согласием", FIRST, **CONSENT)
    campaign = campaign_of(olga, lists=(list_id,), purpose=Purpose.ADVERTISING)
    assert campaign.consent_note == "С согласием: Анкета на сайте, 07.05.2026"


@pytest.mark.parametrize("pasted", ["", str(FIRST + 5)])
def test_one_number_without_consent_stops_advertising(olga: Actor, pasted: str) -> None:
    lists = [made(olga, "С согласием", FIRST, **CONSENT)] + ([] if pasted else [made(olga, "Без него", FIRST + 1)])
    with pytest.raises(Invalid, match="campaign.no_consent"):
        campaign_of(olga, lists=lists, contacts=pasted, purpose=Purpose.ADVERTISING)


def test_too_many_numbers_for_one_campaign_are_refused(olga: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaigns.drafting, "MOST_FROM_LISTS", 1)
    list_id = made(olga, "Много", FIRST, FIRST + 1)
    with pytest.raises(Invalid, match="campaign.list_too_long"):
        campaign_of(olga, lists=(list_id,))


def test_empty_lists_make_no_campaign(olga: Actor) -> None:
    with pytest.raises(Invalid, match="campaign.no_contacts"):
        campaign_of(olga, lists=(made(olga),))


def test_the_download_names_variables(olga: Actor) -> None:
    row = ListEntry(phone=FIRST, variables={"Имя": "Иван", "Сумма": "5"}, created_at=clock.now() - timedelta(days=1))
    assert contact_list.variables_text(row) == "Имя: Иван; Сумма: 5"
