"""What a question foretold is what is done, row by row: reasons, letters, lists, doors, schedules."""

from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from callcab import models as m
from callcab.db import unit_of_work
from callcab.models.mixins import Numbered
from callcab.scope import Scope
from tests import factories, world
from tests.client import Browser, Page
from tests.people import People
from tests.views.test_previews import ask, facts

SYSTEM = Scope.system("test")
NOT_ALLOWED = "У вашей роли нет права на это действие."


@pytest.fixture(autouse=True)
def filled(people: People) -> None:
    """Both customers have a row in every table."""
    world.fill(people)


def ids_of(model: type[Numbered], *where: sa.ColumnElement[bool]) -> list[int]:
    with unit_of_work(SYSTEM) as session:
        return list(session.scalars(sa.select(model.id).where(*where).order_by(model.id)))


def values_of(column: sa.orm.InstrumentedAttribute[object]) -> list[object]:
    with unit_of_work(SYSTEM) as session:
        return list(session.scalars(sa.select(column).order_by(column.class_.id)))


def foretold(browser: Browser, section: str, action: str, ids: Sequence[int]) -> tuple[Page, dict[str, str]]:
    page = ask(browser, section, action, ids)
    return page, facts(page)


def is_offered(page: Page) -> bool:
    return bool(page.tree.xpath("//form[.//input[@name='confirmed']]//button"))


# Reasons of the blacklist


def platforms_entry() -> None:
    with unit_of_work(SYSTEM) as session:
        entry = {"phone": 79250000001, "source": m.BlacklistSource.HAND, "reason": "суд"}
        factories.add(session, m.BlacklistEntry(customer_id=None, **entry))


def test_a_reason_is_given_to_as_many_entries_as_was_said(people: People) -> None:
    platforms_entry()
    page, said = foretold(people.lida, "/admin/blacklist/", "reason", ids_of(m.BlacklistEntry))
    assert said["Будет сделано"] == "3"
    page.form(has="confirmed").submit(reason="жалоба")
    assert values_of(m.BlacklistEntry.reason) == ["жалоба"] * 3


def test_entries_that_have_the_reason_already_are_told_apart_before_they_are_left_alone(people: People) -> None:
    platforms_entry()
    page, _said = foretold(people.lida, "/admin/blacklist/", "reason", ids_of(m.BlacklistEntry))
    again = page.form(has="confirmed").submit(reason="  суд ")
    assert (facts(again)["Будет сделано"], facts(again)["Уже так"]) == ("2", "1")
    assert "Расчёт изменился" not in again.text
    again.form(has="confirmed").submit()
    assert values_of(m.BlacklistEntry.reason) == ["суд"] * 3
    assert len(ids_of(m.AuditEvent, m.AuditEvent.action == "blacklist.reason")) == 2


def test_an_agent_is_told_that_an_entry_of_the_platform_keeps_all_as_they_are(people: People) -> None:
    platforms_entry()
    before = values_of(m.BlacklistEntry.reason)
    page, said = foretold(people.sasha, "/admin/blacklist/", "reason", ids_of(m.BlacklistEntry))
    assert (said["Будет сделано"], said[NOT_ALLOWED]) == ("0", "1")
    assert not is_offered(page)
    confirmed = {"action": "reason", "confirmed": "1", "reason": "жалоба", "seen": ""}
    ids = [str(item) for item in ids_of(m.BlacklistEntry)]
    people.sasha.post("/admin/blacklist/action/", id=ids, **confirmed)
    assert values_of(m.BlacklistEntry.reason) == before


# Letters


def test_as_many_letters_are_written_as_was_said(people: People) -> None:
    before = len(ids_of(m.MailMessage))
    ids = [people.customer_id, people.other_id]
    page, said = foretold(people.lida, "/admin/clients/", "letter", ids)
    assert said["Будет сделано"] == "2"
    page.form(has="confirmed").submit(subject="Работы ночью", text="С двух до трёх.")
    assert len(ids_of(m.MailMessage)) == before + 2


# Lists of contacts


