"""Support sends invoices by mail and takes many of them as one archive."""

from collections.abc import Iterator
from io import BytesIO
from zipfile import ZipFile

import pytest
import sqlalchemy as sa

from callcab import queue
from callcab.db import unit_of_work
from callcab.jobs import mail as mail_job
from callcab.jobs import operation as operation_job
from callcab.models import AuditEvent, Invoice, MailMessage, MailState, Operation, OperationState, StoredFile
from callcab.providers.mail import MemoryMail
from callcab.providers.mail.base import compose
from callcab.scope import Actor
from callcab.services import invoice, invoice_letter, mail, stored_file
from tests import factories
from tests.client import Page
from tests.people import People
from tests.views.test_invoice import SYSTEM, issued, read

LIST = "/admin/invoices/"
STAFF = Actor("Саша Агент", "agent", None)
JOBS = {"mail.send": mail_job.send, "operation.run": operation_job.run}


@pytest.fixture(autouse=True)
def seller(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        factories.seller(session, name="ООО «Колкаб»", inn="7736207543", kpp="773601001")


@pytest.fixture
def box(people: People) -> Iterator[MemoryMail]:
    """Letters stay here; what is asked of the queue is done at once."""
    provider, before = MemoryMail(), (mail._provider, mail._sender)
    mail.use(provider, sender="callcab <robot@callcab.example>")
    queue.set_sender(lambda name, ids: JOBS[name](**ids))
    yield provider
    mail.use(before[0], sender=before[1])


def ask(people: People, *rows: Invoice, action: str = "send") -> Page:
    return people.sasha.post(f"{LIST}action/", action=action, id=[str(row.id) for row in rows])


def test_an_invoice_goes_to_the_customer_with_its_pdf(people: People, box: MemoryMail) -> None:
    row = issued(people.customer_id, "1234.50")
    answer = ask(people, row).form(has="subject").submit()
    assert "«Отправить»: готово, строк: 1" in answer.text
    letter = box.sent[0]
    assert letter.recipient == mail_of(people)
    assert letter.subject == f"Счёт № {row.number} от {row.issued_on:%d.%m.%Y}"
    assert "на сумму 1 234,50 ₽" in letter.text.replace("\xa0", " ")
    message = compose(letter)
    part = next(message.iter_attachments())
    assert part.get_content_type() == "application/pdf"
    assert part.get_filename() == invoice.pdf_file(row)[1]
    assert part.get_content().startswith(b"%PDF")
    details = people.sasha.get(f"{LIST}details/?id={row.id}")
    assert read(row.id).sent_at is not None
    assert "Отправлен письмом" in details.text
    assert "Счёт отправлен письмом" in people.olga.get("/cabinet/audit/").text


def mail_of(people: People) -> str:
    with unit_of_work(SYSTEM) as session:
        return session.get_one(Invoice, 1).customer.email


def test_it_goes_to_the_payer_when_his_address_is_typed(people: People, box: MemoryMail) -> None:
    ask(people, issued(people.customer_id)).form(has="subject").submit(recipient="buh@vtb.example")
    assert [letter.recipient for letter in box.sent] == ["buh@vtb.example"]


@pytest.mark.parametrize("address", ["olga", "a@b.c, d@e.f", "a@b.c\nBcc: x@y.z"])
def test_a_wrong_address_is_told_and_nothing_leaves(people: People, box: MemoryMail, address: str) -> None:
    page = ask(people, issued(people.customer_id)).form(has="subject").submit(recipient=address)
    assert "Введите один адрес почты" in page.text
    assert box.sent == []


def test_many_invoices_of_one_customer_are_letters_of_their_own(people: People, box: MemoryMail) -> None:
    rows = [issued(people.customer_id, key=str(key)) for key in range(7)]
    ask(people, *rows).form(has="subject").submit()
    assert sorted(letter.subject.split()[2] for letter in box.sent) == sorted(str(row.number) for row in rows)
    with unit_of_work(SYSTEM) as session:
        assert session.scalars(sa.select(Operation.state)).all() == [OperationState.DONE]
        sent = sa.select(sa.func.count()).where(
            AuditEvent.action == "invoice.send", AuditEvent.object_type == "invoice"
        )
        assert session.scalar(sent) == 7


def test_a_cancelled_invoice_is_not_sent_and_the_others_are(people: People, box: MemoryMail) -> None:
    rows = [issued(people.customer_id, key=str(key)) for key in range(2)]
    people.sasha.post(f"{LIST}action/", one=f"cancel:{rows[0].id}", confirmed="1", reason="ошибка")
    page = ask(people, *rows).form(has="subject").submit()
    assert len(box.sent) == 1
    assert "отказов: 1" in page.text
    assert "Счёт уже отменён" in page.text or "отменён" in page.text


def test_a_letter_whose_file_is_gone_is_not_sent_without_it(people: People, box: MemoryMail) -> None:
    queue.set_sender(lambda name, ids: None)
    row = issued(people.customer_id)
    with unit_of_work(SYSTEM) as session:
        invoice_letter.send(session, row.id, recipient="", subject="Счёт", text="…", actor=STAFF)
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.delete(StoredFile))
        letter_id = session.scalars(sa.select(MailMessage.id)).one()
    mail_job.send(letter_id)
    assert box.sent == []
    with unit_of_work(SYSTEM) as session:
        assert session.get_one(MailMessage, letter_id).state is MailState.FAILED


def test_all_that_match_become_one_archive(people: People, box: MemoryMail) -> None:
    rows = [issued(people.customer_id, key=str(key)) for key in range(3)]
    issued(people.other_id, key="other")
    page = people.sasha.post(f"{LIST}action/?customer={people.customer_id}", action="archive", scope="all", expect="3")
    assert page.title.startswith("Счета в PDF одним архивом")
    content = people.sasha.get(page.link("Скачать")).response.get_data()
    with ZipFile(BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == sorted(invoice.pdf_file(row)[1] for row in rows)
        assert all(archive.read(name).startswith(b"%PDF") for name in archive.namelist())


def test_two_files_of_one_name_both_stay(people: People, box: MemoryMail) -> None:
    issued(people.customer_id)
    with unit_of_work(SYSTEM) as session:
        row = session.get_one(Invoice, 1)
        row.year -= 1
    second = issued(people.customer_id, key="b")
    with unit_of_work(SYSTEM) as session:
        session.get_one(Invoice, second.id).number = 1
    ask(people, read(1), second, action="archive")
    with unit_of_work(SYSTEM) as session:
        path = stored_file.path(session.scalars(sa.select(StoredFile)).one())
    with ZipFile(path) as archive:
        assert len(set(archive.namelist())) == 2


def test_a_customer_may_send_nothing(people: People) -> None:
    row = issued(people.customer_id)
    people.olga.post("/cabinet/invoices/action/", one=f"send:{row.id}", status=404)
