"""Ways to send a letter: an SMTP server, the log (nothing configured), memory (tests)."""

from callcab.providers.mail.base import Attachment, Letter, MailProvider, Refused, Undelivered
from callcab.providers.mail.console import ConsoleMail
from callcab.providers.mail.memory import MemoryMail
from callcab.providers.mail.smtp import SmtpMail

__all__ = [
    "Attachment",
    "ConsoleMail",
    "Letter",
    "MailProvider",
    "MemoryMail",
    "Refused",
    "SmtpMail",
    "Undelivered",
    "make",
]


def make(smtp_url: str | None) -> MailProvider:
    """The provider that the settings name; without a server letters go to the log."""
    return SmtpMail(smtp_url) if smtp_url else ConsoleMail()
