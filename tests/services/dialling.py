"""A customer with a campaign under way, and ways to push its calls along."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.models import (
    Call,
    Contact,
    Customer,
    IvrAction,
    Purpose,
)
from callcab.providers.telephony.base import Event, EventKind, Heard
from callcab.scope import Actor, Scope
from callcab.services import call as calls
from callcab.services import campaign as campaigns
from callcab.services import ledger
from tests import factories

SYSTEM = Scope.system("test")
OLGA = Actor("Ольга", "owner")
# A Tuesday, noon in Moscow.
NOON = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
FIRST = 79253944501


def settled(
    phones: Sequence[int] = (FIRST,), *, balance: str = "100.00", numbers: int = 1, **values: Any
) -> tuple[int, int]:
    """A customer with a started campaign and free numbers; returns the ids of both."""
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        owner = factories.customer(session, balance=balance)
        for _ in range(numbers):
            factories.number(session)
        draft = campaigns.Draft(
            **{
                "name": "Обзвон",
                "purpose": Purpose.INFORMATION,
                "prompt": "Здравствуйте!",
                "contacts": "\n".join(map(str, phones)),
                "rules": (campaigns.Rule("9", IvrAction.BLACKLIST),),
                **values,
            }
        )
        campaign = campaigns.create(session, draft, customer_id=owner.id, actor=OLGA)
        campaigns.start(session, campaign.id, actor=OLGA, customer_id=owner.id)
        return owner.id, campaign.id


def dial(campaign_id: int, at: datetime = NOON) -> list[int]:
    with clock.frozen(at), unit_of_work(SYSTEM) as session:
        return campaigns.dial(session, campaign_id).calls


def end(call_id: int, at: datetime = NOON, **data: Any) -> None:
    """Tell the end of a call; by default it was listened to for ten seconds."""
    usual = {
        "cause": "completed",
        "by": "us",
        "digits": "",
        "answered_at": (at - timedelta(seconds=10)).isoformat(),
        "seconds": 10,
    }
    with clock.frozen(at), unit_of_work(SYSTEM) as session:
        call = session.get_one(Call, call_id)
        event = Event(str(call.provider_ref), "end", EventKind.HANGUP, at, {**usual, **data})
        assert calls.on_events(session, [event]) != [Heard.UNKNOWN]


def unanswered(call_id: int, cause: str, at: datetime = NOON) -> None:
    end(call_id, at, cause=cause, answered_at=None, seconds=0)


def get(model: type[Any], row_id: int) -> Any:
    with unit_of_work(SYSTEM) as session:
        return session.get_one(model, row_id)


def contact() -> Contact:
    with unit_of_work(SYSTEM) as session:
        return session.scalars(sa.select(Contact)).one()


def money(customer_id: int) -> tuple[Decimal, Decimal]:
    with unit_of_work(SYSTEM) as session:
        customer = session.get_one(Customer, customer_id)
        assert ledger.discrepancies(session) == []
        return customer.balance, customer.reserved
