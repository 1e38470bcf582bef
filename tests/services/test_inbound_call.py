"""Incoming calls: whom a caller reaches, what is written down, and that it happens once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from callcab import queue
from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.models import (
    BlacklistEntry,
    BlacklistSource,
    Call,
    CallbackRequest,
    CallEvent,
    Customer,
    CustomerStatus,
    InboundCall,
    IvrAction,
    LedgerEntry,
    NumberKind,
    NumberState,
    Outcome,
    PhoneNumber,
)
from callcab.providers.telephony.base import (
    Answer,
    Cause,
    Connect,
    Event,
    EventKind,
    Follow,
    Gather,
    Heard,
    Incoming,
    Refuse,
)
from callcab.scope import Scope
from callcab.services import campaign as campaigns
from callcab.services import inbound_call
from tests import factories
from tests.services.dialling import FIRST, NOON, SYSTEM, dial, settled

pytestmark = pytest.mark.usefixtures("connected")
CALLER, STRANGER = f"+{FIRST}", "+79161112233"


def come(to: int | str, caller: str = CALLER, reference: str = "i-1", at: datetime = NOON) -> Answer:
    """A call comes in."""
    text = f"+{to}" if isinstance(to, int) else to
    with clock.frozen(at), unit_of_work(SYSTEM) as session:
        return inbound_call.receive(session, Incoming(reference, text, caller, at))


def tell(kind: EventKind, key: str = "1", at: datetime = NOON, **data: Any) -> Heard:
    with clock.frozen(at), unit_of_work(SYSTEM) as session:
        return inbound_call.on_event(session, Event("i-1", key, kind, at, data))


def ended(digits: str = "", cause: str = "completed", seconds: int = 12, answered: bool = True) -> dict[str, Any]:
    """What the last event of a call says."""
    since = NOON.isoformat() if answered else None
    return {"cause": cause, "by": "them", "digits": digits, "answered_at": since, "seconds": seconds}


def row() -> InboundCall:
    with unit_of_work(SYSTEM) as session:
        return session.scalars(sa.select(InboundCall)).one()


def called(phone: int = FIRST, **values: Any) -> tuple[int, int, int]:
    """A campaign that has just called the person; its customer, its own id, and the number that it calls from."""
    customer_id, campaign_id = settled((phone,), **values)
    dial(campaign_id)
    with unit_of_work(SYSTEM) as session:
        return customer_id, campaign_id, int(session.scalars(sa.select(Call.from_phone)).one() or 0)


def own_number(state: NumberState = NumberState.VERIFIED, **values: Any) -> tuple[int, int]:
    """A customer's personal number: his id and the number."""
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session, **values)
        number = factories.number(session, kind=NumberKind.PERSONAL, state=state, customer_id=owner.id)
        return owner.id, number.phone


def opted_out() -> list[tuple[int | None, int]]:
    with unit_of_work(SYSTEM) as session:
        found = session.execute(sa.select(BlacklistEntry.customer_id, BlacklistEntry.phone))
        return [(customer_id, phone) for customer_id, phone in found]


def test_a_call_to_a_personal_number_reaches_its_owner_who_sees_the_caller() -> None:
    owner_id, phone = own_number()
    assert come(phone) == Connect(to=f"+{phone}", caller_id=CALLER)
    assert (row().customer_id, row().code, row().phone, row().to_phone) == (owner_id, "inbound.owner", FIRST, phone)


def test_a_hidden_caller_reaches_the_owner_without_a_number() -> None:
    _, phone = own_number()
    answer = come(phone, caller="")
    assert isinstance(answer, Connect)
    assert (answer.caller_id, row().phone) == (None, None)


def test_an_owner_is_not_connected_to_himself() -> None:
    _, phone = own_number()
    assert come(phone, caller=f"+{phone}") == Refuse(Cause.BUSY)


def test_who_calls_back_reaches_the_menu_of_the_campaign_that_called_him() -> None:
    customer_id, campaign_id, phone = called()
    answer = come(phone)
    assert isinstance(answer, Follow)
    assert isinstance(answer.scenario[0], Gather)
    assert set(answer.scenario[0].branches) == {"9"}
    assert (row().customer_id, row().campaign_id, row().code) == (customer_id, campaign_id, "inbound.last_campaign")


def test_of_several_campaigns_the_last_that_called_this_person_from_this_number_answers() -> None:
    _, _, phone = called()
    with unit_of_work(SYSTEM) as session:
        for from_phone, hours in ((phone, 2), (phone, 1), (phone + 1, 3)):
            other = factories.campaign(session, factories.customer(session))
            at = NOON + timedelta(hours=hours)
            factories.call(session, other, phone=FIRST, from_phone=from_phone, created_at=at)
    come(phone, at=NOON + timedelta(hours=9))
    with unit_of_work(SYSTEM) as session:
        last = session.scalars(sa.select(Call).where(Call.created_at == NOON + timedelta(hours=2))).one()
    assert (row().customer_id, row().campaign_id) == (last.customer_id, last.campaign_id)


