"""Letters: written down, sent once, tried for long, never too many."""

import socket
import ssl
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller

from callcab import queue
from callcab.db import unit_of_work
from callcab.jobs import mail as jobs
from callcab.lib import clock
from callcab.lib.errors import Conflict, Invalid
from callcab.models import MailMessage, MailState
from callcab.providers.mail import ConsoleMail, Letter, MemoryMail, Refused, SmtpMail, Undelivered, make
from callcab.scope import Actor, Scope
from callcab.services import mail

STAFF = Actor("Саша Агент", "agent", None)


@pytest.fixture
def box(connected: sa.Engine) -> Iterator[MemoryMail]:
    """Letters stay here; a job that is asked for is done at once."""
    provider, before = MemoryMail(), (mail._provider, mail._sender)
    mail.use(provider, sender="callcab <robot@callcab.example>")
    queue.set_sender(lambda name, ids: jobs.send(**ids))
    yield provider
    mail.use(before[0], sender=before[1])


def send(**values: Any) -> MailMessage | None:
    asked = {
        "kind": "invoice.paid",
        "recipient": "olga@example.ru",
        "subject": "Счёт оплачен",
        "text": "Спасибо!",
    } | values
    with unit_of_work(Scope.system("test")) as session:
        return mail.send(session, **asked)


def stored() -> list[MailMessage]:
    with unit_of_work(Scope.system("test")) as session:
        return list(session.scalars(sa.select(MailMessage).order_by(MailMessage.id)))


def test_a_letter_leaves_after_the_commit(box: MemoryMail) -> None:
    send()
    assert [(item.recipient, item.subject) for item in box.sent] == [("olga@example.ru", "Счёт оплачен")]
    assert stored()[0].state is MailState.SENT


def test_a_letter_of_a_rolled_back_request_never_leaves(box: MemoryMail) -> None:
    with pytest.raises(RuntimeError), unit_of_work(Scope.system("test")) as session:
        mail.send(session, kind="x", recipient="olga@example.ru", subject="Тема", text="Текст")
        raise RuntimeError
    assert box.sent == []
    assert stored() == []


def test_a_second_job_sends_nothing(box: MemoryMail) -> None:
    letter = send()
    jobs.send(letter.id)
    assert len(box.sent) == 1


@pytest.mark.parametrize(
    "recipient",
    [
        "a@b.ru\nBcc: c@d.ru",
        "a@b.ru, c@d.ru",
        "Оля <a@b.ru>",
        "a@b.ru\r",
        "",
        "no-at",
        "a b@c.ru",
        "a@b.ru\x00",
        "a" * 300 + "@b.ru",
    ],
)
def test_an_address_that_writes_headers_is_refused(box: MemoryMail, recipient: str) -> None:
    with pytest.raises(Invalid) as refused:
        send(recipient=recipient)
    assert refused.value.code == "mail.recipient"


@pytest.mark.parametrize("subject", ["Тема\nBcc: c@d.ru", "Тема\r\n\r\nТело", "Тема\u2028x", " ", "т" * 201])
def test_a_subject_that_writes_headers_is_refused(box: MemoryMail, subject: str) -> None:
    with pytest.raises(Invalid) as refused:
        send(subject=subject)
    assert refused.value.code == "mail.subject"


def test_a_secret_is_blanked_once_it_is_sent(box: MemoryMail) -> None:
    send(secret=True, text="https://callcab.example/reset/abc", html="<a>abc</a>")
    assert "reset/abc" in box.sent[0].text
    assert (stored()[0].text, stored()[0].html) == ("", "")


def test_a_secret_is_kept_while_it_is_still_to_be_sent(box: MemoryMail) -> None:
    box.problem = Undelivered("busy")
    send(secret=True, text="https://callcab.example/reset/abc")
    assert stored()[0].text.endswith("abc")


def at(hours: float) -> Any:
    return clock.frozen(clock.now() + timedelta(hours=hours))


def test_a_server_that_is_away_is_tried_for_a_day_and_the_letter_leaves_once(box: MemoryMail) -> None:
    box.problem = Undelivered("away")
    send()
    for hour in range(1, 25):
        with at(hour):
            jobs.sweep()
    assert box.sent == []
    assert (stored()[0].state, stored()[0].error) == (MailState.QUEUED, "away")
    box.problem = None
    with at(26):
        jobs.sweep()
        jobs.sweep()
    assert len(box.sent) == 1


