"""Who may sign in with demo data; apart from the demo itself, which takes seconds to import."""

from dataclasses import dataclass

DEMO_PASSWORD_FILE = "demo_password"  # noqa: S105  (the name of a file)


@dataclass(frozen=True)
class Login:
    """A demo login and what it may look at."""

    email: str
    title: str


DEMO_LOGINS = (
    Login("support@demo.callcab", "support team, agent"),
    Login("lead@demo.callcab", "support team, lead"),
    Login("admin@demo.callcab", "support team, administrator"),
    Login("owner@demo.callcab", "customer «Северный ветер», owner"),
    Login("other@demo.callcab", "customer «Добрый доктор», owner"),
)
