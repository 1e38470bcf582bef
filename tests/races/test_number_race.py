"""Fifty campaigns start at once on twenty free numbers (AC-53); a number is rented by twenty at once."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import aliased

from callcab.db import CabSession, unit_of_work
from callcab.lib import clock
from callcab.lib.errors import Conflict, DomainError
from callcab.models import Campaign, CampaignState, Customer, NumberLease, NumberRental, NumberState, PhoneNumber
from callcab.scope import Actor, Scope
from callcab.services import ledger, phone_number
from callcab.services.phone_number import renewal, stuck
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")


def started(count: int, numbers: int) -> list[int]:
    """Ids of running campaigns, each of a customer of its own, and so many free numbers."""
    with unit_of_work(SYSTEM) as session:
        for _ in range(numbers):
            factories.number(session)
        owners = [factories.customer(session) for _ in range(count)]
        return [factories.campaign(session, owner, state=CampaignState.RUNNING).id for owner in owners]


def overlaps(session: CabSession) -> int:
    """Pairs of leases of one number that share an instant, by the history alone."""
    first, second = aliased(NumberLease), aliased(NumberLease)
    spans = [sa.func.tstzrange(lease.taken_at, lease.released_at) for lease in (first, second)]
    pairs = sa.select(sa.func.count()).where(
        first.number_id == second.number_id, first.id < second.id, spans[0].op("&&")(spans[1])
    )
    return session.scalar(pairs) or 0


def test_fifty_customers_share_twenty_numbers_without_taking_one_twice(connected: sa.Engine) -> None:
    campaigns = started(50, 20)
    barrier = threading.Barrier(50)

    def take(campaign_id: int) -> int | None:
        with unit_of_work(SYSTEM) as session:
            campaign = session.get_one(Campaign, campaign_id)
            assert phone_number.find_caller(session, campaign) is None
            barrier.wait(60)
            caller = phone_number.lease(session, campaign)
            return caller.number_id if caller else None

    with ThreadPoolExecutor(50) as pool:
        taken = [number_id for number_id in pool.map(take, campaigns) if number_id]
    assert len(taken) == len(set(taken)) == 20
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(NumberLease)) == 20
        busy = sa.select(sa.func.count()).select_from(PhoneNumber).where(PhoneNumber.state == NumberState.BUSY)
        assert session.scalar(busy) == 20
        assert overlaps(session) == 0


def test_fifty_campaigns_in_turn_leave_a_history_without_overlaps(connected: sa.Engine) -> None:
    """Each takes a number, gives it back, and the next one takes it: nobody ever met another on a number."""
    campaigns = started(50, 20)
    barrier = threading.Barrier(50)

    def work(campaign_id: int) -> int:
        barrier.wait(60)
        held = 0
        for _ in range(6):
            with unit_of_work(SYSTEM) as session:
                held += phone_number.lease(session, session.get_one(Campaign, campaign_id)) is not None
            with unit_of_work(SYSTEM) as session:
                session.execute(sa.select(Campaign.id).where(Campaign.id == campaign_id).with_for_update())
                phone_number.release_campaign(session, campaign_id)
        return held

    with ThreadPoolExecutor(50) as pool:
        held = sum(pool.map(work, campaigns))
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(NumberLease)) == held > 50
        assert session.scalar(sa.select(NumberLease.id).where(NumberLease.released_at.is_(None))) is None
        assert overlaps(session) == 0


def test_ten_timetables_prolong_a_rental_once(connected: sa.Engine) -> None:
    now = clock.now()
    with unit_of_work(SYSTEM) as session:
        number, owner = factories.number(session), factories.customer(session, balance="1000.00")
        until = now + timedelta(days=2)
        phone_number.rent(session, number_id=number.id, customer_id=owner.id, until=until, actor=Actor.system())
        phone_number.set_prolonging(session, number.id, 5, customer_id=owner.id, actor=Actor.system())
    barrier = threading.Barrier(10)

    def end(_: int) -> bool:
        with unit_of_work(SYSTEM) as session:
            due = renewal.due(session, now=until)
            barrier.wait(30)
            return renewal.end(session, due[0], now=until) is not None

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(end, range(10))) == [False] * 9 + [True]
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(NumberRental)) == 2
        assert session.scalar(sa.select(Customer.balance)) == Decimal("895.00")
        assert ledger.discrepancies(session) == []


def test_ten_clicks_on_one_page_rent_once(connected: sa.Engine) -> None:
    with unit_of_work(SYSTEM) as session:
        number_id, owner_id = factories.number(session).id, factories.customer(session, balance="1000.00").id
    until, seen = clock.now() + timedelta(days=2), phone_number.Seen(None, Decimal("30.00"))
    barrier = threading.Barrier(10)

    def click(_: int) -> bool:
        with unit_of_work(SYSTEM) as session:
            session.get(PhoneNumber, number_id)
            barrier.wait(30)
            try:
                phone_number.rent(
                    session, number_id=number_id, customer_id=owner_id, until=until, actor=Actor.system(), seen=seen
                )
            except Conflict as problem:
                assert problem.code == "rental.changed"
                return False
            return True

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(click, range(10))) == [False] * 9 + [True]
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(Customer.balance)) == Decimal("970.00")


def test_of_two_timetables_one_writes_the_letter(connected: sa.Engine) -> None:
    now = clock.now()
    with unit_of_work(SYSTEM) as session:
        number, owner = factories.number(session), factories.customer(session, balance="1000.00")
        until = now + timedelta(days=5)
        phone_number.rent(session, number_id=number.id, customer_id=owner.id, until=until, actor=Actor.system())
    barrier = threading.Barrier(2)

    def tell(_: int) -> int:
        with unit_of_work(SYSTEM) as session:
            session.get(Customer, owner.id)
            barrier.wait(30)
            return sum(map(len, renewal.notices(session, now=until - timedelta(days=2)).values()))

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(tell, range(2))) == [0, 1]


def test_a_sweep_never_frees_a_number_that_a_campaign_is_taking(connected: sa.Engine) -> None:
    """Ten sweeps and ten campaigns meet on numbers that were left busy by mistake."""
    campaigns = started(10, 0)
    with unit_of_work(SYSTEM) as session:
        for _ in range(10):
            factories.number(session, state=NumberState.BUSY)
    barrier = threading.Barrier(20)

    def free(_: int) -> None:
        with unit_of_work(SYSTEM) as session:
            found = stuck.safe_ones(session)
        barrier.wait(60)
        for number_id in found:
            with contextlib.suppress(DomainError), unit_of_work(SYSTEM) as session:
                stuck.release_stuck(session, number_id, actor=Actor.system(), only_safe=True)

    def take(campaign_id: int) -> None:
        barrier.wait(60)
        for _ in range(20):
            with unit_of_work(SYSTEM) as session:
                phone_number.lease(session, session.get_one(Campaign, campaign_id))

    with ThreadPoolExecutor(20) as pool:
        jobs = [pool.submit(free, 0) for _ in range(10)] + [pool.submit(take, item) for item in campaigns]
        for job in jobs:
            job.result()
    with unit_of_work(SYSTEM) as session:
        held = sa.select(NumberLease.number_id).where(NumberLease.released_at.is_(None))
        lost = sa.select(PhoneNumber.id).where(PhoneNumber.state != NumberState.BUSY, PhoneNumber.id.in_(held))
        assert session.scalar(lost) is None
        assert overlaps(session) == 0


def test_one_of_ten_renters_gets_the_number_and_pays(connected: sa.Engine) -> None:
    with unit_of_work(SYSTEM) as session:
        number_id = factories.number(session).id
        customers = [factories.customer(session, balance="100.00").id for _ in range(10)]
    barrier = threading.Barrier(10)

    def rent(customer_id: int) -> bool:
        with unit_of_work(SYSTEM) as session:
            session.get(PhoneNumber, number_id)
            barrier.wait(30)
            until = clock.now() + timedelta(days=2)
            try:
                phone_number.rent(
                    session, number_id=number_id, customer_id=customer_id, until=until, actor=Actor.system()
                )
            except DomainError as problem:
                assert problem.code == "number.rented"
                return False
            return True

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(rent, customers)) == [False] * 9 + [True]
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(NumberRental)) == 1
        assert ledger.discrepancies(session) == []


def test_the_database_refuses_overlapping_rentals_even_without_the_rule(connected: sa.Engine) -> None:
    with unit_of_work(SYSTEM) as session:
        number = factories.number(session)
        first, second = (factories.customer(session, balance="100.00") for _ in range(2))
        until = clock.now() + timedelta(days=2)
        phone_number.rent(session, number_id=number.id, customer_id=first.id, until=until, actor=Actor.system())
        number.customer_id = second.id
        number.rented_until = clock.now() + timedelta(days=1)
        session.flush()
        with pytest.raises(Conflict, match="number.rented"):
            phone_number.rent(session, number_id=number.id, customer_id=second.id, until=until, actor=Actor.system())
