"""Files fetched while they are still being written: what comes, to whom, how many at once, and how it breaks off."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.http import parse_options_header
from werkzeug.test import TestResponse

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.models import AuditEvent, BlacklistEntry, BlacklistSource, StoredFile, User
from callcab.scope import Actor, Scope
from callcab.services import listing, operation, stored_file
from callcab.services.operation import ExportColumn, catalogue
from callcab.web import following
from tests.client import Browser
from tests.people import People

SPEC = listing.ListSpec(
    name="test_growing",
    model=BlacklistEntry,
    sorts={"id": listing.Sort(BlacklistEntry.id)},
    default_sort="id",
)
ARCHIVE = "test_growing.papers"
GIVEN_UP = "the file was given up"


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_works", dict(catalogue._works))
    monkeypatch.setitem(listing.catalogue._specs, SPEC.name, SPEC)
    columns = [ExportColumn("phone", BlacklistEntry.phone, phone=True), ExportColumn("reason", BlacklistEntry.reason)]
    operation.register_export(SPEC.name, columns, permission="blacklist.export", chunk=2)
    operation.register_archive(
        ARCHIVE, lambda session, row: (f"{row.phone}.txt", b"x" * 1000), permission="blacklist.export", chunk=2
    )


class Job:
    """An export of six entries of Olga's, two in a chunk, carried out by hand."""

    def __init__(self, people: People, name: str = f"{SPEC.name}.export", **params: str) -> None:
        self.scope = Scope.tenant(people.customer_id)
        with unit_of_work(self.scope) as session:
            user = session.scalars(sa.select(User).where(User.email == people.emails["olga"])).one()
            session.add_all(
                BlacklistEntry(customer_id=people.customer_id, phone=79250000000 + i, source=BlacklistSource.HAND)
                for i in range(6)
            )
            session.flush()
            self.actor = Actor(user.name, user.role, user.id, user.customer_id)
            self.id = operation.start(
                session,
                name=name,
                spec_name=SPEC.name,
                state={"search": "", "filters": {}, "sort": ""},
                ids=None,
                params=params,
                expected=6,
                actor=self.actor,
                customer_id=people.customer_id,
            ).id
        self.run = self.take()

    def take(self) -> operation.Run:
        with unit_of_work(self.scope) as session:
            return operation.Run(
                operation.begin(session, self.id), lambda code: "Выгрузка" if code.startswith("job.") else code
            )

    def step(self, run: operation.Run | None = None) -> operation.Step:
        with unit_of_work(self.scope) as session:
            return operation.step(session, self.id, run or self.run)

    def cancel(self) -> None:
        with unit_of_work(self.scope) as session:
            operation.cancel(session, self.id, actor=self.actor)

    def starts_again(self) -> operation.Run:
        """What becomes of it when its worker is silent for too long."""
        with (
            clock.frozen(clock.now() + timedelta(seconds=31)),
            unit_of_work(Scope.system("test")) as session,
        ):
            operation.sweep(session)
        return self.take()

    def fetch(self, browser: Browser, **environ: Any) -> TestResponse:
        """The beginning of an answer; its body is read by the test."""
        path = f"/cabinet/jobs/download/?id={self.id}"
        return browser.client.get(path, environ_overrides=browser.environ | environ, buffered=False)

    def whole(self) -> bytes:
        with unit_of_work(self.scope) as session:
            row = operation.get(session, self.id, customer_id=self.actor.customer_id)
            file = stored_file.get(session, row.output_file_id, customer_id=self.actor.customer_id)
            return stored_file.path(file).read_bytes()

    def told(self) -> int:
        """How often the log says that somebody took it."""
        with unit_of_work(Scope.staff()) as session:
            taken = sa.select(sa.func.count()).select_from(AuditEvent).where(AuditEvent.action == "operation.download")
            return session.scalar(taken) or 0


@pytest.fixture
def job(people: People) -> Iterator[Job]:
    job = Job(people)
    with job.run:
        yield job


def test_what_is_written_comes_at_once_and_the_rest_as_it_is_written(people: People, job: Job) -> None:
    assert job.step() is operation.Step.MORE
    with job.fetch(people.olga) as answer:
        parts = answer.iter_encoded()
        first = next(parts)
        assert first.decode().splitlines()[1:] == ["+7(925)000-00-00;", "+7(925)000-00-01;"]
        assert job.told() == 1
        while job.step() is operation.Step.MORE:
            pass
        assert first + b"".join(parts) == job.whole()
    with unit_of_work(Scope.staff()) as session:
        assert session.scalars(sa.select(StoredFile.downloads)).all() == [1]
    assert job.told() == 1


def name_of(answer: TestResponse) -> str | None:
    held = answer.headers["Content-Disposition"]
    assert held.isascii(), "no web server sends it"
    return parse_options_header(held)[1].get("filename")


def test_the_answer_has_the_name_of_the_whole_file_and_no_length(people: People, job: Job) -> None:
    job.step()
    with job.fetch(people.olga) as answer:
        assert answer.content_length is None
        assert answer.headers["Cache-Control"] == "private, no-store"
        named, kind = name_of(answer), answer.content_type
    with clock.frozen(clock.now() + timedelta(minutes=3)):
        while job.step() is operation.Step.MORE:
            pass
    with job.fetch(people.olga) as answer:
        assert (name_of(answer), answer.content_type) == (named, kind)
    assert named is not None and named.startswith("Выгрузка 20") and kind == "text/csv; charset=utf-8"