@pytest.mark.parametrize("caller", [STRANGER, ""])
def test_whom_nobody_called_from_a_shared_number_reaches_nobody_even_while_a_campaign_holds_it(caller: str) -> None:
    _, _, phone = called()
    assert come(phone, caller=caller) == Refuse(Cause.UNALLOCATED)
    assert (row().customer_id, row().campaign_id, row().code) == (None, None, "inbound.not_called")
    assert (row().outcome, row().seconds) == (Outcome.UNALLOCATED, 0)


def test_who_calls_a_rented_number_and_was_not_called_from_it_is_on_the_renters_record() -> None:
    _, _, phone = called()
    with unit_of_work(SYSTEM) as session:
        renter = factories.customer(session)
        number = session.scalars(sa.select(PhoneNumber)).one()
        number.customer_id, number.rented_until = renter.id, NOON + timedelta(days=9)
    assert come(phone, caller=STRANGER) == Refuse(Cause.UNALLOCATED)
    assert (row().customer_id, row().code) == (renter.id, "inbound.not_called")


@pytest.mark.parametrize(
    ("values", "cause", "code"),
    [
        ({"kind": NumberKind.DUTY}, Cause.REJECTED, "inbound.duty"),
        ({}, Cause.UNALLOCATED, "inbound.not_called"),
        ({"state": NumberState.BLOCKED}, Cause.REJECTED, "inbound.number_blocked"),
        (None, Cause.UNALLOCATED, "inbound.unknown_number"),
    ],
)
def test_nobody_to_reach_is_refused_without_an_answer_and_on_record(
    values: dict[str, Any] | None, cause: Cause, code: str
) -> None:
    with unit_of_work(SYSTEM) as session:
        phone = factories.number(session, **values).phone if values is not None else 79250009999
    assert come(phone) == Refuse(cause)
    assert (row().customer_id, row().code, row().seconds, row().outcome) == (None, code, 0, Outcome(cause.value))


def test_a_number_that_is_no_number_is_refused_and_on_record() -> None:
    assert come("anonymous", caller="+15551234567") == Refuse(Cause.UNALLOCATED)
    assert (row().to_phone, row().phone) == (None, 15551234567)


@pytest.mark.parametrize("state", [NumberState.PENDING, NumberState.FAILED])
def test_an_unproved_number_leads_nowhere_and_is_shown_to_nobody_who_claims_it(state: NumberState) -> None:
    _, phone = own_number(state)
    assert come(phone) == Refuse(Cause.UNALLOCATED)
    assert (row().customer_id, row().code) == (None, "inbound.unproved")


def test_a_proved_number_comes_before_other_claims_to_it() -> None:
    owner_id, phone = own_number(NumberState.PENDING)
    with unit_of_work(SYSTEM) as session:
        real = factories.customer(session)
        factories.number(
            session, phone=phone, kind=NumberKind.PERSONAL, state=NumberState.VERIFIED, customer_id=real.id
        )
    come(phone)
    assert row().customer_id == real.id != owner_id


def test_a_blocked_customer_is_not_reached() -> None:
    owner_id, phone = own_number(status=CustomerStatus.BLOCKED, block_reason="жалобы")
    assert come(phone) == Refuse(Cause.REJECTED)
    assert (row().customer_id, row().code) == (owner_id, "inbound.customer_blocked")


def test_a_call_told_twice_is_one_call_with_the_same_answer() -> None:
    _, _, phone = called()
    first = come(phone)
    with unit_of_work(SYSTEM) as session:
        session.scalars(sa.select(PhoneNumber)).one().state = NumberState.BLOCKED
    assert come(phone) == first
    assert row().code == "inbound.last_campaign"


def test_two_dialers_told_of_the_same_call_at_once_write_it_down_once() -> None:
    _, phone = own_number()
    gate = Barrier(4)

    def ring(_: int) -> Answer:
        gate.wait()
        with unit_of_work(SYSTEM) as session:
            return inbound_call.receive(session, Incoming("i-1", f"+{phone}", CALLER, NOON))

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ring, range(4)))
    assert answers == [answers[0]] * 4
    assert row().customer_id


def test_a_call_that_was_over_is_not_taken_again() -> None:
    _, phone = own_number()
    come(phone)
    tell(EventKind.HANGUP, **ended())
    assert come(phone) == Refuse(Cause.REJECTED)


def test_its_events_are_kept_once_and_its_end_says_everything() -> None:
    _, phone = own_number()
    come(phone)
    assert tell(EventKind.ANSWERED) is Heard.NEWS
    assert tell(EventKind.ANSWERED) is Heard.AGAIN
    assert tell(EventKind.HANGUP, "2", NOON + timedelta(seconds=12), **ended()) is Heard.NEWS
    assert (row().outcome, row().seconds, row().answered_at) == (Outcome.COMPLETED, 12, NOON)
    with unit_of_work(SYSTEM) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(CallEvent)) == 2


