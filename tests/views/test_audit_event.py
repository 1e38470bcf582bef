"""The audit log and the list of letters, as people read them."""

from callcab.db import unit_of_work
from callcab.models import MailMessage, MailState
from callcab.scope import Actor, Scope
from callcab.services import audit, mail
from tests.people import People

STAFF = Actor("Саша Агент", "agent", None)


def write(people: People, action: str = "customer.block", customer_id: int | None = None, **values: object) -> None:
    actor = values.pop("actor", STAFF)
    with unit_of_work(Scope.staff()) as session:
        audit.record(
            session,
            action,
            actor=actor,
            customer_id=customer_id or people.customer_id,
            object_type="customer",
            **values,
        )


def test_support_reads_who_changed_what_from_what(people: People) -> None:
    write(people, "user.role", before={"role": "viewer"}, after={"role": "owner"}, reason="просьба")
    page = people.sasha.get("/admin/audit/")
    row = page.rows()[0]
    assert row[1:] == ["Саша Агент", "Изменена роль", "ООО «Ромашка»", "Роль: Наблюдатель → Владелец", "просьба"]


def test_a_customer_sees_what_support_did_but_not_who_it_was(people: People) -> None:
    write(people, after={"block_reason": "неоплата"})
    page = people.olga.get("/cabinet/audit/")
    assert page.rows()[0][1:4] == ["Поддержка", "Клиент заблокирован", "Причина блокировки: неоплата"]
    assert "Саша" not in page.body
    details = people.olga.get(page.link("("))
    assert "Саша" not in details.body


def test_the_name_of_support_cannot_be_found_by_searching(people: People) -> None:
    write(people)
    assert "Всего найдено: 0" in people.olga.get("/cabinet/audit/?search=Саша").text
    assert "Всего найдено: 1" in people.sasha.get("/admin/audit/?search=Саша&section=customer").text


def test_events_of_another_customer_are_not_there(people: People) -> None:
    write(people, customer_id=people.other_id)
    assert "Всего найдено: 0" in people.olga.get("/cabinet/audit/?section=customer").text
    people.olga.get("/cabinet/audit/details/?id=1", status=404)


def test_the_section_and_the_side_narrow_the_log(people: People) -> None:
    write(people)
    write(people, "invoice.issue", actor=Actor("Ольга", "owner", None, people.customer_id))
    olga = people.olga
    assert "Счёт выписан" in olga.get("/cabinet/audit/?section=invoice").text
    assert "Клиент заблокирован" in olga.get("/cabinet/audit/?side=staff").text
    assert "Клиент заблокирован" not in "".join(sum(olga.get("/cabinet/audit/?side=customer").rows(), []))


def test_a_viewer_has_no_log(people: People) -> None:
    people.browser("vera").get("/cabinet/audit/", status=403)


def test_letters_are_listed_without_their_text(people: People) -> None:
    with unit_of_work(Scope.staff()) as session:
        letter = mail.send(
            session,
            kind="password_reset",
            recipient="olga@romashka.example",
            subject="Новый пароль",
            text="https://localhost/reset/verysecret",
            customer_id=people.customer_id,
            secret=True,
        )
        assert isinstance(letter, MailMessage)
    sasha = people.sasha
    page = sasha.get("/admin/mail/?search=romashka")
    assert page.rows()[0][2:6] == ["olga@romashka.example", "Новый пароль", "ООО «Ромашка»", "В очереди"]
    assert "verysecret" not in page.body
    assert "verysecret" not in sasha.get(f"/admin/mail/details/?id={letter.id}").body


def test_support_sends_a_failed_letter_again(people: People) -> None:
    with unit_of_work(Scope.staff()) as session:
        letter = mail.send(
            session, kind="support", recipient="olga@romashka.example", subject="Привет", text="…", customer_id=None
        )
        assert letter is not None
        letter.state = MailState.FAILED
        letter_id = letter.id
    listed = people.sasha.get("/admin/mail/?state=failed")
    assert "Отправить снова" in listed.text
    assert "Отправить снова" in people.sasha.get(f"/admin/mail/details/?id={letter_id}").text
    answer = people.sasha.post("/admin/mail/action/", one=f"retry:{letter_id}")
    assert "Письмо снова в очереди" in answer.text
    assert answer.rows()[0][5] == "В очереди"
    assert "Письмо отправлено снова" in people.sasha.get("/admin/audit/?section=mail").text
    assert "не дошло" in people.sasha.post("/admin/mail/action/", one=f"retry:{letter_id}").text
