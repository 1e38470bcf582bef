"""What a provider tells, in batches: any order, any repetition, calls of many campaigns at once."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
import sqlalchemy as sa

from callcab import queue
from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.models import BlacklistEntry, Call, Campaign, CampaignState, Outcome, Tariff
from callcab.providers.telephony.base import Event, EventKind, Heard
from callcab.services import call as calls
from tests.services.dialling import FIRST, NOON, SYSTEM, dial, get, money, settled

pytestmark = pytest.mark.usefixtures("connected")
END = {"cause": "completed", "by": "us", "digits": "1", "answered_at": NOON.isoformat(), "seconds": 10}
SILENT = {"cause": "no_answer", "by": "us", "digits": "", "answered_at": None, "seconds": 0}


def reference(call_id: int) -> str:
    return str(get(Call, call_id).provider_ref)


def story(name: str) -> list[Event]:
    told = (
        (EventKind.PLACED, {}),
        (EventKind.RINGING, {}),
        (EventKind.ANSWERED, {}),
        (EventKind.DIGIT, {"digit": "1"}),
        (EventKind.HANGUP, END),
    )
    return [Event(name, kind.value, kind, NOON + timedelta(seconds=i), data) for i, (kind, data) in enumerate(told)]


def tell(events: list[Event], at: datetime = NOON) -> list[Heard]:
    with clock.frozen(at), unit_of_work(SYSTEM) as session:
        return calls.on_events(session, events)


def test_a_whole_call_in_one_batch_ends_as_if_it_was_told_bit_by_bit() -> None:
    customer_id, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    assert tell(story(reference(call_id))) == [Heard.NEWS] * 5
    call = get(Call, call_id)
    assert (call.outcome, call.digits, call.seconds, call.cost) == (Outcome.COMPLETED, "1", 10, Decimal("1.80"))
    assert money(customer_id) == (Decimal("98.20"), Decimal("0.00"))


@pytest.mark.parametrize("order", [*permutations(range(1, 5))][::5])
def test_every_order_of_a_batch_ends_the_same(order: tuple[int, ...]) -> None:
    customer_id, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    events = story(reference(call_id))
    tell([events[0], *(events[place] for place in order)])
    call = get(Call, call_id)
    assert (call.outcome, call.digits, call.answered_at, call.cost) == (
        Outcome.COMPLETED,
        "1",
        NOON,
        Decimal("1.80"),
    )
    assert money(customer_id) == (Decimal("98.20"), Decimal("0.00"))


def test_an_event_that_stands_twice_in_a_batch_counts_once() -> None:
    _, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    (digit,) = [event for event in story(reference(call_id)) if event.kind is EventKind.DIGIT]
    assert tell([digit, digit]) == [Heard.NEWS, Heard.AGAIN]
    assert get(Call, call_id).digits == "1"


def test_a_batch_that_is_told_again_changes_nothing() -> None:
    customer_id, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    events = story(reference(call_id))
    tell(events)
    assert tell(events) == [Heard.AGAIN] * 5
    assert money(customer_id) == (Decimal("98.20"), Decimal("0.00"))


def test_an_unknown_reference_is_said_to_be_one_and_harms_no_other_event() -> None:
    _, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    stranger = Event("nobody", "x", EventKind.HANGUP, NOON, END)
    assert tell([stranger, *story(reference(call_id)), stranger]) == [
        Heard.UNKNOWN,
        *[Heard.NEWS] * 5,
        Heard.UNKNOWN,
    ]


def test_a_batch_of_two_customers_charges_each_his_own() -> None:
    owners = [settled([FIRST + 10 * step, FIRST + 10 * step + 1]) for step in range(2)]
    names = [reference(call_id) for _, campaign_id in owners for call_id in dial(campaign_id)]
    tell([Event(name, "end", EventKind.HANGUP, NOON, END) for name in names])
    for customer_id, campaign_id in owners:
        assert money(customer_id) == (Decimal("96.40"), Decimal("0.00"))
        campaign = get(Campaign, campaign_id)
        assert (campaign.state, campaign.contacts_done) == (CampaignState.FINISHED, 2)


def test_a_nine_told_only_with_a_late_end_is_kept_all_the_same() -> None:
    _, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    with clock.frozen(NOON + timedelta(minutes=10)), unit_of_work(SYSTEM) as session:
        calls.reap(session, [call_id], now=NOON + timedelta(minutes=10))
    tell([Event(reference(call_id), "end", EventKind.HANGUP, NOON, {**END, "digits": "9"})])
    with unit_of_work(SYSTEM) as session:
        assert session.scalars(sa.select(BlacklistEntry.phone)).all() == [FIRST]


def test_fifty_calls_end_with_as_many_statements_as_five(connected: sa.Engine) -> None:
    counts = []
    for size in (5, 50):
        phones = [FIRST + 1000 * size + step for step in range(size)]
        _, campaign_id = settled(phones, balance="1000.00", lines=size)
        names = [reference(call_id) for call_id in dial(campaign_id)]
        assert len(names) == size
        seen: list[str] = []

        def note(conn: Any, cursor: Any, statement: str, *rest: Any, seen: list[str] = seen) -> None:
            seen.append(statement)

        sa.event.listen(connected, "before_cursor_execute", note)
        tell([event for name in names for event in story(name)])
        sa.event.remove(connected, "before_cursor_execute", note)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 30


def test_a_batch_of_ends_asks_for_one_round() -> None:
    _, campaign_id = settled([FIRST + step for step in range(12)], lines=5)
    names = [reference(call_id) for call_id in dial(campaign_id)]
    asked: list[tuple[str, dict[str, Any]]] = []
    queue.set_sender(lambda job, ids: asked.append((job, ids)))
    for name in names:
        tell([Event(name, "end", EventKind.HANGUP, NOON, END)], NOON + timedelta(seconds=1))
    assert asked == [("campaign.dial", {"campaign_id": campaign_id})]


@pytest.mark.parametrize(
    ("cause", "data", "cost"),
    [
        ("no_answer", SILENT, "0.40"),
        ("busy", SILENT, "0.40"),
        ("machine", {"seconds": 4}, "0.90"),
        ("congestion", SILENT, "0.00"),
        ("unallocated", SILENT, "0.00"),
        ("completed", {"seconds": 61}, "1.98"),
    ],
)
def test_the_outcome_decides_the_price(cause: str, data: dict[str, Any], cost: str) -> None:
    customer_id, campaign_id = settled()
    with unit_of_work(SYSTEM) as session:
        tariff = session.scalars(sa.select(Tariff)).one()
        tariff.attempt_price, tariff.machine_price = Decimal("0.40"), Decimal("0.90")
    (call_id,) = dial(campaign_id)
    tell([Event(reference(call_id), "end", EventKind.HANGUP, NOON, {**END, **data, "cause": cause})])
    assert get(Call, call_id).cost == Decimal(cost)
    assert money(customer_id) == (Decimal("100.00") - Decimal(cost), Decimal("0.00"))


def test_a_tariff_that_is_edited_meanwhile_changes_no_call_under_way() -> None:
    customer_id, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(Tariff).values(minute_price=Decimal("50.00")))
    tell(story(reference(call_id)))
    assert money(customer_id) == (Decimal("98.20"), Decimal("0.00"))


def test_who_answers_and_presses_nine_in_one_batch_hears_the_goodbye_to_its_end() -> None:
    _, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    asked: list[tuple[str, dict[str, Any]]] = []
    queue.set_sender(lambda job, ids: asked.append((job, ids)))
    told = [event for event in story(reference(call_id)) if event.kind is not EventKind.HANGUP]
    tell([*told[:-1], Event(told[-1].reference, "nine", EventKind.DIGIT, NOON, {"digit": "9"})])
    with unit_of_work(SYSTEM) as session:
        assert session.scalars(sa.select(BlacklistEntry.phone)).all() == [FIRST]
    assert asked == []
