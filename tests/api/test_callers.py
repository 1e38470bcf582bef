"""Callback requests and incoming calls, as a customer's program meets them."""

from typing import Any

import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.models import (
    AuditEvent,
    CallbackRequest,
    CallbackState,
    Customer,
    InboundAction,
    InboundCall,
    Outcome,
)
from callcab.scope import Scope
from tests import factories
from tests.api.test_api import call, token
from tests.people import People

SYSTEM = Scope.system("test")
PHONE = 79161112233


def asked(customer_id: int, phone: int = PHONE) -> int:
    """Somebody pressed two in a call of the customer's campaign."""
    with unit_of_work(SYSTEM) as session:
        campaign = factories.campaign(session, session.get_one(Customer, customer_id))
        made = factories.call(session, campaign, phone=phone, from_phone=79250000001)
        values = {"campaign_id": campaign.id, "call_id": made.id, "customer_id": customer_id, "phone": phone}
        return int(factories.add(session, CallbackRequest(**values)).id)


def came(customer_id: int | None, **values: Any) -> None:
    with unit_of_work(SYSTEM) as session:
        usual = {
            "provider_ref": f"in-{clock.now().isoformat()}",
            "customer_id": customer_id,
            "phone": PHONE,
            "to_phone": 79250000001,
            "action": InboundAction.CONNECT,
            "code": "inbound.owner",
            "outcome": Outcome.COMPLETED,
            "ended_at": clock.now(),
            "deadline_at": clock.now(),
            "seconds": 12,
        }
        session.add(InboundCall(**{**usual, **values}))


def request(request_id: int) -> CallbackRequest:
    with unit_of_work(SYSTEM) as session:
        return session.get_one(CallbackRequest, request_id)


def test_a_program_reads_who_waits_for_a_call_and_marks_him_called(people: People) -> None:
    first, second = asked(people.customer_id), asked(people.customer_id, PHONE + 1)
    asked(people.other_id)
    key = token(people)
    listed = call(people, "callbacks?state=new", key).get_json()["items"]
    assert [(row["id"], row["phone"], row["state"]) for row in listed] == [
        (second, f"+{PHONE + 1}", "new"),
        (first, f"+{PHONE}", "new"),
    ]
    for _ in range(2):
        assert call(people, f"callbacks/{first}/done", key, "POST").status_code == 204
    assert [row["id"] for row in call(people, "callbacks?state=new", key).get_json()["items"]] == [second]
    (done,) = call(people, "callbacks?state=done", key).get_json()["items"]
    assert (done["id"], done["done_name"]) == (first, "CRM")
    assert done["done_at"]
    with unit_of_work(SYSTEM) as session:
        (event,) = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "callback.done"))
        assert (event.actor_name, event.customer_id) == ("CRM", people.customer_id)


def test_ac_02_a_request_of_another_customer_does_not_exist(people: People) -> None:
    foreign = asked(people.other_id)
    key = token(people)
    answers = [call(people, f"callbacks/{number}/done", key, "POST") for number in (foreign, 999_999, 2**70)]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert request(foreign).state is CallbackState.NEW


def test_a_key_that_only_reads_marks_nothing(people: People) -> None:
    mine = asked(people.customer_id)
    answer = call(people, f"callbacks/{mine}/done", token(people, scopes=("callbacks:read",)), "POST")
    assert (answer.status_code, answer.get_json()["code"]) == (403, "token.scope")
    assert request(mine).state is CallbackState.NEW


def test_an_unknown_state_is_refused(people: People) -> None:
    answer = call(people, "callbacks?state=lost", token(people))
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid")


def test_a_program_reads_who_called_in_page_by_page(people: People) -> None:
    came(people.customer_id)
    came(people.customer_id, phone=None, outcome=None, ended_at=None, seconds=0)
    came(people.other_id)
    came(None, action=InboundAction.REFUSE, code="inbound.unknown_number", outcome=Outcome.UNALLOCATED)
    key = token(people)
    first = call(people, "inbound-calls?limit=1", key).get_json()
    (newest,) = first["items"]
    assert (newest["phone"], newest["outcome"], newest["ended_at"]) == (None, None, None)
    last = call(people, f"inbound-calls?limit=1&cursor={first['next_cursor']}", key).get_json()
    (row,) = last["items"]
    assert {name: row[name] for name in ("phone", "to_phone", "action", "code", "outcome", "seconds")} == {
        "phone": f"+{PHONE}",
        "to_phone": "+79250000001",
        "action": "connect",
        "code": "inbound.owner",
        "outcome": "completed",
        "seconds": 12,
    }
    assert last["next_cursor"] == ""
