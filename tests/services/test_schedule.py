"""When a campaign calls, how often it tries again, and what a machine does to that."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from callcab.db import unit_of_work
from callcab.jobs import campaign as jobs
from callcab.lib import clock
from callcab.lib.errors import Invalid
from callcab.models import Campaign, CampaignState, ContactState, MachineAction, Outcome
from callcab.services import campaign as campaigns
from callcab.services import decision, retry
from callcab.services.call import placing
from callcab.services.retry import Retry
from tests import factories
from tests.services.dialling import FIRST, NOON, OLGA, SYSTEM, contact, dial, get, settled, unanswered

pytestmark = pytest.mark.usefixtures("connected")
TOMORROW = NOON + timedelta(days=1)
SATURDAY = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)


def decided(campaign_id: int, at: datetime, phone: int = FIRST) -> decision.Decision:
    with unit_of_work(SYSTEM) as session:
        campaign = session.get_one(Campaign, campaign_id)
        return decision.decide(session, customer_id=campaign.customer_id, phone=phone, campaign=campaign, now=at)


def test_nobody_is_called_on_a_day_that_is_not_ticked() -> None:
    _, campaign_id = settled(days="12345")
    found = decided(campaign_id, SATURDAY)
    assert (found.code, found.retry_at) == ("hours.closed", datetime(2026, 11, 30, 6, 0, tzinfo=UTC))
    assert decided(campaign_id, NOON).code == "number.none_free"  # nothing else stands in the way of a round


def test_the_only_day_of_the_week_may_be_a_week_away() -> None:
    _, campaign_id = settled(days="2")
    late = NOON + timedelta(hours=9)
    assert decided(campaign_id, late).retry_at == datetime(2026, 12, 1, 6, 0, tzinfo=UTC)


def test_days_are_those_of_the_callee() -> None:
    _, campaign_id = settled(days="6", contacts="8 (423) 230-00-00")
    friday_evening = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)  # Saturday, half past nine in Vladivostok
    assert decided(campaign_id, friday_evening, 74232300000).code == "number.none_free"


def test_a_scheduled_campaign_takes_no_number_before_its_time() -> None:
    _, campaign_id = settled(starts_at=TOMORROW)
    assert dial(campaign_id) == []
    found = get(Campaign, campaign_id)
    assert (found.state, found.wait_reason) == (CampaignState.WAITING, "campaign.scheduled")
    with clock.frozen(NOON + timedelta(minutes=5)), unit_of_work(SYSTEM) as session:
        assert campaigns.due(session) == []
    assert len(dial(campaign_id, TOMORROW)) == 1


def test_a_start_outside_calling_hours_waits_for_them() -> None:
    _, campaign_id = settled(starts_at=datetime(2026, 11, 25, 2, 0, tzinfo=UTC))
    assert decided(campaign_id, NOON).retry_at == datetime(2026, 11, 25, 6, 0, tzinfo=UTC)


def test_after_its_last_day_a_campaign_is_over() -> None:
    _, campaign_id = settled(last_day=date(2026, 11, 24), numbers=1)
    midnight = datetime(2026, 11, 24, 21, 0, tzinfo=UTC)
    assert decided(campaign_id, midnight).code == "campaign.over"
    with clock.frozen(midnight - timedelta(minutes=1)):
        jobs.close_overdue()
    assert get(Campaign, campaign_id).state is CampaignState.WAITING
    with clock.frozen(midnight):
        jobs.close_overdue()
    assert get(Campaign, campaign_id).state is CampaignState.FINISHED
    assert contact().state is ContactState.NEW


def test_a_campaign_whose_last_day_passed_is_not_started() -> None:
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        owner = factories.customer(session)
        made = factories.campaign(session, owner, last_day=date(2026, 11, 23))
        with pytest.raises(Invalid, match="campaign.over"):
            campaigns.start(session, made.id, actor=OLGA)


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"days": ""}, "campaign.no_days", "days"),
        ({"days": "18"}, "campaign.no_days", "days"),
        ({"last_day": date(2026, 11, 23)}, "campaign.last_day_early", "last_day"),
        ({"starts_at": TOMORROW, "last_day": date(2026, 11, 24)}, "campaign.last_day_early", "last_day"),
        ({"calls_per_second": 101}, "campaign.out_of_range", "calls_per_second"),
        ({"lines": 51}, "campaign.out_of_range", "lines"),
        ({"max_attempts": 6}, "campaign.out_of_range", "max_attempts"),
        ({"retries": {Outcome.BUSY: Retry(5, 1)}}, "campaign.out_of_range", "retry_busy_minutes"),
        ({"retries": {Outcome.BUSY: Retry(10, 5)}}, "campaign.out_of_range", "retry_busy_tries"),
    ],
)
def test_a_wrong_schedule_names_its_field(values: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        settled(**values)
    assert (refusal.value.code, refusal.value.field) == (code, field)


@pytest.mark.parametrize("field", ["lines", "calls_per_second"])
def test_a_campaign_gets_no_more_than_its_customer_may_have(field: str) -> None:
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        owner = factories.customer(session, **{field: 3})
        draft = campaigns.Draft("Обзвон", campaigns.drafting.Purpose.SERVICE, "Да", str(FIRST), **{field: 4})
        with pytest.raises(Invalid, match="campaign.over_customer_limit") as refusal:
            campaigns.create(session, draft, customer_id=owner.id, actor=OLGA)
    assert refusal.value.field == field


# Calling again


def test_a_campaigns_own_rule_says_when_to_call_again() -> None:
    _, campaign_id = settled(retries={Outcome.BUSY: Retry(45, 3)}, max_attempts=5)
    (call_id,) = dial(campaign_id)
    unanswered(call_id, "busy")
    assert contact().next_at == NOON + timedelta(minutes=45)


def test_without_a_rule_the_lines_advice_holds() -> None:
    _, campaign_id = settled(max_attempts=5)
    (call_id,) = dial(campaign_id)
    unanswered(call_id, "no_answer")
    assert contact().next_at == NOON + timedelta(hours=1)


def test_no_more_tries_of_an_outcome_end_the_contact() -> None:
    _, campaign_id = settled(retries={Outcome.NO_ANSWER: Retry(60, 0)}, max_attempts=5)
    (call_id,) = dial(campaign_id)
    unanswered(call_id, "no_answer")
    assert (contact().state, contact().outcome) == (ContactState.DONE, "no_answer")


@pytest.mark.parametrize(
    ("action", "state"),
    [(MachineAction.LATER, ContactState.WAITING), (MachineAction.HANGUP, ContactState.DONE)],
)
def test_a_machine_is_called_later_or_never(action: MachineAction, state: ContactState) -> None:
    _, campaign_id = settled(machine=action, max_attempts=5)
    (call_id,) = dial(campaign_id)
    unanswered(call_id, "machine")
    assert contact().state is state


@pytest.mark.parametrize("outcome", [Outcome.COMPLETED, Outcome.REJECTED, Outcome.UNALLOCATED])
def test_who_was_reached_or_said_no_is_not_called_again(outcome: Outcome) -> None:
    assert retry.next_try(Campaign(retries={}, max_attempts=5, machine_action=MachineAction.PLAY), outcome, 1) is None


@pytest.mark.parametrize("action", list(MachineAction))
def test_a_machine_is_listened_for_only_where_that_changes_something(action: MachineAction) -> None:
    _, campaign_id = settled(machine=action)
    (call_id,) = dial(campaign_id)
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        (request,) = placing.placements(session, [call_id])
    assert request.detect_machine is (action is not MachineAction.PLAY)


def test_all_advice_fits_the_form() -> None:
    retry.check({outcome: retry.default(outcome) for outcome in retry.CHOSEN})


def test_narrower_hours_of_a_campaign_hold() -> None:
    _, campaign_id = settled(calls_from=time(10), calls_until=time(12))
    assert decided(campaign_id, NOON).retry_at == datetime(2026, 11, 25, 7, 0, tzinfo=UTC)