def test_events_after_the_end_change_nothing() -> None:
    _, _, phone = called()
    come(phone)
    tell(EventKind.HANGUP, **ended("5"))
    tell(EventKind.DIGIT, "2", digit="7")
    assert row().digits == "5"


def test_an_event_of_an_unknown_call_is_not_ours() -> None:
    assert tell(EventKind.ANSWERED) is Heard.UNKNOWN


def test_events_of_a_refused_call_of_nobody_are_left() -> None:
    come(79250009999)
    assert tell(EventKind.HANGUP, **ended(answered=False, cause="rejected")) is Heard.AGAIN


def test_an_unknown_cause_is_told_by_whether_somebody_answered() -> None:
    _, phone = own_number()
    come(phone)
    tell(EventKind.HANGUP, **ended(cause="strange", answered=False))
    assert row().outcome is Outcome.CONGESTION


def test_pressing_nine_in_a_menu_reached_by_calling_back_puts_the_caller_on_the_list_at_once() -> None:
    customer_id, _, phone = called()
    sent: list[tuple[str, dict[str, Any]]] = []
    queue.set_sender(lambda job, ids: sent.append((job, ids)))
    come(phone)
    tell(EventKind.DIGIT, digit="9")
    with unit_of_work(SYSTEM) as session:
        entry = session.scalars(sa.select(BlacklistEntry)).one()
        call_id = session.scalars(sa.select(InboundCall.id)).one()
        assert (entry.customer_id, entry.phone, entry.source) == (customer_id, FIRST, BlacklistSource.IVR)
        assert (entry.inbound_call_id, entry.call_id) == (call_id, None)
    # The campaign's own call is still on its way to him: it ends.
    assert [job for job, _ in sent] == ["call.hang_up"]


def test_the_digit_is_heeded_when_only_the_end_of_the_call_tells_of_it() -> None:
    customer_id, _, phone = called()
    come(phone)
    tell(EventKind.HANGUP, **ended("59"))
    assert opted_out() == [(customer_id, FIRST)]


def test_another_digit_or_a_talk_with_an_owner_puts_nobody_on_a_list() -> None:
    _, _, phone = called()
    come(phone)
    tell(EventKind.DIGIT, digit="5")
    _, personal = own_number()
    come(personal, reference="i-2")
    with unit_of_work(SYSTEM) as session:
        inbound_call.on_event(session, Event("i-2", "1", EventKind.DIGIT, NOON, {"digit": "9"}))
    assert opted_out() == []


def test_an_incoming_call_costs_nothing() -> None:
    customer_id, _, phone = called()
    with unit_of_work(SYSTEM) as session:
        before = (
            session.get_one(Customer, customer_id).balance,
            session.scalar(sa.select(sa.func.count(LedgerEntry.id))),
        )
    come(phone)
    tell(EventKind.HANGUP, **ended(seconds=170))
    with unit_of_work(SYSTEM) as session:
        after = session.get_one(Customer, customer_id).balance, session.scalar(sa.select(sa.func.count(LedgerEntry.id)))
    assert before == after


def test_a_call_whose_end_never_came_is_over_after_its_longest_time() -> None:
    _, phone = own_number()
    come(phone)
    with unit_of_work(SYSTEM) as session:
        assert inbound_call.reap(session, now=NOON + timedelta(minutes=59)) == 0
        assert inbound_call.reap(session, now=NOON + timedelta(minutes=63)) == 1
    assert row().outcome is Outcome.LOST


def test_a_customer_reads_his_own_incoming_calls_and_no_others() -> None:
    owner_id, phone = own_number()
    come(phone)
    come(79250009999, reference="i-2")
    with unit_of_work(SYSTEM) as session:
        stranger_id = factories.customer(session).id
    seen = {}
    for customer_id in (owner_id, stranger_id):
        with unit_of_work(Scope.tenant(customer_id)) as session:
            seen[customer_id] = session.scalars(sa.select(InboundCall.to_phone)).all()
    assert seen == {owner_id: [phone], stranger_id: []}


def test_who_called_by_himself_may_ask_to_be_called_back_too() -> None:
    customer_id, campaign_id, phone = called(rules=(campaigns.Rule("2", IvrAction.CALLBACK),))
    come(phone)
    tell(EventKind.DIGIT, digit="2")
    tell(EventKind.HANGUP, **ended("2"))
    with unit_of_work(SYSTEM) as session:
        (request,) = session.scalars(sa.select(CallbackRequest))
        assert (request.customer_id, request.campaign_id, request.phone) == (customer_id, campaign_id, FIRST)
    assert (request.call_id, request.inbound_call_id) == (None, row().id)
