"""API tokens: shown once, checked, ended."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.lib.errors import Invalid, LimitReached, NotFound
from callcab.models import ApiToken, Customer, CustomerStatus
from callcab.scope import Actor, Scope
from callcab.services import api_token
from tests import factories

SYSTEM = Scope.system("sign-in")
OLGA = Actor("Ольга", "owner")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def firm(connected: sa.Engine) -> int:
    with unit_of_work(SYSTEM) as session:
        return int(factories.customer(session).id)


def make(firm: int, expires_at: datetime | None = None, scopes: tuple[str, ...] = ("account:read",)) -> tuple[int, str]:
    with unit_of_work(Scope.tenant(firm)) as session:
        row, text = api_token.create(
            session, customer_id=firm, name="CRM", scopes=scopes, expires_at=expires_at, actor=OLGA
        )
        return row.id, text


def holder(text: str) -> api_token.Holder | None:
    with unit_of_work(SYSTEM) as session:
        return api_token.find(session, text)


def test_a_token_is_found_by_its_text_and_only_its_hash_is_kept(firm: int) -> None:
    token_id, text = make(firm)
    found = holder(text)
    assert found is not None and (found.token_id, found.customer_id) == (token_id, firm)
    with unit_of_work(SYSTEM) as session:
        row = session.get_one(ApiToken, token_id)
    assert text.startswith(row.prefix) and row.token_hash not in text


def test_a_revoked_token_is_dead_at_once(firm: int) -> None:
    token_id, text = make(firm)
    with unit_of_work(Scope.tenant(firm)) as session:
        api_token.revoke(session, customer_id=firm, token_id=token_id, actor=OLGA)
    assert holder(text) is None


def test_a_token_of_another_customer_can_not_be_revoked(firm: int) -> None:
    token_id, text = make(firm)
    with unit_of_work(SYSTEM) as session:
        other = int(factories.customer(session).id)
    with pytest.raises(NotFound), unit_of_work(Scope.tenant(other)) as session:
        api_token.revoke(session, customer_id=other, token_id=token_id, actor=OLGA)
    assert holder(text) is not None


def test_a_token_ends_at_its_time(firm: int) -> None:
    with clock.frozen(NOON):
        _id, text = make(firm, NOON + timedelta(days=1))
        assert holder(text) is not None
    with clock.frozen(NOON + timedelta(days=1)):
        assert holder(text) is None


def test_blocking_the_customer_stops_his_programs(firm: int) -> None:
    _id, text = make(firm)
    with unit_of_work(SYSTEM) as session:
        row = session.get_one(Customer, firm)
        row.status, row.block_reason = CustomerStatus.BLOCKED, "нет договора"
    assert holder(text) is None


@pytest.mark.parametrize("scopes", [(), ("everything",), ("account:read", "admin")])
def test_only_known_scopes_are_given(firm: int, scopes: tuple[str, ...]) -> None:
    with pytest.raises(Invalid):
        make(firm, scopes=scopes)


def test_tokens_are_limited(firm: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_token, "LIMIT", 1)
    make(firm)
    with pytest.raises(LimitReached):
        make(firm)
