"""Letters: written down with what caused them, sent by a job, tried for a day and a half (F-13)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from callcab import queue
from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.errors import Conflict, Invalid, NotFound
from callcab.models import MailMessage, MailState, StoredFile
from callcab.providers.mail import Attachment, Letter, MailProvider, Refused, Undelivered
from callcab.scope import Actor
from callcab.services import audit, stored_file

JOB = "mail.send"
# At most so many letters an hour for one account and kind; what comes on top goes out as one digest (AC-39).
HOURLY = 5
WINDOW = timedelta(hours=1)
TRIED_FOR = timedelta(hours=36)
# Minutes to the next try; the last one repeats.
WAITS = (1, 2, 5, 10, 20, 30, 60)
DIGEST_PARTS = 50
_ADDRESS = re.compile(r"[^\s@<>(),;:\\\"\[\]\x00-\x1f\x7f]{1,64}@[^\s@<>(),;:\\\"\[\]\x00-\x1f\x7f]{1,190}")
_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")

_provider: MailProvider | None = None
_sender = ""


def use(provider: MailProvider | None, *, sender: str = "callcab <no-reply@localhost>") -> None:
    """Name the way to send; the edge does it once at start."""
    global _provider, _sender
    _provider, _sender = provider, sender


@dataclass(frozen=True)
class Claimed:
    """A letter that this worker tries now."""

    letter: Letter
    created_at: datetime


@dataclass(frozen=True)
class Outcome:
    """How a try ended: ``state`` queued means "again later"; ``error`` is a line for support."""

    state: MailState
    error: str = ""


def send(
    session: CabSession,
    *,
    kind: str,
    recipient: str,
    subject: str,
    text: str,
    html: str = "",
    customer_id: int | None = None,
    secret: bool = False,
    attachment: StoredFile | None = None,
) -> MailMessage | None:
    """Write a letter down; it leaves after the commit. Flushed.

    kind    stable code of the occasion (``login.reset``); the hourly limit counts by it and the account (the recipient
            when there is no customer). Beyond it letters wait and leave together as one; secret ones are dropped: None
    secret  the text holds a link or code that lets somebody in: blanked once it is sent
    attachment  a flushed file that goes along; it must live longer than the letter is tried
    raises  Invalid ``mail.recipient``, ``mail.subject`` for what would write headers of its own (AC-43)
    """
    if not is_address(recipient):
        raise Invalid("mail.recipient", field="recipient")
    if _BREAKS.search(subject) or not subject.strip() or len(subject) > 200:
        raise Invalid("mail.subject", field="subject")
    now = clock.now()
    free_at = _free_at(session, kind, recipient, customer_id, now)
    if free_at is not None and secret:
        return None
    message = MailMessage(
        kind=kind,
        recipient=recipient,
        subject=subject,
        text=text,
        html=html,
        customer_id=customer_id,
        secret=secret,
        attachment_id=None if attachment is None else attachment.id,
        attachment_name="" if attachment is None else attachment.name,
        created_at=now,
        next_at=free_at or now,
    )
    session.add(message)
    session.flush()
    if free_at is None:
        queue.later(session, JOB, mail_id=message.id)
    return message


def is_address(text: str) -> bool:
    """Whether it is one plain address: no list, no name, nothing that ends a header."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def _free_at(session: CabSession, kind: str, recipient: str, customer_id: int | None, now: datetime) -> datetime | None:
    """When the account's hour has room again; None when it has now. The lock makes simultaneous letters count."""
    account = f"mail:{kind}:{recipient.lower() if customer_id is None else customer_id}"
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(account, 0))))
    same = MailMessage.recipient == recipient if customer_id is None else MailMessage.customer_id == customer_id
    recent = session.scalars(
        sa.select(MailMessage.created_at)
        .where(same, MailMessage.kind == kind, MailMessage.created_at > now - WINDOW)
        .order_by(MailMessage.created_at.desc(), MailMessage.id.desc())
        .offset(HOURLY - 1)
        .limit(1)
    ).first()
    return None if recent is None else now + WINDOW


