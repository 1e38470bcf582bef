"""Proving a number: who presses 1, how often the robot rings, what events may do (AC-10, AC-12, F-15 to F-18)."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.lib.errors import Conflict, Forbidden, Invalid, LimitReached, NotFound
from callcab.models import (
    AuditEvent,
    CallEvent,
    CustomerStatus,
    NumberState,
    PhoneNumber,
    Verification,
    VerificationState,
)
from callcab.providers.telephony.base import Event, EventKind, Heard
from callcab.scope import Actor, Scope
from callcab.services import phone_number, verification
from tests import factories

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
OLGA = Actor("Ольга", "owner")
START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
PHONE = "8 925 394-45-77"


@pytest.fixture
def customer_id() -> int:
    with unit_of_work(SYSTEM) as session:
        return factories.customer(session).id


def ask(customer_id: int, at: datetime = START, phone: str = PHONE) -> Verification:
    with clock.frozen(at), unit_of_work(SYSTEM) as session:
        return verification.request(session, customer_id=customer_id, text=phone, actor=OLGA)


def place(attempt: Verification, at: datetime = START) -> None:
    with clock.frozen(at), unit_of_work(SYSTEM) as session:
        assert verification.placement(session, attempt.id) is not None


def fail(attempt: Verification, at: datetime = START) -> None:
    """Let the call end as not answered."""
    place(attempt, at)
    tell(attempt, [hangup(attempt, at=at, answered=False, cause="no_answer")], now=at)


def event(attempt: Verification, kind: EventKind, seconds: float, **data: object) -> Event:
    at = START + timedelta(seconds=seconds)
    return Event(str(attempt.provider_ref), f"{seconds}:{kind.value}", kind, at, data)


def hangup(
    attempt: Verification,
    *,
    at: datetime | None = None,
    answered: bool = True,
    digits: str = "",
    by: str = "us",
    cause: str = "completed",
) -> Event:
    moment = at or START + timedelta(seconds=15)
    answered_at = (moment - timedelta(seconds=10)).isoformat() if answered else None
    data = {"cause": cause, "by": by, "digits": digits, "answered_at": answered_at, "seconds": 10}
    return Event(str(attempt.provider_ref), "9:hangup", EventKind.HANGUP, moment, data)


def tell(attempt: Verification, events: Sequence[Event], now: datetime = START + timedelta(seconds=20)) -> None:
    for item in events:
        with clock.frozen(now), unit_of_work(SYSTEM) as session:
            assert verification.on_event(session, item)


def stored(attempt: Verification) -> Verification:
    with unit_of_work(SYSTEM) as session:
        return session.get_one(Verification, attempt.id)


def number_state(attempt: Verification) -> NumberState:
    with unit_of_work(SYSTEM) as session:
        return session.get_one(PhoneNumber, attempt.number_id).state


def test_asking_makes_a_number_that_waits_for_its_call(customer_id: int) -> None:
    attempt = ask(customer_id)
    assert (attempt.state, attempt.attempt) == (VerificationState.QUEUED, 1)
    assert number_state(attempt) is NumberState.PENDING


def test_asking_twice_while_it_rings_is_one_call(customer_id: int) -> None:
    first = ask(customer_id)
    with clock.frozen(START), unit_of_work(SYSTEM) as session:
        again = verification.start(session, number_id=first.number_id or 0, customer_id=customer_id, actor=OLGA)
    assert again.id == first.id


def test_another_customer_waits_for_the_running_call(customer_id: int) -> None:
    ask(customer_id)
    with unit_of_work(SYSTEM) as session:
        other = factories.customer(session).id
    with pytest.raises(Conflict, match="verification.running"):
        ask(other)


def test_pressing_one_proves_the_number(customer_id: int) -> None:
    attempt = ask(customer_id)
    place(attempt)
    tell(attempt, [event(attempt, EventKind.ANSWERED, 5), event(attempt, EventKind.DIGIT, 8, digit="1")])
    assert (stored(attempt).state, stored(attempt).outcome) == (VerificationState.VERIFIED, "verified")
    assert number_state(attempt) is NumberState.VERIFIED


@pytest.mark.parametrize(
    ("digits", "by", "outcome"),
    [("2", "us", "wrong_digit"), ("", "us", "no_input"), ("", "them", "hangup_before_digit"), ("51", "us", "verified")],
)
def test_the_last_event_alone_tells_how_it_ended(customer_id: int, digits: str, by: str, outcome: str) -> None:
    attempt = ask(customer_id)
    place(attempt)
    tell(attempt, [hangup(attempt, digits=digits, by=by)])
    assert stored(attempt).outcome == outcome


@pytest.mark.parametrize("cause", ["no_answer", "busy", "rejected", "unallocated", "unreachable", "congestion"])
def test_an_unanswered_call_keeps_the_cause(customer_id: int, cause: str) -> None:
    attempt = ask(customer_id)
    place(attempt)
    tell(attempt, [hangup(attempt, answered=False, cause=cause)])
    assert stored(attempt).outcome == cause
    assert number_state(attempt) is NumberState.FAILED


@pytest.mark.parametrize("order", range(24))
def test_every_order_of_events_ends_the_same(customer_id: int, order: int) -> None:
    attempt = ask(customer_id)
    place(attempt)
    events = [
        event(attempt, EventKind.RINGING, 1),
        event(attempt, EventKind.ANSWERED, 5),
        event(attempt, EventKind.DIGIT, 8, digit="1"),
        hangup(attempt, digits="1"),
    ]
    tell(attempt, list(itertools.permutations(events))[order])
    assert (stored(attempt).outcome, number_state(attempt)) == ("verified", NumberState.VERIFIED)


def test_a_repeated_event_is_kept_once(customer_id: int) -> None:
    attempt = ask(customer_id)
    place(attempt)
    tell(attempt, [hangup(attempt, digits="1")] * 10)
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(CallEvent)) == 1
        verified = sa.select(sa.func.count()).select_from(AuditEvent).where(AuditEvent.action == "number.verified")
        assert session.scalar(verified) == 1


def test_a_digit_after_the_deadline_confirms_nothing(customer_id: int) -> None:
    attempt = ask(customer_id)
    place(attempt)
    late = START + timedelta(minutes=6)
    tell(attempt, [event(attempt, EventKind.DIGIT, 359, digit="1")], now=late)
    assert (stored(attempt).outcome, number_state(attempt)) == ("expired", NumberState.FAILED)


def test_a_digit_after_the_hang_up_confirms_nothing(customer_id: int) -> None:
    attempt = ask(customer_id)
    place(attempt)
    tell(attempt, [hangup(attempt, by="them"), event(attempt, EventKind.DIGIT, 16, digit="1")])
    assert number_state(attempt) is NumberState.FAILED


def test_an_event_of_another_call_confirms_nothing(customer_id: int) -> None:
    attempt = ask(customer_id)
    place(attempt)
    with unit_of_work(SYSTEM) as session:
        stranger = Event("v-unknown", "1", EventKind.DIGIT, START, {"digit": "1"})
        assert verification.on_event(session, stranger) is Heard.UNKNOWN
    assert number_state(attempt) is NumberState.PENDING


def test_a_call_of_which_nothing_is_heard_expires_and_may_be_repeated(customer_id: int) -> None:
    attempt = ask(customer_id)
    place(attempt)
    later = START + timedelta(minutes=5, seconds=1)
    with clock.frozen(later), unit_of_work(SYSTEM) as session:
        assert verification.expire(session, now=later) == 1
        assert verification.expire(session, now=later) == 0
    assert stored(attempt).outcome == "expired"
    assert ask(customer_id, later).attempt == 2


def test_a_queued_call_that_nobody_placed_is_found_again(customer_id: int) -> None:
    attempt = ask(customer_id)
    with unit_of_work(SYSTEM) as session:
        assert verification.unplaced(session, now=START + timedelta(seconds=5)) == []
        assert verification.unplaced(session, now=START + timedelta(seconds=20)) == [attempt.id]


def test_placing_again_uses_the_same_reference(customer_id: int) -> None:
    attempt = ask(customer_id)
    with clock.frozen(START), unit_of_work(SYSTEM) as session:
        requests = [verification.placement(session, attempt.id) for _ in range(2)]
    assert [request and request.reference for request in requests] == [attempt.provider_ref] * 2


def test_three_calls_to_a_number_over_all_customers_are_the_limit(customer_id: int) -> None:
    with unit_of_work(SYSTEM) as session:
        other = factories.customer(session).id
    for minute, who in enumerate((customer_id, other, customer_id)):
        fail(ask(who, START + timedelta(minutes=minute)), START + timedelta(minutes=minute))
    with pytest.raises(LimitReached) as refusal:
        ask(other, START + timedelta(minutes=5))
    assert refusal.value.code == "verification.number_day"
    assert refusal.value.params["retry_at"] == START + timedelta(days=1)


def test_deleting_and_adding_a_number_does_not_open_the_limit(customer_id: int) -> None:
    for minute in range(3):
        at = START + timedelta(minutes=minute)
        attempt = ask(customer_id, at)
        fail(attempt, at)
        with unit_of_work(SYSTEM) as session:
            phone_number.delete_personal(session, attempt.number_id or 0, customer_id=customer_id, actor=OLGA)
    with pytest.raises(LimitReached):
        ask(customer_id, START + timedelta(minutes=5))


def test_ten_calls_an_hour_are_the_limit_of_a_customer(customer_id: int) -> None:
    for ending in range(10):
        fail(ask(customer_id, phone=f"+792539420{ending:02}"))
    with pytest.raises(LimitReached, match="verification.customer_hour"):
        ask(customer_id)


def test_a_call_that_was_never_made_does_not_count(customer_id: int) -> None:
    for minute in range(2):
        attempt = ask(customer_id, START + timedelta(minutes=minute))
        place(attempt, START + timedelta(minutes=minute))
        with clock.frozen(START + timedelta(minutes=minute)), unit_of_work(SYSTEM) as session:
            verification.fail_unavailable(session, attempt.id)
    assert stored(attempt).outcome == "unavailable"
    with unit_of_work(SYSTEM) as session:
        assert verification.attempts_left(session, attempt, now=START + timedelta(minutes=3)) == 3


def test_a_provider_that_is_down_is_not_asked_without_end(customer_id: int) -> None:
    for _ in range(3):
        attempt = ask(customer_id)
        place(attempt)
        with clock.frozen(START), unit_of_work(SYSTEM) as session:
            verification.fail_unavailable(session, attempt.id)
    with pytest.raises(LimitReached, match="verification.unavailable"):
        ask(customer_id, START + timedelta(minutes=1))
    assert ask(customer_id, START + timedelta(minutes=6)).attempt == 4


def test_who_presses_one_takes_the_number_from_its_former_owner(customer_id: int) -> None:
    first = ask(customer_id)
    place(first)
    tell(first, [hangup(first, digits="1")])
    with unit_of_work(SYSTEM) as session:
        other = factories.customer(session).id
    second = ask(other)
    place(second)
    tell(second, [hangup(second, digits="1")])
    assert (number_state(first), number_state(second)) == (NumberState.FAILED, NumberState.VERIFIED)
    with unit_of_work(SYSTEM) as session:
        told = session.scalars(sa.select(AuditEvent.customer_id).where(AuditEvent.action == "number.lost")).all()
        assert told == [customer_id]


def test_a_failed_attempt_of_another_leaves_the_owner_his_number(customer_id: int) -> None:
    first = ask(customer_id)
    place(first)
    tell(first, [hangup(first, digits="1")])
    with unit_of_work(SYSTEM) as session:
        other = factories.customer(session).id
    fail(ask(other))
    assert number_state(first) is NumberState.VERIFIED


def test_a_blocked_customer_draws_no_calls() -> None:
    with unit_of_work(SYSTEM) as session:
        blocked = factories.customer(session, status=CustomerStatus.BLOCKED, block_reason="долг").id
    with pytest.raises(Forbidden, match="customer.blocked"):
        ask(blocked)


def test_a_foreign_number_is_not_called(customer_id: int) -> None:
    attempt = ask(customer_id)
    with unit_of_work(SYSTEM) as session:
        other = factories.customer(session).id
    with unit_of_work(SYSTEM) as session, pytest.raises(NotFound):
        verification.start(session, number_id=attempt.number_id or 0, customer_id=other, actor=OLGA)


def test_confirming_by_hand_needs_a_reason_and_is_audited(customer_id: int) -> None:
    attempt = ask(customer_id)
    with unit_of_work(SYSTEM) as session:
        with pytest.raises(Invalid, match="reason.missing"):
            verification.confirm_by_hand(session, attempt.id, actor=OLGA, reason=" ")
        verification.confirm_by_hand(session, attempt.id, actor=OLGA, reason="договор")
    assert (stored(attempt).outcome, number_state(attempt)) == ("by_hand", NumberState.VERIFIED)
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(AuditEvent.reason).where(AuditEvent.action == "verification.confirm"))
