"""Campaigns, calls, decisions and money, from the list to the last event."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.lib.errors import Conflict, Invalid, NotFound
from callcab.models import (
    BlacklistEntry,
    BlacklistSource,
    Call,
    CallState,
    Campaign,
    CampaignState,
    ContactState,
    Customer,
    IvrAction,
    NumberState,
    Outcome,
    PhoneNumber,
    Purpose,
    Tariff,
)
from callcab.providers.telephony.base import Event, EventKind
from callcab.services import call as calls
from callcab.services import campaign as campaigns
from callcab.services import decision, phone_number, pricing
from tests import factories
from tests.services.dialling import FIRST, NOON, OLGA, SYSTEM, contact, dial, end, get, money, settled, unanswered

pytestmark = pytest.mark.usefixtures("connected")

# Price


@pytest.mark.parametrize(
    ("seconds", "price"),
    [(0, "0.00"), (1, "1.80"), (60, "1.80"), (61, "1.98"), (66, "1.98"), (67, "2.16"), (180, "5.40")],
)
def test_started_intervals_are_paid(seconds: int, price: str) -> None:
    tariff = Tariff(first_seconds=60, step_seconds=6, minute_price=Decimal("1.80"))
    assert pricing.call_price(tariff, seconds) == Decimal(price)


def test_an_odd_price_is_rounded_half_up_once() -> None:
    tariff = Tariff(first_seconds=1, step_seconds=1, minute_price=Decimal("0.9000"))
    assert pricing.call_price(tariff, 7) == Decimal("0.11")


# Dialling


def test_a_call_is_reserved_before_it_rings_and_settled_after() -> None:
    customer_id, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    assert money(customer_id) == (Decimal("100.00"), Decimal("5.40"))
    end(call_id)
    assert money(customer_id) == (Decimal("98.20"), Decimal("0.00"))
    call = get(Call, call_id)
    assert (call.state, call.outcome, call.seconds, call.cost) == (
        CallState.FINISHED,
        Outcome.COMPLETED,
        10,
        Decimal("1.80"),
    )


def test_the_end_of_the_last_contact_ends_the_campaign_and_frees_the_number() -> None:
    _, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    end(call_id)
    campaign = get(Campaign, campaign_id)
    assert (campaign.state, campaign.contacts_done) == (CampaignState.FINISHED, 1)
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(PhoneNumber.state)) is NumberState.FREE


def test_the_same_end_twice_is_paid_once() -> None:
    customer_id, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    for _ in range(3):
        end(call_id)
    assert money(customer_id)[0] == Decimal("98.20")


def test_an_answer_after_the_end_changes_nothing() -> None:
    customer_id, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    end(call_id)
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        reference = str(session.get_one(Call, call_id).provider_ref)
        calls.on_events(session, [Event(reference, "late", EventKind.ANSWERED, NOON)])
    assert get(Call, call_id).state is CallState.FINISHED


def test_no_more_calls_at_once_than_lines() -> None:
    _, campaign_id = settled([FIRST + step for step in range(5)], lines=2)
    assert len(dial(campaign_id)) == 2
    assert dial(campaign_id) == []


def test_a_dialled_contact_is_not_dialled_again_by_a_second_round() -> None:
    _, campaign_id = settled()
    assert len(dial(campaign_id)) == 1
    assert dial(campaign_id) == []


@pytest.mark.parametrize(("cause", "delay"), [("busy", timedelta(minutes=10)), ("no_answer", timedelta(hours=1))])
def test_a_busy_or_silent_contact_is_called_again_later(cause: str, delay: timedelta) -> None:
    customer_id, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    unanswered(call_id, cause)
    assert (contact().state, contact().next_at) == (ContactState.WAITING, NOON + delay)
    assert money(customer_id) == (Decimal("100.00"), Decimal("0.00"))
    assert len(dial(campaign_id, NOON + delay + timedelta(seconds=1))) == 1


@pytest.mark.parametrize("cause", ["rejected", "unallocated"])
def test_who_declined_or_does_not_exist_is_not_called_again(cause: str) -> None:
    _, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    unanswered(call_id, cause)
    assert contact().state is ContactState.DONE


def test_a_number_that_does_not_exist_is_not_called_by_later_campaigns_either() -> None:
    customer_id, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    unanswered(call_id, "unallocated")
    for days, code in ((1, "number.unallocated"), (179, "number.unallocated"), (181, "allowed")):
        with unit_of_work(SYSTEM) as session:
            now = NOON + timedelta(days=days)
            found = decision.decide(session, customer_id=customer_id, phone=FIRST, campaign=None, now=now)
            assert found.code == code
            if not found.allowed:
                assert found.trace[0].evidence["since"] == NOON.isoformat()


def test_attempts_end_with_the_campaigns_limit() -> None:
    _, campaign_id = settled(max_attempts=1)
    (call_id,) = dial(campaign_id)
    unanswered(call_id, "busy")
    assert get(Campaign, campaign_id).state is CampaignState.FINISHED


def test_without_a_free_number_the_campaign_waits_and_goes_on_by_itself() -> None:
    _, campaign_id = settled(numbers=0)
    assert dial(campaign_id) == []
    assert get(Campaign, campaign_id).wait_reason == "number.none_free"
    with unit_of_work(SYSTEM) as session:
        factories.number(session)
    assert len(dial(campaign_id)) == 1


def test_without_money_the_campaign_waits_and_goes_on_after_a_payment() -> None:
    customer_id, campaign_id = settled([FIRST, FIRST + 1], balance="6.00")
    assert len(dial(campaign_id)) == 1
    assert get(Campaign, campaign_id).wait_reason == "balance.low"
    with unit_of_work(SYSTEM) as session:
        factories.credit(session, session.get_one(Customer, customer_id), "10.00")
    assert len(dial(campaign_id)) == 1
    assert get(Campaign, campaign_id).state is CampaignState.RUNNING


def test_a_blacklisted_contact_is_refused_at_dial_time_with_its_reason() -> None:
    customer_id, campaign_id = settled()
    with unit_of_work(SYSTEM) as session:
        session.add(BlacklistEntry(customer_id=customer_id, phone=FIRST, source=BlacklistSource.HAND))
    assert dial(campaign_id) == []
    assert (contact().state, contact().outcome) == (ContactState.REFUSED, "blacklist.own")
    with unit_of_work(SYSTEM) as session:
        call = session.scalars(sa.select(Call)).one()
        assert call.state is CallState.REFUSED
        assert {"own_list": "never"}.items() <= {item["rule"]: item["verdict"] for item in call.decision}.items()


def test_pressing_nine_puts_the_callee_on_the_list_at_once() -> None:
    customer_id, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        reference = str(session.get_one(Call, call_id).provider_ref)
        calls.on_events(session, [Event(reference, "1", EventKind.DIGIT, NOON, {"digit": "9"})])
    with unit_of_work(SYSTEM) as session:
        entry = session.scalars(sa.select(BlacklistEntry)).one()
        assert (entry.customer_id, entry.phone, entry.source, entry.call_id) == (
            customer_id,
            FIRST,
            BlacklistSource.IVR,
            call_id,
        )


def test_an_opt_out_stops_contacts_of_other_campaigns_too() -> None:
    customer_id, campaign_id = settled()
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        factories.number(session)
        draft = campaigns.Draft("Второй", Purpose.SERVICE, "Здравствуйте!", str(FIRST))
        other = campaigns.create(session, draft, customer_id=customer_id, actor=OLGA)
        campaigns.start(session, other.id, actor=OLGA)
    (call_id,) = dial(campaign_id)
    end(call_id, digits="9")
    assert dial(other.id, NOON + timedelta(hours=1)) == []
    assert get(Campaign, other.id).state is CampaignState.FINISHED


def test_a_worker_that_died_before_placing_leaves_a_call_that_is_placed_under_its_name() -> None:
    _, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    with clock.frozen(NOON + timedelta(seconds=20)), unit_of_work(SYSTEM) as session:
        assert calls.unplaced(session, now=NOON + timedelta(seconds=20)) == [call_id]
        (request,) = calls.placements(session, [call_id])
        assert request.reference == session.get_one(Call, call_id).provider_ref


def test_a_provider_that_is_down_makes_the_campaign_wait_and_costs_no_attempt() -> None:
    customer_id, campaign_id = settled()
    placed = dial(campaign_id)
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        calls.give_up(session, placed, code="telephony.down")
    assert get(Campaign, campaign_id).wait_reason == "telephony.down"
    assert (contact().attempts, contact().state) == (0, ContactState.WAITING)
    assert money(customer_id) == (Decimal("100.00"), Decimal("0.00"))
    assert len(dial(campaign_id, NOON + timedelta(minutes=2))) == 1


def test_a_paused_campaign_dials_nobody_and_goes_on_when_told() -> None:
    customer_id, campaign_id = settled()
    with unit_of_work(SYSTEM) as session:
        campaigns.pause(session, campaign_id, actor=OLGA, customer_id=customer_id)
    assert dial(campaign_id) == []
    with unit_of_work(SYSTEM) as session:
        campaigns.resume(session, campaign_id, actor=OLGA, customer_id=customer_id)
    assert len(dial(campaign_id)) == 1


def test_a_stopped_campaign_gives_its_number_back_and_stays_stopped() -> None:
    _, campaign_id = settled()
    (call_id,) = dial(campaign_id)
    with unit_of_work(SYSTEM) as session:
        campaigns.stop(session, campaign_id, actor=OLGA)
    end(call_id)
    assert get(Campaign, campaign_id).state is CampaignState.STOPPED
    with unit_of_work(SYSTEM) as session, pytest.raises(Conflict, match="campaign.state"):
        campaigns.resume(session, campaign_id, actor=OLGA)


def test_a_stranger_does_not_find_the_campaign() -> None:
    _, campaign_id = settled()
    with unit_of_work(SYSTEM) as session:
        other = factories.customer(session)
        with pytest.raises(NotFound):
            campaigns.pause(session, campaign_id, actor=OLGA, customer_id=other.id)


# Drawing up


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"purpose": Purpose.ADVERTISING}, "campaign.no_consent", "consent_note"),
        ({"contacts": "нет номеров"}, "campaign.no_contacts", "contacts"),
        ({"contacts": "8-800-555-35-35"}, "campaign.no_contacts", "contacts"),
        ({"name": " "}, "field.required", "name"),
        ({"lines": 0}, "campaign.out_of_range", "lines"),
        ({"rules": (campaigns.Rule("9", IvrAction.HANGUP),) * 2}, "campaign.digit_twice", "rules"),
    ],
)
def test_a_wrong_draft_names_its_field(values: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        settled(**({"phones": ()} | values if "contacts" in values else values))
    assert (refusal.value.code, refusal.value.field) == (code, field)


def test_the_same_form_sent_twice_makes_one_campaign() -> None:
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session)
        draft = campaigns.Draft("Обзвон", Purpose.SERVICE, "Да", str(FIRST), request_key="k1")
        made = [campaigns.create(session, draft, customer_id=owner.id, actor=OLGA).id for _ in range(2)]
    assert made[0] == made[1]


def test_the_preflight_counts_who_will_not_be_called() -> None:
    customer_id, campaign_id = settled([FIRST, FIRST + 1, FIRST + 2])
    with unit_of_work(SYSTEM) as session:
        session.add(BlacklistEntry(customer_id=None, phone=FIRST, source=BlacklistSource.HAND))
        session.flush()
        found = campaigns.preflight(session, session.get_one(Campaign, campaign_id), now=NOON)
    assert (found.now, found.later, found.never, found.number_ready) == (2, 0, 1, True)
    assert found.longest == Decimal("5.40")


def test_a_debtor_is_called_once_a_day() -> None:
    _, campaign_id = settled(purpose=Purpose.DEBT, max_attempts=5)
    (call_id,) = dial(campaign_id)
    unanswered(call_id, "no_answer")
    assert dial(campaign_id, NOON + timedelta(hours=2)) == []
    assert contact().next_at == NOON + timedelta(days=1)


def test_leases_of_a_campaign_are_known_to_the_decision() -> None:
    _, campaign_id = settled(numbers=0)
    with unit_of_work(SYSTEM) as session:
        campaign = session.get_one(Campaign, campaign_id)
        found = decision.decide(session, customer_id=campaign.customer_id, phone=FIRST, campaign=campaign, now=NOON)
        assert found.code == "number.none_free"
        assert phone_number.find_caller(session, campaign) is None
