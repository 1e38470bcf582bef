"""Letters go to the log: what a new installation does until a mail server is named."""

import logging

from callcab.providers.mail.base import Letter, compose

log = logging.getLogger(__name__)


class ConsoleMail:
    """Writes a line and the text, so that a developer can click the link in it."""

    def send(self, letter: Letter) -> None:
        compose(letter)
        log.info("mail to %s: %s\n%s", letter.recipient, letter.subject, letter.text)
