"""The pool: regions, rest, stuck numbers, the history of leases."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from callcab.db import CabSession, unit_of_work
from callcab.lib import clock
from callcab.lib.errors import Conflict, Invalid
from callcab.models import (
    AuditEvent,
    Call,
    CallState,
    Campaign,
    CampaignState,
    Contact,
    Customer,
    NumberKind,
    NumberLease,
    NumberState,
    PhoneNumber,
)
from callcab.scope import Actor, Scope
from callcab.services import phone_number
from callcab.services.phone_number import region, stuck
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
SUPPORT = Actor("Поддержка", "lead", user_id=None)
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MOSCOW, PETERSBURG, MOBILE = 74991110000, 78121110000, 79161110000


@pytest.fixture
def session() -> Iterator[CabSession]:
    with unit_of_work(SYSTEM) as opened, clock.frozen(NOW):
        yield opened


@pytest.fixture
def owner(session: CabSession) -> Customer:
    return factories.customer(session, balance="100.00")


def call_list(session: CabSession, campaign: Campaign, *phones: int) -> None:
    for phone in phones:
        factories.add(
            session, Contact(campaign_id=campaign.id, customer_id=campaign.customer_id, phone=phone, next_at=NOW)
        )


def call(session: CabSession, campaign: Campaign, *, at: datetime, ended: bool) -> Call:
    contact = factories.add(
        session,
        Contact(campaign_id=campaign.id, customer_id=campaign.customer_id, phone=MOBILE + 9, next_at=NOW),
    )
    values = {"state": CallState.FINISHED, "outcome": "completed", "ended_at": at} if ended else {}
    row = Call(
        campaign_id=campaign.id, contact_id=contact.id, customer_id=campaign.customer_id, attempt=1, phone=MOBILE + 9,
        decision=[], deadline_at=at, created_at=at, **values,
    )  # fmt: skip
    return factories.add(session, row)


# Regions


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [(7495, 7499, True), (7812, 7813, False), (7812, 7495, False), (7925, 7916, False), (7800, 7804, False)],
)
def test_area_codes_of_one_region_belong_together(first: int, second: int, same: bool) -> None:
    assert (second in region.siblings(first)) is same


@pytest.mark.parametrize(("wanted", "phone"), [(True, PETERSBURG), (False, MOSCOW)])
def test_a_number_of_the_callees_region_comes_first_when_the_tariff_says_so(
    session: CabSession, owner: Customer, wanted: bool, phone: int
) -> None:
    owner.tariff.match_region = wanted
    factories.number(session, phone=MOSCOW, busy_at=NOW - timedelta(days=9))
    factories.number(session, phone=PETERSBURG, busy_at=NOW - timedelta(days=1))
    campaign = factories.campaign(session, owner)
    call_list(session, campaign, PETERSBURG + 1, PETERSBURG + 2, MOSCOW + 1, MOBILE, MOBILE + 1, MOBILE + 2)
    caller = phone_number.lease(session, campaign)
    assert caller is not None and caller.phone == phone


def test_without_a_number_of_the_region_any_other_will_do(session: CabSession, owner: Customer) -> None:
    owner.tariff.match_region = True
    factories.number(session, phone=MOSCOW)
    campaign = factories.campaign(session, owner)
    call_list(session, campaign, PETERSBURG)
    assert phone_number.lease(session, campaign) is not None


def test_a_rented_number_comes_before_one_of_the_region(session: CabSession, owner: Customer) -> None:
    owner.tariff.match_region = True
    factories.number(session, phone=PETERSBURG)
    factories.number(session, phone=MOSCOW, customer_id=owner.id, rented_until=NOW + timedelta(days=1))
    campaign = factories.campaign(session, owner)
    call_list(session, campaign, PETERSBURG + 1)
    caller = phone_number.lease(session, campaign)
    assert caller is not None and caller.phone == MOSCOW


# Rest


def test_a_resting_number_is_given_to_nobody_until_its_rest_is_over(session: CabSession, owner: Customer) -> None:
    number = factories.number(session)
    phone_number.rest(session, number.id, until=NOW + timedelta(days=2), actor=SUPPORT, reason="жалобы")
    campaign = factories.campaign(session, owner)
    assert phone_number.lease(session, campaign) is None
    with clock.frozen(NOW + timedelta(days=2)):
        assert phone_number.lease(session, campaign) is not None
    assert session.scalar(sa.select(AuditEvent.action)) == "number.rest"


def test_a_resting_duty_number_calls_nobody(session: CabSession, owner: Customer) -> None:
    duty = factories.number(session, kind=NumberKind.DUTY)
    phone_number.rest(session, duty.id, until=NOW + timedelta(days=2), actor=SUPPORT)
    assert phone_number.lease(session, factories.campaign(session, owner, own_number_id=duty.id)) is None


def test_a_campaign_keeps_its_number_when_it_should_rest(session: CabSession, owner: Customer) -> None:
    number = factories.number(session)
    campaign = factories.campaign(session, owner)
    caller = phone_number.lease(session, campaign)
    phone_number.rest(session, number.id, until=NOW + timedelta(days=2), actor=SUPPORT)
    assert phone_number.lease(session, campaign) == caller


def test_a_rest_ends_early_once(session: CabSession) -> None:
    number = factories.number(session)
    phone_number.rest(session, number.id, until=NOW + timedelta(days=2), actor=SUPPORT)
    phone_number.wake(session, number.id, actor=SUPPORT)
    with pytest.raises(Invalid, match="number.not_resting"):
        phone_number.wake(session, number.id, actor=SUPPORT)


@pytest.mark.parametrize("days", [0, -1, 91])
def test_a_rest_lasts_from_now_to_ninety_days(session: CabSession, days: int) -> None:
    with pytest.raises(Invalid, match="number.rest_until"):
        phone_number.rest(session, factories.number(session).id, until=NOW + timedelta(days=days), actor=SUPPORT)


# Stuck


def hold(
    session: CabSession, owner: Customer, state: CampaignState, *, hours: int = 48
) -> tuple[PhoneNumber, Campaign]:
    """A number that a campaign took so many hours ago."""
    number = factories.number(session)
    campaign = factories.campaign(session, owner)
    with clock.frozen(NOW - timedelta(hours=hours)):
        phone_number.lease(session, campaign)
    campaign.state = state
    session.flush()
    return number, campaign


@pytest.mark.parametrize(
    ("state", "hours", "reason", "safe"),
    [
        (CampaignState.FINISHED, 1, stuck.Stuck.OVER, True),
        (CampaignState.STOPPED, 1, stuck.Stuck.OVER, True),
        (CampaignState.PAUSED, 25, stuck.Stuck.SILENT, False),
        (CampaignState.RUNNING, 25, stuck.Stuck.SILENT, False),
        (CampaignState.PAUSED, 23, None, False),
        (CampaignState.RUNNING, 1, None, False),
    ],
)
def test_what_counts_as_stuck(
    session: CabSession, owner: Customer, state: CampaignState, hours: int, reason: stuck.Stuck | None, safe: bool
) -> None:
    number, _ = hold(session, owner, state, hours=hours)
    assert stuck.why(session, number) == reason
    assert stuck.safe_ones(session) == ([number.id] if safe else [])


def test_a_busy_number_that_no_campaign_holds_is_stuck_and_freed(session: CabSession) -> None:
    number = factories.number(session, state=NumberState.BUSY)
    assert stuck.why(session, number) is stuck.Stuck.ORPHAN
    assert stuck.safe_ones(session) == [number.id]
    stuck.release_stuck(session, number.id, actor=SUPPORT, only_safe=True)
    assert number.state is NumberState.FREE


def test_a_campaign_that_called_lately_holds_its_number_rightly(session: CabSession, owner: Customer) -> None:
    number, campaign = hold(session, owner, CampaignState.RUNNING)
    call(session, campaign, at=NOW - timedelta(hours=2), ended=True)
    with pytest.raises(Conflict, match="number.not_stuck"):
        stuck.release_stuck(session, number.id, actor=SUPPORT)


@pytest.mark.parametrize("state", [CampaignState.STOPPED, CampaignState.PAUSED])
def test_a_number_with_a_call_up_is_never_given_back(
    session: CabSession, owner: Customer, state: CampaignState
) -> None:
    number, campaign = hold(session, owner, state)
    call(session, campaign, at=NOW - timedelta(hours=30), ended=False)
    assert stuck.safe_ones(session) == []
    with pytest.raises(Conflict, match="number.call_up"):
        stuck.release_stuck(session, number.id, actor=SUPPORT)


def test_support_frees_a_silent_number_and_the_campaign_goes_on_with_another(
    session: CabSession, owner: Customer
) -> None:
    number, campaign = hold(session, owner, CampaignState.RUNNING)
    with pytest.raises(Conflict, match="number.not_stuck"):
        stuck.release_stuck(session, number.id, actor=Actor.system(), only_safe=True)
    stuck.release_stuck(session, number.id, actor=SUPPORT)
    session.refresh(campaign)
    assert (number.state, campaign.state) == (NumberState.FREE, CampaignState.WAITING)
    event = session.scalars(sa.select(AuditEvent)).one()
    assert (event.action, event.after) == ("number.release", {"state": "free", "stuck": "silent"})


# The history of leases


def test_the_database_refuses_two_leases_of_a_number_at_one_instant(session: CabSession, owner: Customer) -> None:
    number, campaign = hold(session, owner, CampaignState.RUNNING)
    phone_number.release_campaign(session, campaign.id)
    overlapping = NumberLease(
        number_id=number.id,
        campaign_id=campaign.id,
        customer_id=owner.id,
        taken_at=NOW - timedelta(hours=50),
        released_at=NOW - timedelta(hours=1),
    )
    with pytest.raises(IntegrityError, match="excl_number_lease_time"), session.begin_nested():
        session.add(overlapping)
        session.flush()


def test_a_machine_whose_clock_is_behind_still_gets_the_number(session: CabSession, owner: Customer) -> None:
    number, campaign = hold(session, owner, CampaignState.RUNNING)
    phone_number.release_campaign(session, campaign.id)
    with clock.frozen(NOW - timedelta(seconds=30)):
        other = factories.campaign(session, owner)
        caller = phone_number.lease(session, other)
        phone_number.release_campaign(session, other.id)
    assert caller is not None and caller.number_id == number.id
    taken, released = session.execute(
        sa.select(NumberLease.taken_at, NumberLease.released_at).where(NumberLease.campaign_id == other.id)
    ).one()
    assert taken == released == NOW
