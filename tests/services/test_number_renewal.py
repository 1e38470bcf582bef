"""The end of a rental: letters before it, going on by itself, giving the number back."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from callcab.db import CabSession, unit_of_work
from callcab.jobs import phone_number as jobs
from callcab.lib import clock
from callcab.lib.errors import Conflict, Forbidden, Invalid, NotFound
from callcab.models import (
    Customer,
    CustomerStatus,
    LedgerEntry,
    MailMessage,
    NumberEvent,
    NumberKind,
    NumberRental,
    NumberState,
    PhoneNumber,
)
from callcab.scope import Actor, Scope
from callcab.services import ledger, phone_number
from callcab.services.phone_number import quote as quotes
from callcab.services.phone_number import renewal, rental
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
SUPPORT = Actor("Поддержка", "lead", user_id=None)
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture
def session() -> Iterator[CabSession]:
    with unit_of_work(SYSTEM) as opened, clock.frozen(NOW):
        yield opened


def rented(
    session: CabSession, *, balance: str = "1000.00", days: int = 7, prolong: int | None = None
) -> tuple[PhoneNumber, Customer]:
    """A number at 15,00 ₽ a day."""
    owner, number = factories.customer(session, balance=balance), factories.number(session)
    phone_number.rent(
        session, number_id=number.id, customer_id=owner.id, until=NOW + timedelta(days=days), actor=SUPPORT
    )
    if prolong is not None:
        phone_number.set_prolonging(session, number.id, prolong, customer_id=owner.id, actor=SUPPORT)
    return number, owner


def end(session: CabSession, number: PhoneNumber, at: datetime) -> renewal.Ended | None:
    with clock.frozen(at):
        return renewal.end(session, number.id, now=at)


def test_a_rental_goes_on_by_itself_where_it_ended_and_is_charged_once(session: CabSession) -> None:
    number, owner = rented(session, prolong=10)
    at = NOW + WEEK + timedelta(minutes=3)
    ended = end(session, number, at)
    assert ended is not None and (ended.ending, ended.price) == (renewal.Ending.PROLONGED, Decimal("150.00"))
    assert (number.customer_id, number.rented_until) == (owner.id, NOW + WEEK + timedelta(days=10))
    assert end(session, number, at) is None
    charged = session.scalars(sa.select(LedgerEntry.amount).where(LedgerEntry.kind == "rental")).all()
    assert sorted(charged) == [Decimal("-150.00"), Decimal("-105.00")]
    assert ledger.discrepancies(session) == []


def test_one_rental_has_one_ledger_key(session: CabSession) -> None:
    rented(session)
    keys = session.scalars(sa.select(LedgerEntry.idempotency_key).where(LedgerEntry.kind == "rental")).all()
    assert keys == [f"rental:{session.scalars(sa.select(NumberRental.id)).one()}"]


@pytest.mark.parametrize("obstacle", ["money", "block"])
def test_what_can_not_be_paid_for_ends(session: CabSession, obstacle: str) -> None:
    number, owner = rented(session, balance="110.00" if obstacle == "money" else "1000.00", prolong=7)
    if obstacle == "block":
        owner.status, owner.block_reason = CustomerStatus.BLOCKED, "долг"
        session.flush()
    ended = end(session, number, NOW + WEEK)
    assert ended is not None and ended.ending is renewal.Ending.NO_MONEY
    assert (number.customer_id, number.rented_until, number.prolong_days) == (None, None, None)
    assert session.scalar(sa.select(sa.func.count()).select_from(NumberRental)) == 1


def test_a_campaign_keeps_the_number_after_the_rental_and_then_it_is_everybodys(session: CabSession) -> None:
    number, owner = rented(session)
    campaign = factories.campaign(session, owner)
    caller = phone_number.lease(session, campaign)
    assert caller is not None and caller.kind == "rented"
    ended = end(session, number, NOW + WEEK)
    assert ended is not None and ended.campaign_id == campaign.id
    # The same lease goes on; from now on it is priced as a shared number, since its rent is no longer paid.
    assert phone_number.lease(session, campaign) == replace(caller, kind="shared")
    assert number.state is NumberState.BUSY
    phone_number.release_campaign(session, campaign.id)
    stranger = factories.campaign(session, factories.customer(session))
    taken = phone_number.lease(session, stranger)
    assert taken is not None and taken.number_id == number.id
    event = session.scalars(sa.select(NumberEvent).where(NumberEvent.kind == "rental_ended")).one()
    assert event.data["campaign_id"] == campaign.id
    assert event.customer_id == owner.id


def test_only_the_renter_switches_prolonging(session: CabSession) -> None:
    number, _ = rented(session)
    other = factories.customer(session)
    with pytest.raises(NotFound):
        phone_number.set_prolonging(session, number.id, 7, customer_id=other.id, actor=SUPPORT)
    with pytest.raises(NotFound):
        phone_number.set_prolonging(session, factories.number(session).id, 7, customer_id=None, actor=SUPPORT)


@pytest.mark.parametrize("days", [0, -1, 367])
def test_a_rental_is_prolonged_by_one_to_366_days(session: CabSession, days: int) -> None:
    number, owner = rented(session)
    with pytest.raises(Invalid, match="rental.days"):
        phone_number.set_prolonging(session, number.id, days, customer_id=owner.id, actor=SUPPORT)


def test_a_second_click_on_the_same_page_rents_nothing_more(session: CabSession) -> None:
    owner, number = factories.customer(session, balance="100.00"), factories.number(session)
    seen = phone_number.Seen(None, Decimal("30.00"))
    until = NOW + timedelta(days=2)
    phone_number.rent(session, number_id=number.id, customer_id=owner.id, until=until, actor=SUPPORT, seen=seen)
    with pytest.raises(Conflict, match="rental.changed"):
        phone_number.rent(
            session, number_id=number.id, customer_id=owner.id, until=until + WEEK, actor=SUPPORT, seen=seen
        )
    assert owner.balance == Decimal("70.00")


def test_a_blocked_customer_rents_nothing(session: CabSession) -> None:
    owner = factories.customer(session, balance="100.00", status=CustomerStatus.BLOCKED, block_reason="долг")
    with pytest.raises(Forbidden, match="customer.blocked"):
        phone_number.rent(
            session, number_id=factories.number(session).id, customer_id=owner.id, until=NOW + WEEK, actor=SUPPORT
        )


# Letters


def told(session: CabSession, at: datetime) -> int:
    return sum(map(len, renewal.notices(session, now=at).values()))


def test_a_customer_is_written_to_three_days_and_one_day_before_once_each(session: CabSession) -> None:
    rented(session)
    ends = NOW + WEEK
    hours = [80, 71, 60, 30, 23, 10, 1]
    assert [told(session, ends - timedelta(hours=left)) for left in hours] == [0, 1, 0, 0, 1, 0, 0]


def test_a_rental_of_a_day_brings_no_letter(session: CabSession) -> None:
    rented(session, days=1)
    assert told(session, NOW + timedelta(hours=1)) == 0


def test_a_prolonged_rental_is_told_of_when_it_really_ends(session: CabSession) -> None:
    number, owner = rented(session)
    phone_number.rent(session, number_id=number.id, customer_id=owner.id, until=NOW + 2 * WEEK, actor=SUPPORT)
    assert told(session, NOW + WEEK - timedelta(hours=5)) == 0
    assert told(session, NOW + 2 * WEEK - timedelta(hours=5)) == 1


def test_the_timetable_writes_one_letter_for_all_numbers_of_a_customer() -> None:
    with unit_of_work(SYSTEM) as session, clock.frozen(NOW):
        number, owner = rented(session, prolong=7)
        other = factories.number(session)
        phone_number.rent(session, number_id=other.id, customer_id=owner.id, until=NOW + WEEK, actor=SUPPORT)
    with clock.frozen(NOW + WEEK - timedelta(hours=12)):
        jobs.notify()
        jobs.notify()
    with unit_of_work(SYSTEM) as session:
        letter = session.scalars(sa.select(MailMessage)).one()
        assert (letter.kind, letter.recipient) == ("rental.notice", owner.email)
        assert "продлится сам, спишется 105,00" in letter.text
        assert letter.text.count(" — до 01.12.2026 12:00") == 2


def test_the_timetable_tells_who_could_not_pay_once() -> None:
    with unit_of_work(SYSTEM) as session, clock.frozen(NOW):
        number, owner = rented(session, balance="105.00", prolong=7)
    with clock.frozen(NOW + WEEK):
        jobs.end_rentals()
        jobs.end_rentals()
    with unit_of_work(SYSTEM) as session:
        letter = session.scalars(sa.select(MailMessage)).one()
        assert letter.kind == "rental.no_money"
        assert session.get_one(PhoneNumber, number.id).customer_id is None


# The price of many


def test_a_quote_counts_what_may_be_rented_and_says_whether_it_is_enough(session: CabSession) -> None:
    owner, other = factories.customer(session, balance="50.00"), factories.customer(session, balance="100.00")
    free, blocked = factories.number(session), factories.number(session, state=NumberState.BLOCKED)
    mine = factories.number(session, customer_id=owner.id, rented_until=NOW + timedelta(days=1))
    theirs = factories.number(session, customer_id=other.id, rented_until=NOW + timedelta(days=1))
    chosen = sa.select(PhoneNumber).where(PhoneNumber.id.in_([free.id, blocked.id, mine.id, theirs.id]))
    found = quotes.quote(session, chosen, customer=owner, until=NOW + timedelta(days=3))
    assert (found.rentable, found.refused, found.total, found.enough) == (2, 2, Decimal("75.00"), False)
    said = {line.phone: (line.price, line.refusal) for line in found.lines}
    assert said == {
        free.phone: (Decimal("45.00"), ""),
        blocked.phone: (Decimal("0.00"), "number.blocked"),
        mine.phone: (Decimal("30.00"), ""),
        theirs.phone: (Decimal("0.00"), "number.rented"),
    }


def test_a_quote_for_a_blocked_customer_refuses_every_number(session: CabSession) -> None:
    owner = factories.customer(session, balance="100.00", status=CustomerStatus.BLOCKED, block_reason="долг")
    factories.number(session)
    found = quotes.quote(session, sa.select(PhoneNumber), customer=owner, until=NOW + timedelta(days=3))
    assert [line.refusal for line in found.lines] == ["customer.blocked"]


def test_a_quote_says_of_each_number_why_it_is_not_to_be_had(session: CabSession) -> None:
    owner, other = factories.customer(session), factories.customer(session)
    duty = factories.number(session, kind=NumberKind.DUTY)
    far = factories.number(session, customer_id=owner.id, rented_until=NOW + timedelta(days=9))
    busy = factories.number(session)
    assert phone_number.lease(session, factories.campaign(session, other)) is not None
    found = quotes.quote(session, sa.select(PhoneNumber), customer=owner, until=NOW + timedelta(days=3))
    assert {line.phone: line.refusal for line in found.lines} == {
        duty.phone: "number.not_shared",
        far.phone: "rental.until",
        busy.phone: "number.busy",
    }


# A period chosen by the customer


def test_each_period_has_its_price_and_begins_where_the_present_rental_ends(session: CabSession) -> None:
    number, owner = rented(session)
    offer = rental.offers(number, owner.tariff)[0]
    assert (offer.days, offer.until, offer.price) == (1, NOW + WEEK + timedelta(days=1), Decimal("15.00"))
    seen = phone_number.Seen(number.rented_until, offer.price)
    rental.rent_days(session, number_id=number.id, customer_id=owner.id, days=1, seen=seen, actor=SUPPORT)
    assert number.rented_until == offer.until
    with pytest.raises(Conflict, match="rental.changed"):
        rental.rent_days(session, number_id=number.id, customer_id=owner.id, days=1, seen=seen, actor=SUPPORT)


def test_a_period_of_ones_own_making_is_refused(session: CabSession) -> None:
    number, owner = rented(session)
    seen = phone_number.Seen(number.rented_until, Decimal("30.00"))
    with pytest.raises(Invalid, match="rental.days"):
        rental.rent_days(session, number_id=number.id, customer_id=owner.id, days=2, seen=seen, actor=SUPPORT)
