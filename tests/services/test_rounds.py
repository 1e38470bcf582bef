"""When a campaign's next dialling round is asked for: one at a time, none in vain, none lost."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.lib.errors import Invalid
from callcab.models import Call, CallState, Campaign, CampaignState, Customer, EntryKind, Outcome
from callcab.providers.telephony.base import Event, EventKind
from callcab.services import call as calls
from callcab.services import campaign as campaigns
from callcab.services import ledger, reservation
from tests import factories
from tests.services.dialling import FIRST, NOON, SYSTEM, contact, dial, end, get, money, settled, unanswered

pytestmark = pytest.mark.usefixtures("connected")


def asked(at: datetime) -> list[int]:
    with clock.frozen(at), unit_of_work(SYSTEM) as session:
        return campaigns.due(session)


def one_more_line(campaign_id: int) -> None:
    with unit_of_work(SYSTEM) as session:
        session.get_one(Campaign, campaign_id).lines += 1


def after(**span: float) -> datetime:
    return NOON + timedelta(**span)


def test_a_round_that_is_queued_is_not_asked_for_again_until_it_begins_or_was_lost() -> None:
    _, campaign_id = settled([FIRST, FIRST + 1, FIRST + 2], lines=1)
    dial(campaign_id, after(seconds=1))
    one_more_line(campaign_id)
    assert asked(after(seconds=2)) == [campaign_id]
    assert asked(after(seconds=3)) == []
    assert asked(after(seconds=20)) == [campaign_id]
    dial(campaign_id, after(seconds=21))
    one_more_line(campaign_id)
    assert asked(after(seconds=22)) == [campaign_id]


def test_a_campaign_whose_lines_are_all_in_use_is_left_alone_until_one_is_free() -> None:
    _, campaign_id = settled([FIRST, FIRST + 1], lines=1)
    (call_id,) = dial(campaign_id, after(seconds=1))
    assert asked(after(seconds=60)) == []
    end(call_id, after(seconds=61))
    # The end asked already; that round is lost.
    assert asked(after(seconds=90)) == [campaign_id]


def test_a_round_on_a_machine_whose_clock_is_behind_counts_as_begun() -> None:
    _, campaign_id = settled([FIRST, FIRST + 1], lines=1)
    dial(campaign_id, after(seconds=-30))
    assert asked(after(seconds=1)) == [campaign_id]


def test_a_campaign_whose_contacts_are_due_later_is_left_alone() -> None:
    _, campaign_id = settled()
    (call_id,) = dial(campaign_id, NOON)
    unanswered(call_id, "busy")
    dial(campaign_id, after(seconds=1))
    assert asked(after(minutes=5)) == []
    assert asked(after(minutes=10)) == [campaign_id]


def test_a_campaign_that_waits_for_money_is_looked_at_every_few_seconds() -> None:
    _, campaign_id = settled(balance="1.00")
    dial(campaign_id, NOON)
    assert get(Campaign, campaign_id).wait_reason == "balance.low"
    assert asked(after(seconds=2)) == []
    assert asked(after(seconds=6)) == [campaign_id]


def test_the_money_lasts_for_as_many_calls_as_it_covers_and_then_the_campaign_waits() -> None:
    customer_id, campaign_id = settled([FIRST + step for step in range(5)], balance="20.00")
    assert len(dial(campaign_id)) == 3
    assert money(customer_id) == (Decimal("20.00"), Decimal("16.20"))
    campaign = get(Campaign, campaign_id)
    assert (campaign.state, campaign.wait_reason) == (CampaignState.WAITING, "balance.low")
    with unit_of_work(SYSTEM) as session:
        factories.credit(session, session.get_one(Customer, customer_id), "50.00")
    assert len(dial(campaign_id, after(seconds=6))) == 2
    assert get(Campaign, campaign_id).state is CampaignState.RUNNING


def test_a_tariff_that_costs_nothing_needs_no_money() -> None:
    with unit_of_work(SYSTEM) as session:
        factories.tariff(session).minute_price = Decimal(0)
    _, campaign_id = settled([FIRST, FIRST + 1], balance="0")
    assert len(dial(campaign_id)) == 2


def test_a_call_of_which_the_provider_said_something_is_not_given_up() -> None:
    customer_id, campaign_id = settled([FIRST, FIRST + 1])
    heard, silent = dial(campaign_id)
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        name = str(session.get_one(Call, heard).provider_ref)
        calls.on_events(session, [Event(name, "1:placed", EventKind.PLACED, NOON)])
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        calls.give_up(session, [heard, silent], code="telephony.down")
    assert (get(Call, heard).ended_at, get(Call, silent).state) == (None, CallState.REFUSED)
    end(heard)
    assert money(customer_id) == (Decimal("98.20"), Decimal("0.00"))


def test_a_call_that_was_given_up_is_not_dialled_when_the_provider_has_it_after_all() -> None:
    _, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        calls.give_up(session, [call_id], code="telephony.down")
        name = str(session.get_one(Call, call_id).provider_ref)
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        heard = calls.on_events(session, [Event(name, "1:placed", EventKind.PLACED, NOON)])
    assert [how.name for how in heard] == ["AGAIN"]


def test_a_dialer_that_died_while_dialling_ends_the_call_as_lost_and_free() -> None:
    customer_id, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    end(call_id, cause="lost", answered_at=None, seconds=0)
    assert (get(Call, call_id).outcome, contact().attempts) == (Outcome.LOST, 1)
    assert money(customer_id) == (Decimal("100.00"), Decimal("0.00"))


def test_a_bill_higher_than_what_was_held_is_refused() -> None:
    customer_id, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    with unit_of_work(SYSTEM) as session, pytest.raises(Invalid, match="reservation.amount_outside"):
        accounts = ledger.lock_accounts(session, [customer_id])
        held = session.get_one(Call, call_id).reservation_id or 0
        bill = reservation.Bill(held, Decimal("5.41"), call_id)
        reservation.settle(session, accounts, [bill], kind=EntryKind.CALL, cause="call")


def test_refused_contacts_take_no_line_and_the_next_batch_goes_on() -> None:
    _, campaign_id = settled([FIRST + step for step in range(45)], lines=2)
    with unit_of_work(SYSTEM) as session:
        session.execute(
            sa.text(
                "INSERT INTO blacklist_entry (customer_id, phone, source, reason, author_name, created_at)"
                " SELECT NULL, phone, 'hand', '', '', now() FROM contact ORDER BY id LIMIT 40"
            )
        )
    placed, refused, looked = [], 0, 0
    with clock.frozen(NOON):
        more = True
        while more:
            with unit_of_work(SYSTEM) as session:
                outcome = campaigns.dial(session, campaign_id)
            placed += outcome.calls
            refused, looked, more = refused + outcome.refused, looked + 1, outcome.more
    assert (len(placed), refused, looked) == (2, 40, 3)
    assert get(Campaign, campaign_id).contacts_done == 40
