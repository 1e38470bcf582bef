"""The pages of operations in the cabinet and in the back office."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import edge
from callcab.jobs import operation as jobs
from callcab.models import BlacklistEntry, BlacklistSource, Operation, OperationState, User
from callcab.scope import Actor, Scope
from callcab.services import listing, operation
from callcab.services.operation import ExportColumn, RowResult, catalogue
from tests.people import People

SPEC = listing.ListSpec(
    name="test_jobs",
    model=BlacklistEntry,
    sorts={"id": listing.Sort(BlacklistEntry.id)},
    default_sort="id",
)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(catalogue, "_works", dict(catalogue._works))
    monkeypatch.setitem(listing.catalogue._specs, SPEC.name, SPEC)
    operation.register(
        "test.touch",
        operation.per_row(lambda session, row, params, actor: RowResult(row.id)),
        permission="blacklist.edit",
    )
    operation.register_export(
        SPEC.name, [ExportColumn("phone", BlacklistEntry.phone, phone=True)], permission="blacklist.export"
    )
    yield


def start(people: People, name: str, person: str = "olga") -> int:
    """An operation of this person over three rows of the first customer."""
    with unit_of_work(Scope.tenant(people.customer_id)) as session:
        user = session.scalars(sa.select(User).where(User.email == people.emails[person])).one()
        session.add_all(
            BlacklistEntry(customer_id=people.customer_id, phone=79250000000 + i, source=BlacklistSource.HAND)
            for i in range(3)
        )
        session.flush()
        found = operation.start(
            session,
            name=name,
            spec_name=SPEC.name,
            state={"search": "", "filters": {}, "sort": ""},
            ids=None,
            params={},
            expected=3,
            actor=Actor(user.name, user.role, user.id, user.customer_id),
            customer_id=people.customer_id,
        )
        return found.id


def state(operation_id: int) -> Any:
    with unit_of_work(Scope.staff()) as session:
        return session.get(Operation, operation_id).state


def test_the_list_shows_who_what_progress_and_result(people: People) -> None:
    jobs.run(start(people, "test.touch"))
    row = people.olga.get("/cabinet/jobs/").rows()[0]
    assert row[1:5] == ["Ольга Владелец", "Действие", "Готово 3 из 3", "сделано: 3"]


def test_a_waiting_operation_asks_for_its_progress_when_told_or_every_few_seconds(people: People) -> None:
    number = start(people, "test.touch")
    page = people.olga.get(f"/cabinet/jobs/details/?id={number}")
    assert "В очереди" in page.text
    assert page.tree.xpath("//*[@id='job-progress']/@hx-trigger") == ["sse:change, every 3s"]
    assert page.tree.xpath("//*[@sse-connect]/@sse-connect") == [f"/cabinet/jobs/live/?id={number}"]
    assert page.link("Обновить") == f"/cabinet/jobs/details/?id={number}"


def test_the_fragment_stops_asking_when_it_is_over(people: People) -> None:
    number = start(people, "test.touch")
    olga = people.olga
    address = f"/cabinet/jobs/progress/?id={number}"
    assert "HX-Refresh" not in olga.get(address, **{"HX-Request": "true"}).response.headers
    jobs.run(number)
    answer = olga.get(address, **{"HX-Request": "true"})
    assert answer.response.headers["HX-Refresh"] == "true"
    assert "hx-trigger" not in answer.body


def test_the_results_of_the_rows_are_on_the_page(people: People) -> None:
    number = start(people, "test.touch")
    jobs.run(number)
    rows = people.olga.get(f"/cabinet/jobs/details/?id={number}").rows()
    assert [row[2] for row in rows] == ["Сделано"] * 3


def test_the_file_comes_with_a_russian_name_and_every_row(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(edge._texts, f"job.{SPEC.name}.export", "Выгрузка")
    number = start(people, f"{SPEC.name}.export")
    jobs.run(number)
    olga = people.olga
    page = olga.get(f"/cabinet/jobs/details/?id={number}")
    with olga.get(page.link("Скачать")).response as answer:
        assert answer.get_data().decode().split("\r\n")[1:4] == [f"+7(925)000-00-0{i}" for i in range(3)]
        assert f"filename*=UTF-8''{quote('Выгрузка')}" in answer.headers["Content-Disposition"]
        assert answer.headers["Cache-Control"] == "private, no-store"


def test_a_stranger_finds_neither_page_nor_file(people: People) -> None:
    number = start(people, f"{SPEC.name}.export")
    jobs.run(number)
    stranger = people.stranger
    for door in ("details", "progress", "download"):
        stranger.get(f"/cabinet/jobs/{door}/?id={number}", status=404)
    stranger.post("/cabinet/jobs/cancel/", id=str(number), status=404)
    assert stranger.get("/cabinet/jobs/").rows() == []


def test_a_colleague_without_the_right_gets_no_file(people: People) -> None:
    number = start(people, f"{SPEC.name}.export")
    jobs.run(number)
    people.browser("vera").get(f"/cabinet/jobs/download/?id={number}", status=404)


def test_cancelling_stops_it(people: People) -> None:
    number = start(people, "test.touch")
    page = people.olga.get(f"/cabinet/jobs/details/?id={number}")
    after = page.form(action="/cabinet/jobs/cancel/").submit()
    assert "Отменено" in after.text
    assert state(number) is OperationState.CANCELLED


def test_a_viewer_may_look_but_not_cancel(people: People) -> None:
    number = start(people, "test.touch")
    vera = people.browser("vera")
    page = vera.get(f"/cabinet/jobs/details/?id={number}")
    assert not page.tree.xpath("//form[@action='/cabinet/jobs/cancel/']")
    vera.post("/cabinet/jobs/cancel/", id=str(number), status=403)
    assert state(number) is OperationState.QUEUED


def test_a_failure_is_told_in_words(people: People) -> None:
    number = start(people, "test.touch")
    with unit_of_work(Scope.staff()) as session:
        operation.fail(session, number, "operation.gave_up", {"attempts": 3})
    page = people.olga.get(f"/cabinet/jobs/details/?id={number}")
    assert "Не получилось выполнить операцию за 3 попытки" in page.text


def test_support_sees_the_operations_of_all(people: People) -> None:
    number = start(people, "test.touch")
    sasha = people.sasha
    assert "В очереди" in sasha.get("/admin/jobs/").text
    assert "Ольга Владелец" in sasha.get(f"/admin/jobs/details/?id={number}").text