def test_after_a_day_and_a_half_it_has_failed_and_support_sees_why(box: MemoryMail) -> None:
    box.problem = Undelivered("away")
    send()
    with at(37):
        jobs.sweep()
    assert (stored()[0].state, stored()[0].error) == (MailState.FAILED, "away")


def test_a_refused_address_is_not_tried_again(box: MemoryMail) -> None:
    box.problem = Refused("550 no such user")
    send()
    assert (stored()[0].state, stored()[0].attempts) == (MailState.FAILED, 1)


def test_a_failed_letter_can_be_sent_again(box: MemoryMail) -> None:
    box.problem = Refused("550 no such user")
    letter = send()
    box.problem = None
    with unit_of_work(Scope.staff()) as session:
        mail.retry(session, letter.id, actor=STAFF)
    assert len(box.sent) == 1
    with unit_of_work(Scope.staff()) as session, pytest.raises(Conflict, match="mail.not_failed"):
        mail.retry(session, letter.id, actor=STAFF)


def test_the_waits_between_tries_grow(box: MemoryMail) -> None:
    box.problem = Undelivered("away")
    letter = send()
    with at(0.5):
        jobs.send(letter.id)
        second = stored()[0].next_at - clock.now()
    assert second == timedelta(minutes=2)


def test_the_sixth_letter_of_an_hour_waits_and_leaves_as_a_digest(box: MemoryMail) -> None:
    for number in range(8):
        send(text=f"Платёж {number}")
    assert len(box.sent) == 5
    with at(1.01):
        jobs.sweep()
    assert len(box.sent) == 6
    assert [f"Платёж {number}" in box.sent[5].text for number in range(8)] == [False] * 5 + [True] * 3
    assert box.sent[5].subject == "Счёт оплачен (+2)"


def test_another_kind_and_another_account_have_their_own_hour(box: MemoryMail) -> None:
    for _ in range(5):
        send()
    send(kind="invoice.made")
    send(recipient="kolya@example.ru")
    assert len(box.sent) == 7


def test_a_flood_of_reset_links_is_dropped(box: MemoryMail) -> None:
    results = [send(kind="login.reset", secret=True) for _ in range(6)]
    assert results[5] is None
    assert len(box.sent) == 5


# The providers


class Inbox:
    """An SMTP server's memory; ``reply`` is what it says to a letter."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []
        self.reply = "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.reply.startswith("250"):
            self.letters.append(envelope.content)
        return self.reply


@pytest.fixture
def server() -> Iterator[tuple[Inbox, str]]:
    inbox = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield inbox, f"smtp://127.0.0.1:{port}"
    controller.stop()


LETTER = Letter(7, "Колкаб <robot@callcab.example>", "olga@example.ru", "Счёт № 5", "Привет", "<p>Привет</p>", 1e9)


def test_smtp_carries_text_and_html(server: tuple[Inbox, str]) -> None:
    inbox, url = server
    SmtpMail(url).send(LETTER)
    letter = inbox.letters[0]
    assert b"To: olga@example.ru\r\n" in letter
    assert b"Message-ID: <callcab-7-1000000000@callcab.example>" in letter
    assert b"multipart/alternative" in letter


@pytest.mark.parametrize(("reply", "kind"), [("550 no", Refused), ("451 later", Undelivered)])
def test_smtp_tells_for_good_from_for_now(server: tuple[Inbox, str], reply: str, kind: type[Exception]) -> None:
    inbox, url = server
    inbox.reply = reply
    with pytest.raises(kind):
        SmtpMail(url).send(LETTER)


def test_no_server_is_for_now() -> None:
    with pytest.raises(Undelivered):
        SmtpMail("smtp://127.0.0.1:1", seconds=1).send(LETTER)


def test_starttls_is_not_given_up_in_silence(server: tuple[Inbox, str]) -> None:
    inbox, url = server
    with pytest.raises((Refused, Undelivered)):
        SmtpMail(url.replace("smtp://", "smtp+starttls://"), context=ssl.create_default_context()).send(LETTER)
    assert inbox.letters == []


@pytest.mark.parametrize("provider", [MemoryMail(), ConsoleMail(), SmtpMail("smtp://127.0.0.1:1")])
def test_every_provider_refuses_headers_in_headers(provider: Any) -> None:
    with pytest.raises(Refused):
        provider.send(Letter(1, "a@b.ru", "a@b.ru", "Тема\nBcc: c@d.ru", "x"))


def test_without_a_server_letters_go_to_the_log() -> None:
    assert isinstance(make(None), ConsoleMail)
