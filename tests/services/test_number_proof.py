"""How long a personal number is proved: a year, renewed in its last month, taken back when it ran out (rule C5)."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.jobs import verification as jobs
from callcab.lib import clock
from callcab.lib.errors import Conflict, LimitReached
from callcab.models import MailMessage, NumberState, PhoneNumber
from callcab.providers.telephony.base import Event, EventKind
from callcab.scope import Actor, Scope
from callcab.services import verification
from callcab.services.verification import limits, proof
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
OLGA = Actor("Ольга", "owner")
START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
END = START + timedelta(days=365)


@pytest.fixture
def customer_id() -> int:
    with unit_of_work(SYSTEM) as session:
        return factories.customer(session).id


def call(customer_id: int, at: datetime, digit: str = "1") -> int:
    """Ask for a call and press a digit; returns the number's id."""
    with clock.frozen(at), unit_of_work(SYSTEM) as session:
        known = session.scalar(sa.select(PhoneNumber.id))
        if known is None:
            attempt = verification.request(session, customer_id=customer_id, text="8 925 394-45-77", actor=OLGA)
        else:
            attempt = verification.start(session, number_id=known, customer_id=customer_id, actor=OLGA)
        verification.placement(session, attempt.id)
        data = {"cause": "completed", "by": "us", "digits": digit, "answered_at": at.isoformat(), "seconds": 5}
        verification.on_event(session, Event(str(attempt.provider_ref), "end", EventKind.HANGUP, at, data))
        return int(attempt.number_id or 0)


def number() -> PhoneNumber:
    with unit_of_work(SYSTEM) as session:
        return session.scalars(sa.select(PhoneNumber)).one()


def test_a_pressed_one_holds_for_a_year(customer_id: int) -> None:
    call(customer_id, START)
    assert (number().state, number().proved_until) == (NumberState.VERIFIED, END)


def test_a_proof_is_not_renewed_before_its_last_month(customer_id: int) -> None:
    call(customer_id, START)
    with pytest.raises(Conflict, match=r"number\.known"):
        call(customer_id, END - timedelta(days=31))


def test_a_renewed_proof_holds_for_another_year(customer_id: int) -> None:
    call(customer_id, START)
    call(customer_id, END - timedelta(days=20))
    assert (number().state, number().proved_until) == (NumberState.VERIFIED, END + timedelta(days=345))


def test_a_renewal_that_fails_leaves_the_number_in_use(customer_id: int) -> None:
    call(customer_id, START)
    call(customer_id, END - timedelta(days=20), digit="5")
    assert (number().state, number().proved_until) == (NumberState.VERIFIED, END)


def test_a_proof_that_ran_out_is_taken_back(customer_id: int) -> None:
    call(customer_id, START)
    for now, state in ((END - timedelta(seconds=1), NumberState.VERIFIED), (END, NumberState.FAILED)):
        with unit_of_work(SYSTEM) as session:
            proof.expire_proofs(session, now=now)
        assert number().state is state


def test_letters_leave_two_weeks_and_three_days_before_the_end_each_once(customer_id: int) -> None:
    call(customer_id, START)
    letters = []
    for days in (20, 14, 13, 3, 3, 1):
        with clock.frozen(END - timedelta(days=days)):
            jobs.end_proofs()
        with unit_of_work(SYSTEM) as session:
            letters.append(session.scalar(sa.select(sa.func.count()).select_from(MailMessage)))
    assert letters == [0, 1, 1, 2, 2, 2]
    with unit_of_work(SYSTEM) as session:
        assert "+7(925)394-45-77 — до 24.11.2027" in session.scalars(sa.select(MailMessage.text)).first()


@pytest.mark.parametrize(("allowed", "code"), [(0, "verification.off"), (1, "verification.service_day")])
def test_the_whole_service_makes_no_more_calls_than_allowed(
    customer_id: int, monkeypatch: pytest.MonkeyPatch, allowed: int, code: str
) -> None:
    monkeypatch.setattr(limits, "_in_all", allowed)
    for count in range(allowed + 1):
        with unit_of_work(SYSTEM) as session:
            other = factories.customer(session).id
        with clock.frozen(START), unit_of_work(SYSTEM) as session:
            phone = f"8 925 394-45-{count:02}"
            if count < allowed:
                verification.request(session, customer_id=other, text=phone, actor=OLGA)
            else:
                with pytest.raises(LimitReached) as refused:
                    verification.request(session, customer_id=other, text=phone, actor=OLGA)
                assert refused.value.code == code