def test_an_archive_comes_as_it_is_packed(people: People) -> None:
    packed = Job(people, ARCHIVE)
    with packed.run:
        packed.step()
        with packed.fetch(people.olga) as answer:
            parts = answer.iter_encoded()
            first = next(parts)
            assert first.startswith(b"PK")
            while packed.step() is operation.Step.MORE:
                pass
            assert first + b"".join(parts) == packed.whole()


def broken(job: Job, browser: Browser, happens: Callable[[], object]) -> str:
    """Why the answer broke off when this happened meanwhile."""
    with job.fetch(browser) as answer:
        parts = answer.iter_encoded()
        assert next(parts)
        happens()
        with pytest.raises(operation.BrokenOff) as caught:
            b"".join(parts)
    return str(caught.value.strerror)


def test_an_operation_that_is_stopped_breaks_it_off(people: People, job: Job) -> None:
    job.step()
    assert broken(job, people.olga, job.cancel) == GIVEN_UP


def test_an_operation_that_fails_breaks_it_off(people: People, job: Job) -> None:
    def fail() -> None:
        with unit_of_work(job.scope) as session:
            operation.fail(session, job.id, "operation.internal", {"number": job.id})

    job.step()
    assert broken(job, people.olga, fail) == GIVEN_UP


def test_a_worker_that_is_replaced_breaks_it_off_though_the_next_one_writes_the_same(people: People, job: Job) -> None:
    def replaced() -> None:
        with job.starts_again() as run:
            while job.step(run) is operation.Step.MORE:
                pass

    job.step()
    assert broken(job, people.olga, replaced) == GIVEN_UP
    assert job.whole().count(b"\r\n") == 7


def test_a_file_that_was_written_but_not_kept_breaks_it_off(people: People, job: Job) -> None:
    def cut_off() -> None:
        with pytest.raises(KeyboardInterrupt), unit_of_work(job.scope) as session:
            while operation.step(session, job.id, job.run) is operation.Step.MORE:
                pass
            raise KeyboardInterrupt
        job.run.output.drop(kept=False)
        job.cancel()

    job.step()
    assert broken(job, people.olga, cut_off) == GIVEN_UP


def test_it_breaks_off_when_it_takes_too_long(people: People, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    assert following.SECONDS <= 600
    monkeypatch.setattr(following, "SECONDS", 0.2)
    job.step()
    assert broken(job, people.olga, lambda: None) == "it took too long"


def test_before_anything_is_written_there_is_nothing(people: People, job: Job) -> None:
    with job.fetch(people.olga) as answer:
        assert answer.status_code == 404
    assert "Скачать, пока пишется" not in people.olga.get(f"/cabinet/jobs/details/?id={job.id}").text


def test_the_page_of_the_operation_offers_it_to_whoever_may_have_it(people: People, job: Job) -> None:
    job.step()
    address = f"/cabinet/jobs/details/?id={job.id}"
    assert people.olga.get(address).link("Скачать, пока пишется") == f"/cabinet/jobs/download/?id={job.id}"
    assert "Скачать, пока пишется" not in people.browser("vera").get(address).text


def test_neither_a_stranger_nor_a_colleague_without_the_right_gets_any_of_it(people: People, job: Job) -> None:
    job.step()
    for browser in (people.stranger, people.browser("vera")):
        with job.fetch(browser) as answer:
            assert answer.status_code == 404
    assert job.told() == 0


def test_support_may_have_it_too(people: People, job: Job) -> None:
    job.step()
    sasha = people.sasha
    path = f"/admin/jobs/download/?id={job.id}"
    with sasha.client.get(path, environ_overrides=sasha.environ, buffered=False) as answer:
        assert next(answer.iter_encoded()).count(b"\r\n") == 3


def waits(job: Job, browser: Browser, **environ: Any) -> bool:
    """Whether the person is told to wait."""
    with job.fetch(browser, **environ) as answer:
        assert answer.status_code in (200, 302)
        told = answer.status_code == 302
    return told and "Файл ещё пишется" in browser.get(f"/cabinet/jobs/details/?id={job.id}").text


def test_only_a_quarter_of_the_threads_hand_out_and_places_come_free(people: People, job: Job) -> None:
    job.step()
    olga = people.olga
    places = people.app.config["SETTINGS"].web_threads // 4
    open_ones = [job.fetch(olga) for _ in range(places)]
    assert waits(job, olga)
    for answer in open_ones:
        answer.close()
    assert not waits(job, olga)


def test_a_client_that_could_take_a_part_for_the_whole_waits(people: People, job: Job) -> None:
    job.step()
    assert waits(job, people.olga, SERVER_PROTOCOL="HTTP/1.0")
    assert job.told() == 0


def test_a_draft_that_is_not_here_is_waited_for_and_takes_no_place(people: People, job: Job) -> None:
    job.step()
    olga = people.olga
    job.run.output.drop(kept=False)
    for _ in range(people.app.config["SETTINGS"].web_threads):
        assert waits(job, olga)


def test_a_workbook_is_offered_only_whole(people: People) -> None:
    book = Job(people, format="xlsx")
    with book.run:
        book.step()
        with book.fetch(people.olga) as answer:
            assert answer.status_code == 404
        while book.step() is operation.Step.MORE:
            pass
