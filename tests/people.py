"""People with names. Olga owns a customer, Kolya works for her, Stranger owns another; Sasha and Lida are support."""

from dataclasses import dataclass
from functools import cache

import sqlalchemy as sa
from flask import Flask

from callcab.db import unit_of_work
from callcab.models import Customer, Tariff
from callcab.scope import Scope
from callcab.services import password
from tests import factories
from tests.client import Browser

PASSWORD = "correct horse battery"


@cache
def _hash() -> str:
    return password.hash_password(PASSWORD)


@dataclass
class People:
    """Ids of the cast, and browsers that are signed in."""

    app: Flask
    customer_id: int
    other_id: int
    emails: dict[str, str]

    def browser(self, name: str, **options: str) -> Browser:
        """A browser in which this person has signed in through the form."""
        browser = Browser(self.app, **options)
        browser.sign_in(self.emails[name], PASSWORD)
        return browser

    @property
    def olga(self) -> Browser:
        return self.browser("olga")

    @property
    def kolya(self) -> Browser:
        return self.browser("kolya")

    @property
    def stranger(self) -> Browser:
        return self.browser("stranger")

    @property
    def sasha(self) -> Browser:
        return self.browser("sasha")

    @property
    def lida(self) -> Browser:
        return self.browser("lida")

    @property
    def admin(self) -> Browser:
        return self.browser("admin")


CAST = {
    "olga": ("olga@romashka.example", "Ольга Владелец", "owner"),
    "kolya": ("kolya@romashka.example", "Коля Оператор", "operator"),
    "vera": ("vera@romashka.example", "Вера Наблюдатель", "viewer"),
    "stranger": ("stranger@other.example", "Чужой Владелец", "owner"),
    "sasha": ("sasha@callcab.example", "Саша Агент", "agent"),
    "lida": ("lida@callcab.example", "Лида Старшая", "lead"),
    "admin": ("admin@callcab.example", "Админ Главный", "admin"),
}


def settle(app: Flask) -> People:
    """Make two customers with 1 000,00 ₽ each, their people, and support; committed."""
    with unit_of_work(Scope.system("test people")) as session:
        mine = factories.customer(session, name="ООО «Ромашка»", inn="7707083893", balance="1000.00")
        other = factories.customer(session, name="ООО «Чужие»", inn="7702070139", balance="1000.00")
        owners: dict[str, Customer | None] = {"olga": mine, "kolya": mine, "vera": mine, "stranger": other}
        for key, (email, name, role) in CAST.items():
            factories.user(session, owners.get(key), role, email=email, name=name, password_hash=_hash())
        assert session.scalar(sa.select(Tariff.id))
        return People(app, mine.id, other.id, {key: value[0] for key, value in CAST.items()})
