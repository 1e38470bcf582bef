"""Numbers: who may call from them, who rents them, what support does with them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.lib.errors import Conflict, Invalid, LimitReached, NotFound
from callcab.models import (
    AuditEvent,
    Campaign,
    CampaignState,
    Customer,
    NumberEvent,
    NumberKind,
    NumberLease,
    NumberRental,
    NumberState,
    PhoneNumber,
    Tariff,
)
from callcab.scope import Actor, Scope
from callcab.services import ledger, phone_number
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
SUPPORT = Actor("Поддержка", "lead", user_id=None)
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def test_a_campaign_gets_the_number_that_was_unused_longest() -> None:
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session)
        factories.number(session, busy_at=NOW)
        oldest = factories.number(session, busy_at=NOW - timedelta(days=3))
        campaign = factories.campaign(session, owner)
        caller = phone_number.lease(session, campaign)
        assert caller is not None
        assert caller.phone == oldest.phone
        assert oldest.state is NumberState.BUSY
        assert phone_number.lease(session, campaign) == caller


def test_two_campaigns_never_share_a_shared_number() -> None:
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session)
        factories.number(session)
        assert phone_number.lease(session, factories.campaign(session, owner)) is not None
        assert phone_number.lease(session, factories.campaign(session, owner)) is None


def test_a_duty_number_serves_many_at_once_without_a_lease() -> None:
    with unit_of_work(SYSTEM) as session:
        owner, other = factories.customer(session), factories.customer(session)
        duty = factories.number(session, kind=NumberKind.DUTY)
        callers = [
            phone_number.lease(session, factories.campaign(session, who, own_number_id=duty.id))
            for who in (owner, other)
        ]
        assert [caller and caller.lease_id for caller in callers] == [None, None]
        assert duty.state is NumberState.FREE


def test_the_number_that_the_customer_rents_is_taken_first() -> None:
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session)
        factories.number(session)
        mine = factories.number(session, customer_id=owner.id, rented_until=NOW + timedelta(days=3000))
        caller = phone_number.lease(session, factories.campaign(session, owner))
        assert caller is not None and caller.phone == mine.phone


def test_nobody_else_gets_a_rented_number() -> None:
    with unit_of_work(SYSTEM) as session:
        owner, other = factories.customer(session), factories.customer(session)
        factories.number(session, customer_id=owner.id, rented_until=NOW + timedelta(days=3000))
        assert phone_number.lease(session, factories.campaign(session, other)) is None


def test_an_unproved_personal_number_is_not_called_from() -> None:
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session)
        own = factories.number(
            session, kind=NumberKind.PERSONAL, state=NumberState.FAILED, customer_id=owner.id, phone=79031112233
        )
        campaign = factories.campaign(session, owner, own_number_id=own.id)
        assert phone_number.lease(session, campaign) is None


def test_the_end_of_a_campaign_frees_its_number_once() -> None:
    with unit_of_work(SYSTEM) as session:
        number = factories.number(session)
        campaign = factories.campaign(session, factories.customer(session))
        phone_number.lease(session, campaign)
        assert phone_number.release_campaign(session, campaign.id) == 1
        assert phone_number.release_campaign(session, campaign.id) == 0
        assert number.state is NumberState.FREE
        assert number.busy_at is not None


def test_support_takes_a_busy_number_and_the_campaign_waits() -> None:
    with unit_of_work(SYSTEM) as session:
        number = factories.number(session)
        campaign = factories.campaign(session, factories.customer(session), state=CampaignState.RUNNING)
        phone_number.lease(session, campaign)
        phone_number.release(session, number.id, actor=SUPPORT, reason="жалоба")
        session.refresh(campaign)
        assert (number.state, campaign.state) == (NumberState.FREE, CampaignState.WAITING)
        assert session.scalar(sa.select(AuditEvent.action)) == "number.release"


def test_a_number_that_is_not_busy_is_not_freed() -> None:
    with unit_of_work(SYSTEM) as session, pytest.raises(Invalid, match="number.not_busy"):
        phone_number.release(session, factories.number(session).id, actor=SUPPORT)


def test_a_blocked_number_leaves_its_campaign_and_stays_blocked() -> None:
    with unit_of_work(SYSTEM) as session:
        number = factories.number(session)
        campaign = factories.campaign(session, factories.customer(session), state=CampaignState.RUNNING)
        phone_number.lease(session, campaign)
        phone_number.block(session, number.id, actor=SUPPORT, reason="спам")
        assert number.state is NumberState.BLOCKED
        assert phone_number.lease(session, campaign) is None
        assert session.scalar(sa.select(NumberLease.released_at)) is not None


def test_blocking_needs_a_reason() -> None:
    with unit_of_work(SYSTEM) as session, pytest.raises(Invalid, match="reason.missing"):
        phone_number.block(session, factories.number(session).id, actor=SUPPORT, reason=" ")


def test_a_personal_number_must_be_proved_anew_after_a_block() -> None:
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session)
        number = factories.number(session, kind=NumberKind.PERSONAL, state=NumberState.BLOCKED, customer_id=owner.id)
        phone_number.unblock(session, number.id, actor=SUPPORT)
        assert number.state is NumberState.FAILED


def test_the_kind_of_a_busy_or_rented_number_stays() -> None:
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session)
        busy = factories.number(session, state=NumberState.BUSY)
        rented = factories.number(session, customer_id=owner.id, rented_until=NOW + timedelta(days=3000))
        for number, code in ((busy, "number.busy"), (rented, "number.rented")):
            with pytest.raises(Conflict, match=code):
                phone_number.change_kind(session, number.id, NumberKind.DUTY, actor=SUPPORT)


def test_a_number_that_was_paid_for_is_not_deleted() -> None:
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session, balance="1000")
        number = factories.number(session)
        rent(session, number, owner, days=1)
        with pytest.raises(Conflict, match="number.has_rentals"):
            phone_number.delete(session, number.id, actor=SUPPORT)


def test_a_deleted_number_takes_its_old_leases_along() -> None:
    with unit_of_work(SYSTEM) as session:
        number = factories.number(session)
        campaign = factories.campaign(session, factories.customer(session))
        phone_number.lease(session, campaign)
        phone_number.release_campaign(session, campaign.id)
        phone_number.delete(session, number.id, actor=SUPPORT)
        assert session.get(PhoneNumber, number.id) is None
        assert session.get(Campaign, campaign.id) is not None


def test_numbers_are_added_to_the_pool_once() -> None:
    with unit_of_work(SYSTEM) as session:
        phones = [79250001122, 79250001122, 79250001123]
        assert phone_number.add_to_pool(session, phones=phones, kind=NumberKind.SHARED, actor=SUPPORT) == 2
        assert phone_number.add_to_pool(session, phones=phones, kind=NumberKind.SHARED, actor=SUPPORT) == 0


# Rentals


def rent(session: object, number: PhoneNumber, owner: Customer, *, days: int) -> NumberRental:
    until = clock.now() + timedelta(days=days)
    return phone_number.rent(session, number_id=number.id, customer_id=owner.id, until=until, actor=SUPPORT)  # type: ignore[arg-type]


@pytest.mark.parametrize(("hours", "price"), [(1, "15.00"), (24, "15.00"), (25, "30.00"), (24 * 30, "450.00")])
def test_started_days_are_paid_in_full(hours: int, price: str) -> None:
    tariff = Tariff(rental_day_price=Decimal("15"))
    assert phone_number.rent_price(tariff, NOW, NOW + timedelta(hours=hours)) == Decimal(price)


def test_renting_charges_once_and_gives_the_number_to_the_renter() -> None:
    with unit_of_work(SYSTEM) as session, clock.frozen(NOW):
        owner = factories.customer(session, balance="100.00")
        number = factories.number(session)
        rental = rent(session, number, owner, days=3)
        assert (rental.price, owner.balance) == (Decimal("45.00"), Decimal("55.00"))
        assert (number.customer_id, number.rented_until) == (owner.id, NOW + timedelta(days=3))
        assert ledger.discrepancies(session) == []


def test_renting_longer_starts_where_the_rental_ends() -> None:
    with unit_of_work(SYSTEM) as session, clock.frozen(NOW):
        owner = factories.customer(session, balance="100.00")
        number = factories.number(session)
        rent(session, number, owner, days=3)
        more = rent(session, number, owner, days=5)
        assert (more.period.lower, more.price) == (NOW + timedelta(days=3), Decimal("30.00"))


def test_a_rented_number_is_not_rented_to_another() -> None:
    with unit_of_work(SYSTEM) as session:
        number = factories.number(session)
        rent(session, number, factories.customer(session, balance="100.00"), days=3)
        with pytest.raises(Conflict, match="number.rented"):
            rent(session, number, factories.customer(session, balance="100.00"), days=3)


def test_a_number_in_somebodys_campaign_is_not_rented_to_another() -> None:
    with unit_of_work(SYSTEM) as session:
        number = factories.number(session)
        phone_number.lease(session, factories.campaign(session, factories.customer(session)))
        with pytest.raises(Conflict, match="number.busy"):
            rent(session, number, factories.customer(session, balance="100.00"), days=3)


def test_without_money_nothing_is_rented() -> None:
    with unit_of_work(SYSTEM) as session:
        number, owner = factories.number(session), factories.customer(session, balance="10.00")
        with pytest.raises(LimitReached, match="balance.low"):
            rent(session, number, owner, days=3)


@pytest.mark.parametrize("days", [0, -1, 500])
def test_a_rental_ends_in_the_future_and_within_a_year(days: int) -> None:
    with unit_of_work(SYSTEM) as session, pytest.raises(Invalid, match="rental.until"):
        rent(session, factories.number(session), factories.customer(session), days=days)


def test_an_ended_rental_gives_the_number_back_to_the_pool() -> None:
    with unit_of_work(SYSTEM) as session:
        number = factories.number(session)
        rent(session, number, factories.customer(session, balance="100.00"), days=3)
        later = clock.now() + timedelta(days=4)
        assert phone_number.end_rentals(session, now=later) == 1
        assert (number.customer_id, number.rented_until) == (None, None)
        assert phone_number.end_rentals(session, now=later) == 0
        assert session.scalar(sa.select(NumberRental.ended_at)) == later


# Personal numbers


def test_a_customer_deletes_only_his_own_personal_number() -> None:
    with unit_of_work(SYSTEM) as session:
        owner, other = factories.customer(session), factories.customer(session)
        number = factories.number(
            session, kind=NumberKind.PERSONAL, state=NumberState.FAILED, customer_id=owner.id, phone=79031112233
        )
        with pytest.raises(NotFound):
            phone_number.delete_personal(session, number.id, customer_id=other.id, actor=SUPPORT)
        phone_number.delete_personal(session, number.id, customer_id=owner.id, actor=SUPPORT)
        assert session.scalar(sa.select(NumberEvent.id)) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "phone.empty"),
        ("8 701 123-45-67", "phone.foreign"),
        ("8925394457", "phone.not_assigned"),
        ("8-800-555-35-35", "number.not_dialable"),
        ("8 809 123-45-67", "number.not_dialable"),
        ("112", "phone.too_short"),
    ],
)
def test_what_the_robot_must_not_call_is_refused(text: str, code: str) -> None:
    with unit_of_work(SYSTEM) as session, pytest.raises(Invalid) as refusal:
        phone_number.create_personal(session, customer_id=factories.customer(session).id, text=text, actor=SUPPORT)
    assert (refusal.value.code, refusal.value.field) == (code, "phone")


def test_a_number_of_the_pool_cannot_be_personal() -> None:
    with unit_of_work(SYSTEM) as session:
        number, owner = factories.number(session), factories.customer(session)
        with pytest.raises(Conflict, match="number.in_pool"):
            phone_number.create_personal(session, customer_id=owner.id, text=str(number.phone), actor=SUPPORT)