def claim(session: CabSession, mail_id: int) -> Claimed | None:
    """Take a letter that is due; None when it is sent, not due or in other hands. For the machine's own scope.

    The next time is written before the try, so a worker that dies leaves a letter that is tried again.
    """
    now = clock.now()
    message = session.scalar(
        sa.select(MailMessage)
        .where(MailMessage.id == mail_id, MailMessage.state == MailState.QUEUED, MailMessage.next_at <= now)
        .with_for_update(skip_locked=True)
    )
    if message is None:
        return None
    if message.attempts == 0 and message.next_at > message.created_at:
        _gather(session, message, now)
    attachment = _attachment(session, message)
    if message.attachment_name and attachment is None:
        message.state, message.error = MailState.FAILED, "the attached file is gone"
        session.flush()
        return None
    wait = WAITS[min(message.attempts, len(WAITS) - 1)]
    message.attempts += 1
    message.next_at = now + timedelta(minutes=wait)
    session.flush()
    letter = Letter(
        message.id,
        _sender,
        message.recipient,
        message.subject,
        message.text,
        message.html,
        message.created_at.timestamp(),
        attachment,
    )
    return Claimed(letter, message.created_at)


def _attachment(session: CabSession, message: MailMessage) -> Attachment | None:
    """The file that goes along; None when there is none, or no longer."""
    if message.attachment_id is None:
        return None
    try:
        file = stored_file.get(session, message.attachment_id, customer_id=None)
        return Attachment(file.name, file.content_type, stored_file.path(file).read_bytes())
    except (NotFound, OSError):
        return None


def _gather(session: CabSession, message: MailMessage, now: datetime) -> None:
    """Make one letter of all that waited for the same person and occasion; the others' rows go."""
    others: Sequence[MailMessage] = session.scalars(
        sa.select(MailMessage)
        .where(
            MailMessage.id != message.id,
            MailMessage.recipient == message.recipient,
            MailMessage.kind == message.kind,
            MailMessage.customer_id == message.customer_id
            if message.customer_id is not None
            else MailMessage.customer_id.is_(None),
            MailMessage.state == MailState.QUEUED,
            MailMessage.attempts == 0,
            MailMessage.next_at > MailMessage.created_at,
        )
        .order_by(MailMessage.id)
        .limit(DIGEST_PARTS - 1)
        .with_for_update(skip_locked=True)
    ).all()
    if not others:
        return
    parts = sorted([message, *others], key=lambda item: item.id)
    message.text = "\n\n———\n\n".join(f"{item.subject}\n\n{item.text}" for item in parts)
    message.html = ""
    message.subject = f"{parts[0].subject[:180]} (+{len(others)})"
    for item in others:
        session.delete(item)


def deliver(claimed: Claimed) -> Outcome:
    """Hand the letter over, outside any transaction. RuntimeError before ``use``."""
    if _provider is None:
        raise RuntimeError("no mail provider is named; call mail.use() first")
    try:
        _provider.send(claimed.letter)
    except Refused as problem:
        return Outcome(MailState.FAILED, problem.reason)
    except Undelivered as problem:
        late = clock.now() - claimed.created_at > TRIED_FOR
        return Outcome(MailState.FAILED if late else MailState.QUEUED, problem.reason)
    return Outcome(MailState.SENT)


def settle(session: CabSession, claimed: Claimed, outcome: Outcome) -> None:
    """Write down how the try ended; a secret text goes once it can't be needed."""
    message = session.scalar(sa.select(MailMessage).where(MailMessage.id == claimed.letter.number).with_for_update())
    if message is None or message.state is not MailState.QUEUED:
        return
    message.error = outcome.error
    message.state = outcome.state
    if outcome.state is MailState.SENT:
        message.sent_at = clock.now()
    if message.secret and outcome.state is not MailState.QUEUED:
        message.text = message.html = ""
    session.flush()


def retry(session: CabSession, mail_id: int, *, actor: Actor) -> MailMessage:
    """Let support send a failed letter again. Conflict ``mail.not_failed``: it is not failed, or its secret is gone."""
    now = clock.now()
    found: MailMessage | None = session.scalar(
        sa.update(MailMessage)
        .where(MailMessage.id == mail_id, MailMessage.state == MailState.FAILED, MailMessage.text != "")
        .values(state=MailState.QUEUED, attempts=1, next_at=now, created_at=now)
        .returning(MailMessage)
    )
    if found is None:
        raise Conflict("mail.not_failed")
    audit.record(
        session,
        "mail.retry",
        actor=actor,
        customer_id=found.customer_id,
        object_type="mail_message",
        object_id=found.id,
        after={"recipient": found.recipient, "subject": found.subject},
    )
    queue.later(session, JOB, mail_id=found.id)
    return found


def due(session: CabSession, *, limit: int = 500) -> list[int]:
    """Letters whose time has come. For the machine's own scope; ``claim`` decides who sends each."""
    return list(
        session.scalars(
            sa.select(MailMessage.id)
            .where(MailMessage.state == MailState.QUEUED, MailMessage.next_at <= clock.now())
            .order_by(MailMessage.next_at)
            .limit(limit)
        )
    )
