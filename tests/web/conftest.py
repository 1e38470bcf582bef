"""Lists of the small application, and who looks at them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from callcab.config import Settings
from callcab.db import unit_of_work
from callcab.models import BlacklistEntry, BlacklistSource
from callcab.scope import Scope
from tests import factories
from tests.web.listing_app import make_app

LIST = "/cabinet/blacklist/"
START = datetime(2024, 5, 7, 7, 55, 26, tzinfo=UTC)


@dataclass
class Door:
    """A browser with a name."""

    client: FlaskClient
    user: int | None

    def get(self, url: str, **headers: str) -> Any:
        return self.client.get(url, headers=self._headers(headers))

    def post(self, url: str, data: dict[str, Any], *, token: bool = True, **headers: str) -> Any:
        if token:
            page = self.get(LIST if "/cabinet/" in url else "/admin/blacklist/").get_data(as_text=True)
            found = re.search(r'name="csrf_token" value="([^"]+)"', page)
            data = {**data, "csrf_token": found[1] if found else ""}
        return self.client.post(url, data=data, headers=self._headers(headers))

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return named if self.user is None else {**named, "X-User": str(self.user)}


@dataclass
class Stage:
    owner: Door
    viewer: Door
    stranger: Door
    support: Door
    nobody: Door
    foreign_id: int


@pytest.fixture
def stage(connected: sa.Engine, settings: Settings) -> Stage:
    """An owner with thirty numbers, a colleague who may only look, a stranger with one number, and support."""
    app = make_app(settings)
    with unit_of_work(Scope.system("test")) as session:
        owner, stranger = factories.customer(session), factories.customer(session)
        for number in range(30):
            session.add(
                BlacklistEntry(
                    customer_id=owner.id,
                    phone=79253940000 + number,
                    source=BlacklistSource.HAND if number < 10 else BlacklistSource.FILE,
                    reason="<script>alert(1)</script>" if number == 29 else "",
                    created_at=START + timedelta(minutes=number),
                )
            )
        session.flush()
        foreign = BlacklistEntry(customer_id=stranger.id, phone=79990000000, source=BlacklistSource.HAND)
        session.add(foreign)
        people = [
            factories.user(session, owner, "owner").id,
            factories.user(session, owner, "viewer").id,
            factories.user(session, stranger, "owner").id,
            factories.user(session, None, "lead").id,
        ]
        session.flush()
        foreign_id = foreign.id
    doors = [Door(app.test_client(), who) for who in [*people, None]]
    return Stage(*doors, foreign_id=foreign_id)


def text_of(answer: Any) -> str:
    return str(answer.get_data(as_text=True))
