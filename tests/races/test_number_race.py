"""Fifty campaigns start at once on twenty free numbers (AC-53); a number is rented by twenty at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.lib.errors import Conflict, DomainError
from callcab.models import Campaign, NumberLease, NumberRental, NumberState, PhoneNumber
from callcab.scope import Actor, Scope
from callcab.services import ledger, phone_number
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")


def test_fifty_campaigns_share_twenty_numbers_without_taking_one_twice(connected: sa.Engine) -> None:
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session)
        for _ in range(20):
            factories.number(session)
        campaigns = [factories.campaign(session, owner).id for _ in range(50)]
    # The pool of connections holds thirty: that many threads meet between reading the campaign and taking a number.
    barrier = threading.Barrier(25)

    def take(campaign_id: int) -> int | None:
        with unit_of_work(SYSTEM) as session:
            campaign = session.get_one(Campaign, campaign_id)
            barrier.wait(30)
            caller = phone_number.lease(session, campaign)
            return caller.number_id if caller else None

    with ThreadPoolExecutor(25) as pool:
        taken = [number_id for number_id in pool.map(take, campaigns) if number_id]
    assert len(taken) == len(set(taken)) == 20
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(NumberLease)) == 20
        assert (
            session.scalar(
                sa.select(sa.func.count()).select_from(PhoneNumber).where(PhoneNumber.state == NumberState.BUSY)
            )
            == 20
        )


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
