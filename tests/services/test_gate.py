"""The last look before a telephone rings: what was allowed a moment ago may be forbidden by now."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from callcab import queue
from callcab.db import CabSession, unit_of_work
from callcab.lib import clock
from callcab.models import (
    BlacklistEntry,
    BlacklistSource,
    Call,
    CallEvent,
    CallState,
    Campaign,
    CampaignState,
    Contact,
    ContactState,
    Customer,
    CustomerStatus,
    IvrAction,
    Outcome,
    Purpose,
)
from callcab.providers.telephony.base import Event, EventKind, Heard
from callcab.scope import Scope
from callcab.services import blacklist
from callcab.services import call as calls
from callcab.services import campaign as campaigns
from tests import factories
from tests.services.dialling import FIRST, NOON, OLGA, SYSTEM, contact, dial, end, get, money, settled

pytestmark = pytest.mark.usefixtures("connected")


def place(call_id: int, at: Any = NOON, key: str = "1:placed") -> Heard:
    with clock.frozen(at), unit_of_work(SYSTEM) as session:
        reference = str(session.get_one(Call, call_id).provider_ref)
        return calls.on_events(session, [Event(reference, key, EventKind.PLACED, at)])[0]


def test_a_call_is_let_through_once() -> None:
    _, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    assert [place(call_id), place(call_id)] == [Heard.NEWS, Heard.AGAIN]


def by_hand(session: CabSession, customer_id: int) -> None:
    blacklist.add(session, customer_id=customer_id, text=str(FIRST), source=BlacklistSource.HAND, actor=OLGA)


def by_api(session: CabSession, customer_id: int) -> None:
    blacklist.add(session, customer_id=customer_id, text=str(FIRST), source=BlacklistSource.API, actor=OLGA)


def on_the_platform(session: CabSession, customer_id: int) -> None:
    blacklist.add(session, customer_id=None, text=str(FIRST), source=BlacklistSource.HAND, actor=OLGA)


@pytest.mark.parametrize(
    ("put", "rule", "source"),
    [
        (by_hand, "own_list", "hand"),
        (by_api, "own_list", "api"),
        (on_the_platform, "platform_list", "hand"),
    ],
)
def test_a_number_listed_after_the_record_is_not_dialled_and_the_call_names_the_entry(
    put: Callable[[CabSession, int], None], rule: str, source: str
) -> None:
    customer_id, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        put(session, customer_id)
    assert place(call_id) is Heard.AGAIN
    call = get(Call, call_id)
    assert (call.state, call.outcome, call.cost) == (CallState.REFUSED, Outcome.REQUEST_REFUSED, Decimal("0.00"))
    found = next(item for item in call.decision if item["rule"] == rule)
    assert (found["verdict"], found["evidence"]["source"]) == ("never", source)
    assert (contact().state, contact().attempts) == (ContactState.REFUSED, 0)
    assert get(Campaign, campaign_id).state is CampaignState.FINISHED
    assert money(customer_id) == (Decimal("100.00"), Decimal("0.00"))


def test_an_opt_out_in_another_call_stops_one_that_is_recorded_already() -> None:
    customer_id, campaign_id = settled()
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        rules = (campaigns.Rule("9", IvrAction.BLACKLIST),)
        draft = campaigns.Draft("Второй", Purpose.SERVICE, "Да", str(FIRST), rules=rules)
        other = campaigns.create(session, draft, customer_id=customer_id, actor=OLGA)
        campaigns.start(session, other.id, actor=OLGA)
        factories.number(session)
    (first,) = dial(campaign_id)
    with unit_of_work(SYSTEM) as session:
        # As if both rounds had met: the pause between two calls to one number has passed.
        session.execute(sa.update(Call).values(created_at=NOON - timedelta(hours=1)))
    (second,) = dial(other.id)
    assert place(first) is Heard.NEWS
    end(first, digits="9")
    assert place(second) is Heard.AGAIN
    assert get(Call, second).state is CallState.REFUSED


def test_a_telephone_that_rings_already_is_hung_up_when_its_number_is_listed() -> None:
    customer_id, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    place(call_id)
    asked: list[tuple[str, dict[str, Any]]] = []
    queue.set_sender(lambda job, ids: asked.append((job, ids)))
    with clock.frozen(NOON), unit_of_work(Scope.tenant(customer_id)) as session:
        by_hand(session, customer_id)
    assert asked == [("call.hang_up", {"call_id": call_id})]


def test_a_paused_campaign_rings_nobody_and_its_contact_is_due_when_it_goes_on() -> None:
    customer_id, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    with unit_of_work(SYSTEM) as session:
        campaigns.pause(session, campaign_id, actor=OLGA)
    assert place(call_id) is Heard.AGAIN
    assert get(Call, call_id).decision[-1]["code"] == "campaign.is_paused"
    assert (contact().state, contact().attempts) == (ContactState.WAITING, 0)
    assert get(Campaign, campaign_id).state is CampaignState.PAUSED
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        campaigns.resume(session, campaign_id, actor=OLGA)
    assert len(dial(campaign_id)) == 1
    assert money(customer_id) == (Decimal("100.00"), Decimal("5.40"))


def test_a_customer_blocked_meanwhile_calls_nobody() -> None:
    customer_id, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    with unit_of_work(SYSTEM) as session:
        customer = session.get_one(Customer, customer_id)
        customer.status, customer.block_reason = CustomerStatus.BLOCKED, "долг"
    assert place(call_id) is Heard.AGAIN
    assert contact().state is ContactState.WAITING


def test_a_call_placed_after_closing_time_waits_for_the_morning() -> None:
    _, campaign_id = settled()
    (call_id,) = dial(campaign_id, NOON)
    late = NOON + timedelta(hours=8)
    assert place(call_id, late) is Heard.AGAIN
    assert (contact().state, contact().next_at) == (ContactState.WAITING, NOON.replace(day=25, hour=6))


def test_what_is_told_of_a_refused_call_is_not_kept() -> None:
    customer_id, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        by_hand(session, customer_id)
    place(call_id)
    end(call_id, cause="lost", answered_at=None, seconds=0)
    with unit_of_work(SYSTEM) as session:
        assert session.scalars(sa.select(CallEvent.kind)).all() == ["placed"]


def test_one_batch_lets_some_through_and_turns_others_away() -> None:
    customer_id, campaign_id = settled([FIRST + step for step in range(5)])
    placed = dial(campaign_id)
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        by_hand(session, customer_id)
        names = {call_id: str(session.get_one(Call, call_id).provider_ref) for call_id in placed}
    told = [Event(name, "1:placed", EventKind.PLACED, NOON) for name in names.values()]
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        heard = calls.on_events(session, told)
    assert heard == [Heard.AGAIN] + [Heard.NEWS] * 4
    with unit_of_work(SYSTEM) as session:
        assert session.scalars(sa.select(BlacklistEntry.phone)).all() == [FIRST]
        states = session.scalars(sa.select(Contact.state).order_by(Contact.id)).all()
    assert states == [ContactState.REFUSED] + [ContactState.CALLING] * 4
    assert money(customer_id) == (Decimal("100.00"), Decimal("21.60"))
