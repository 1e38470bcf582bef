"""What a letter is, and what every way to send one promises."""

from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, parseaddr
from typing import Protocol


class MailError(Exception):
    """A letter that did not leave; ``reason`` is for support: a line of text without secrets."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = " ".join(reason.split())[:300]


class Undelivered(MailError):
    """It may work later: no connection, a busy server, wrong credentials."""


class Refused(MailError):
    """It never will: no such address, a header that can't be written."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along, as ``type/subtype`` under its name."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter to one recipient. ``number`` makes the Message-ID: the same for every try of the same letter."""

    number: int
    sender: str
    recipient: str
    subject: str
    text: str
    html: str = ""
    created_at: float = 0.0
    attachment: Attachment | None = None


class MailProvider(Protocol):
    """Sends a letter or raises Undelivered or Refused; never waits longer than a minute."""

    def send(self, letter: Letter) -> None: ...


def compose(letter: Letter) -> EmailMessage:
    """The letter as a message. Refused for anything that would write a header of its own (AC-43)."""
    name, address = parseaddr(letter.sender)
    domain = address.rpartition("@")[2] or "localhost"
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = Address(display_name=name, addr_spec=address)
        message["To"] = Address(addr_spec=ascii_domain(letter.recipient))
        message["Subject"] = letter.subject
    except (ValueError, HeaderParseError, IndexError) as problem:
        raise Refused(f"bad header: {type(problem).__name__}") from problem
    message["Date"] = formatdate(letter.created_at)
    message["Message-ID"] = f"<callcab-{letter.number}-{int(letter.created_at)}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    if letter.html:
        message.add_alternative(letter.html, subtype="html")
    if letter.attachment is not None:
        kind, _, subtype = letter.attachment.content_type.partition("/")
        name = letter.attachment.name
        message.add_attachment(letter.attachment.content, maintype=kind, subtype=subtype, filename=name)
    return message


def ascii_domain(address: str) -> str:
    """The address with its domain as DNS knows it (`почта@пример.рф`). ValueError for a domain that can't be."""
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{domain.encode('idna').decode('ascii')}" if at else address
