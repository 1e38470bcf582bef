"""What is known about one number: calls, refusals, calls that came in, and how fast an opt-out was heeded."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from callcab import queue
from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.models import BlacklistEntry, BlacklistSource, Call, CallState, Contact, Outcome
from callcab.providers.telephony.base import Event, EventKind, Heard, Incoming
from callcab.scope import Actor
from callcab.services import blacklist, inbound_call
from callcab.services import call as calls
from callcab.services.call import history
from tests import factories
from tests.services.dialling import FIRST, NOON, SYSTEM, dial, end, settled

pytestmark = pytest.mark.usefixtures("connected")
PAST = timedelta(hours=1)


def opt_out(customer_id: int | None = None) -> history.OptOut:
    with unit_of_work(SYSTEM) as session:
        return history.opt_outs(session, phone=FIRST, customer_id=customer_id)[0]


def press_nine(call_id: int, seconds: int = 0) -> None:
    """The callee presses 9; we hear of it so many seconds later."""
    with clock.frozen(NOON + timedelta(seconds=seconds)), unit_of_work(SYSTEM) as session:
        call = session.get_one(Call, call_id)
        event = Event(str(call.provider_ref), "d", EventKind.DIGIT, NOON, {"digit": "9"})
        assert calls.on_events(session, [event]) != [Heard.UNKNOWN]


def test_calls_and_refusals_come_newest_first_page_by_page() -> None:
    customer_id, campaign_id = settled((FIRST,))
    dial(campaign_id)
    other_id, other_campaign = settled((FIRST,))
    dial(other_campaign)
    with unit_of_work(SYSTEM) as session:
        everybody = [call.customer_id for call in history.calls(session, phone=FIRST, customer_id=None)]
        newest = history.calls(session, phone=FIRST, customer_id=None, limit=1)
        rest = history.calls(session, phone=FIRST, customer_id=None, before=newest[0].id)
        mine = history.calls(session, phone=FIRST, customer_id=customer_id)
    assert everybody == [other_id, customer_id]
    assert [call.customer_id for call in rest] == [customer_id]
    assert [call.customer_id for call in mine] == [customer_id]


def test_an_opt_out_shows_when_he_asked_and_that_nothing_rang_after() -> None:
    customer_id, campaign_id = settled((FIRST,))
    call_id = dial(campaign_id)[0]
    press_nine(call_id, seconds=3)
    end(call_id)
    found = opt_out(customer_id)
    assert (found.asked_at, found.reaction) == (NOON, timedelta(seconds=3))
    assert (found.going_on, found.silent_at, found.calls_after) == (0, None, 0)
    assert found.entry.call_id == call_id


def test_the_end_of_the_call_tells_when_he_asked_if_nothing_else_did() -> None:
    customer_id, campaign_id = settled((FIRST,))
    end(dial(campaign_id)[0], NOON + timedelta(seconds=9), digits="9")
    assert opt_out(customer_id).asked_at == NOON + timedelta(seconds=9)


def test_other_calls_that_were_going_on_are_counted_with_when_the_last_was_silent() -> None:
    _, campaign_id = settled((FIRST,))
    first = dial(campaign_id)[0]
    with unit_of_work(SYSTEM) as session:
        call = session.get_one(Call, first)
        other = factories.campaign(session, call.customer)
        mine = {"campaign_id": other.id, "customer_id": call.customer_id, "phone": FIRST}
        contact = factories.add(session, Contact(next_at=NOON, **mine))
        ended = {"state": CallState.FINISHED, "outcome": Outcome.NO_ANSWER, "ended_at": NOON + timedelta(seconds=2)}
        times = {"deadline_at": NOON + PAST, "created_at": NOON}
        session.add(Call(contact_id=contact.id, attempt=1, decision=[], **mine, **ended, **times))
    press_nine(first)
    found = opt_out()
    assert (found.going_on, found.silent_at) == (1, NOON + timedelta(seconds=2))


def test_a_call_after_an_entry_is_counted_and_a_refusal_is_not() -> None:
    customer_id, campaign_id = settled((FIRST,))
    with clock.frozen(NOON - PAST), unit_of_work(SYSTEM) as session:
        session.add(BlacklistEntry(customer_id=customer_id, phone=FIRST, source=BlacklistSource.HAND))
        session.flush()
    assert dial(campaign_id) == []
    assert opt_out(customer_id).calls_after == 0
    with unit_of_work(SYSTEM) as session:
        call = session.scalars(sa.select(Call)).one()
        call.state, call.outcome = CallState.FINISHED, Outcome.COMPLETED
    assert opt_out(customer_id).calls_after == 1


def test_an_entry_of_the_platform_looks_at_the_calls_of_all_customers() -> None:
    for _ in range(2):
        dial(settled((FIRST,))[1])
    with clock.frozen(NOON - PAST), unit_of_work(SYSTEM) as session:
        blacklist.add_many(
            session, None, [FIRST], source=BlacklistSource.HAND, actor=Actor("Лида", "lead"), reason="суд"
        )
    found = opt_out()
    assert (found.entry.customer_id, found.asked_at, found.calls_after) == (None, NOON - PAST, 2)


def test_who_called_back_and_pressed_nine_asked_at_that_moment() -> None:
    customer_id, campaign_id = settled((FIRST,))
    call_id = dial(campaign_id)[0]
    queue.set_sender(lambda job, ids: None)
    with clock.frozen(NOON + PAST), unit_of_work(SYSTEM) as session:
        ours = session.get_one(Call, call_id).from_phone
        inbound_call.receive(session, Incoming("i-1", f"+{ours}", f"+{FIRST}", NOON + PAST))
        inbound_call.on_event(session, Event("i-1", "1", EventKind.DIGIT, NOON + PAST, {"digit": "9"}))
    found = opt_out(customer_id)
    assert (found.asked_at, found.reaction) == (NOON + PAST, timedelta(0))
    with unit_of_work(SYSTEM) as session:
        came = history.came_in(session, phone=FIRST, customer_id=customer_id)
        assert [call.id for call in came] == [found.entry.inbound_call_id]


def test_customers_who_have_to_do_with_a_number_are_found_by_calls_contacts_and_lists() -> None:
    caller_id, campaign_id = settled((FIRST,))
    dial(campaign_id)
    waiting_id, _ = settled((FIRST,))
    with unit_of_work(SYSTEM) as session:
        lister, nobody = factories.customer(session), factories.customer(session)
        session.add(BlacklistEntry(customer_id=lister.id, phone=FIRST, source=BlacklistSource.HAND))
        session.add(BlacklistEntry(phone=FIRST, source=BlacklistSource.HAND))
        session.flush()
        found = [customer.id for customer in history.customers(session, phone=FIRST)]
    assert found == [lister.id, waiting_id, caller_id]
    assert nobody.id not in found
