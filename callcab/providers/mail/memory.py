"""Letters stay in a list: for tests, which look at what was sent and say what goes wrong."""

from callcab.providers.mail.base import Letter, MailError, compose


class MemoryMail:
    """``sent`` in order; ``problem``, when set, is raised instead of sending."""

    def __init__(self) -> None:
        self.sent: list[Letter] = []
        self.problem: MailError | None = None

    def send(self, letter: Letter) -> None:
        compose(letter)
        if self.problem is not None:
            raise self.problem
        self.sent.append(letter)