def test_lists_go_with_as_many_numbers_as_was_said(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        row = session.scalars(sa.select(m.ContactList).where(m.ContactList.customer_id == people.customer_id)).one()
        row.entries = 3
        for number in (1, 2):
            entry = {"phone": 79250000000 + number, "variables": {}, "customer_id": people.customer_id}
            factories.add(session, m.ListEntry(contact_list_id=row.id, **entry))
    mine = m.ContactList.customer_id == people.customer_id
    page, said = foretold(people.olga, "/cabinet/contact-lists/", "delete", ids_of(m.ContactList, mine))
    assert (said["Будет сделано"], said["Номеров в списках"]) == ("1", "3")
    page.form(has="confirmed").submit()
    assert (ids_of(m.ContactList, mine), len(ids_of(m.ListEntry))) == ([], 1)


def test_as_many_numbers_leave_their_list_as_was_said(people: People) -> None:
    mine = m.ListEntry.customer_id == people.customer_id
    page, said = foretold(people.olga, "/cabinet/list-entries/", "delete", ids_of(m.ListEntry, mine))
    assert said["Будет сделано"] == "1"
    page.form(has="confirmed").submit()
    assert ids_of(m.ListEntry, mine) == []
    assert values_of(m.ContactList.entries) == [0, 1]


# Doors


def test_as_many_addresses_go_as_was_said_of_several_customers(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        factories.add(session, m.IpRule(customer_id=people.customer_id, network="198.51.100.9/32", note=""))
    ids = ids_of(m.IpRule)
    page, said = foretold(people.admin, "/admin/ip-allow/", "delete", ids)
    assert said["Будет сделано"] == str(len(ids)) == "3"
    page.form(has="confirmed").submit()
    assert ids_of(m.IpRule) == []


def denied(customer_id: int | None) -> None:
    with unit_of_work(SYSTEM) as session:
        door = m.Door.ADMIN if customer_id is None else m.Door.API
        factories.add(session, m.IpDenial(customer_id=customer_id, address="198.51.100.5", door=door, agent=""))


def open_until(people: People) -> list[bool]:
    return [value is not None for value in values_of(m.Customer.ip_open_until)]


def test_a_door_opens_once_for_each_customer_and_never_for_support(people: People) -> None:
    denied(people.customer_id)
    denied(None)
    page, said = foretold(people.lida, "/admin/ip-denied/", "open", ids_of(m.IpDenial))
    assert said["Будет сделано"] == "2"
    assert said["Уже так"] == "1"
    assert said["Это отказы сотрудникам: дверь открывают клиентам."] == "1"
    page.form(has="confirmed").submit(reason="сменился провайдер")
    assert open_until(people) == [True, True]


def test_refusals_of_support_alone_open_nothing(people: People) -> None:
    denied(None)
    staff = m.IpDenial.customer_id.is_(None)
    page, said = foretold(people.lida, "/admin/ip-denied/", "open", ids_of(m.IpDenial, staff))
    assert said["Будет сделано"] == "0"
    assert not is_offered(page)
    assert open_until(people) == [False, False]


# Schedules of files


@pytest.mark.parametrize(
    ("action", "said_of", "paused"),
    [("pause", "Идёт → На паузе", [True, True]), ("resume", "На паузе → Идёт", [False, False])],
)
def test_schedules_stop_and_go_on_as_was_said(people: People, action: str, said_of: str, paused: list[bool]) -> None:
    mine = m.ExportSchedule.customer_id == people.customer_id
    with unit_of_work(SYSTEM) as session:
        found = session.scalars(sa.select(m.ExportSchedule).where(mine)).one()
        copied = {
            key: getattr(found, key) for key in set(m.ExportSchedule.__mapper__.columns.keys()) - {"id", "paused"}
        }
        factories.add(session, m.ExportSchedule(**copied, paused=False))
    page, said = foretold(people.olga, "/cabinet/file-schedules/", action, ids_of(m.ExportSchedule, mine))
    assert (said[f"Статус: {said_of}"], said["Уже так"]) == ("1", "1")
    page.form(has="confirmed").submit()
    with unit_of_work(SYSTEM) as session:
        states = list(session.scalars(sa.select(m.ExportSchedule.paused).where(mine)))
    assert states == paused


def test_an_operator_is_told_that_a_colleagues_schedule_stays(people: People) -> None:
    mine = m.ExportSchedule.customer_id == people.customer_id
    page, said = foretold(people.kolya, "/cabinet/file-schedules/", "delete", ids_of(m.ExportSchedule, mine))
    assert (said["Будет сделано"], said[NOT_ALLOWED]) == ("0", "1")
    assert not is_offered(page)
    assert len(ids_of(m.ExportSchedule, mine)) == 1


def test_schedules_are_deleted_as_was_said(people: People) -> None:
    mine = m.ExportSchedule.customer_id == people.customer_id
    page, said = foretold(people.olga, "/cabinet/file-schedules/", "delete", ids_of(m.ExportSchedule, mine))
    assert said["Будет сделано"] == "1"
    page.form(has="confirmed").submit()
    assert ids_of(m.ExportSchedule, mine) == []
