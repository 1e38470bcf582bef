"""Letters through an SMTP server.

``smtp://host:25`` plain, ``smtp+starttls://user:password@host:587``, ``smtps://user:password@host:465``.
"""

import smtplib
import ssl
from urllib.parse import unquote, urlsplit

from callcab.providers.mail.base import Letter, Refused, Undelivered, compose

SECONDS = 10
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class SmtpMail:
    """One connection per letter: a job sends one, and a server that hangs is left after SECONDS."""

    def __init__(self, url: str, *, seconds: float = SECONDS, context: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("use smtp://, smtp+starttls:// or smtps:// with a host")
        self._scheme = parts.scheme
        self._host = parts.hostname
        self._port = parts.port or PORTS[parts.scheme]
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._seconds = seconds
        self._context = context

    def send(self, letter: Letter) -> None:
        message = compose(letter)
        try:
            with self._connect() as server:
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as problem:
            code, text = next(iter(problem.recipients.values()))
            raise _told(code, text) from problem
        except smtplib.SMTPAuthenticationError as problem:
            raise Undelivered(f"the mail server does not let us in ({problem.smtp_code})") from problem
        except smtplib.SMTPConnectError as problem:
            raise Undelivered(_words(problem.smtp_code, problem.smtp_error)) from problem
        except smtplib.SMTPResponseException as problem:
            raise _told(problem.smtp_code, problem.smtp_error) from problem
        except (smtplib.SMTPNotSupportedError, UnicodeEncodeError) as problem:
            raise Refused("the mail server can't write to this address") from problem
        except (OSError, smtplib.SMTPException) as problem:
            raise Undelivered(f"no mail server: {type(problem).__name__}") from problem

    def _connect(self) -> smtplib.SMTP:
        if self._scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=self._seconds, context=self._tls())
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=self._seconds)
        try:
            if self._scheme == "smtp+starttls":
                server.starttls(context=self._tls())
            if self._user:
                server.login(self._user, self._password)
        except BaseException:
            server.close()
            raise
        return server

    def _tls(self) -> ssl.SSLContext:
        return self._context or ssl.create_default_context()


def _told(code: int, text: bytes | str) -> Refused | Undelivered:
    """5xx is for good, everything else for now."""
    kind = Refused if 500 <= code < 600 else Undelivered
    return kind(_words(code, text))


def _words(code: int, text: bytes | str) -> str:
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {shown}"
