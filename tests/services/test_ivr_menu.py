"""The voice menu: what each digit does, who may be joined, who asked to be called back."""

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.lib.errors import Invalid, NotFound
from callcab.models import (
    AuditEvent,
    Call,
    CallbackRequest,
    CallbackState,
    Campaign,
    IvrAction,
    NumberKind,
    NumberState,
    PhoneNumber,
    Purpose,
)
from callcab.providers.telephony.base import Again, Event, EventKind, Gather, HangUp, Play, Transfer, decode, encode
from callcab.scope import Scope
from callcab.services import call as calls
from callcab.services import callback_request
from callcab.services import campaign as campaigns
from callcab.services.call.scenario import NO_TRANSFER, UNHEARD, UNKNOWN, USUAL, scenario_of
from tests import factories
from tests.services.dialling import NOON, OLGA, SYSTEM, dial, end, get, settled

pytestmark = pytest.mark.usefixtures("connected")

OWN = 79250001122
CALLBACK = campaigns.Rule("2", IvrAction.CALLBACK)


def with_number(state: NumberState = NumberState.VERIFIED) -> tuple[int, int]:
    """A customer with a personal number; returns the ids of both."""
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session, balance="100.00")
        number = factories.number(session, phone=OWN, kind=NumberKind.PERSONAL, state=state, customer_id=owner.id)
        return owner.id, number.id


def draw_up(customer_id: int, *rules: campaigns.Rule, **values: object) -> int:
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        draft = campaigns.Draft(
            **{
                "name": "Меню",
                "purpose": Purpose.INFORMATION,
                "prompt": "Здравствуйте!",
                "contacts": "89253944501",
                "rules": rules,
                **values,
            }
        )
        return campaigns.create(session, draft, customer_id=customer_id, actor=OLGA).id


def scenario(campaign_id: int) -> Gather:
    with unit_of_work(SYSTEM) as session:
        (step,) = scenario_of(session, session.get_one(Campaign, campaign_id))
        assert isinstance(step, Gather)
        return step


def press(call_id: int, digit: str, key: str = "d1") -> None:
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        reference = str(session.get_one(Call, call_id).provider_ref)
        calls.on_events(session, [Event(reference, key, EventKind.DIGIT, NOON, {"digit": digit})])


def requests() -> list[CallbackRequest]:
    with unit_of_work(SYSTEM) as session:
        return list(session.scalars(sa.select(CallbackRequest)))


def test_each_action_becomes_the_step_that_it_says() -> None:
    customer_id, _ = with_number()
    menu = scenario(
        draw_up(
            customer_id,
            campaigns.Rule("1", IvrAction.PLAY, "Спасибо."),
            campaigns.Rule("2", IvrAction.CALLBACK),
            campaigns.Rule("3", IvrAction.TRANSFER, "Соединяю с Ольгой.", OWN),
            campaigns.Rule("9", IvrAction.BLACKLIST),
            campaigns.Rule("0", IvrAction.REPEAT),
            campaigns.Rule("#", IvrAction.HANGUP),
        )
    )
    assert menu.branches == {
        "1": (Play("Спасибо."), HangUp()),
        "2": (Play(USUAL[IvrAction.CALLBACK]), HangUp()),
        "3": (Play("Соединяю с Ольгой."), Transfer("+79250001122")),
        "9": (Play(USUAL[IvrAction.BLACKLIST]), HangUp()),
        "0": (Again(),),
        "#": (HangUp(),),
    }
    assert decode(encode([menu])) == (menu,)


def test_silence_and_a_wrong_key_are_answered_and_the_prompt_said_again() -> None:
    customer_id, _ = with_number()
    usual = scenario(draw_up(customer_id, CALLBACK, menu_tries=3))
    assert (usual.tries, usual.unheard, usual.unknown) == (3, (Play(UNHEARD),), (Play(UNKNOWN),))
    own = scenario(draw_up(customer_id, CALLBACK, unheard="Не слышу.", unknown="Нет такого."))
    assert (own.tries, own.unheard, own.unknown) == (2, (Play("Не слышу."),), (Play("Нет такого."),))


@pytest.mark.parametrize("state", [NumberState.PENDING, NumberState.FAILED, NumberState.BLOCKED])
def test_nobody_is_joined_with_a_number_that_is_not_proved(state: NumberState) -> None:
    customer_id, _ = with_number(state)
    with pytest.raises(Invalid) as refusal:
        draw_up(customer_id, campaigns.Rule("1", IvrAction.TRANSFER, "", OWN))
    assert (refusal.value.code, refusal.value.field) == ("campaign.transfer_number", "rule_1_transfer")


@pytest.mark.parametrize("phone", [None, OWN, 79250009999])
def test_nobody_is_joined_with_a_number_of_somebody_else(phone: int | None) -> None:
    with_number()
    with unit_of_work(SYSTEM) as session:
        other = factories.customer(session).id
    with pytest.raises(Invalid):
        draw_up(other, campaigns.Rule("1", IvrAction.TRANSFER, "", phone))


def test_a_number_that_is_no_longer_proved_is_not_joined_but_called_back() -> None:
    customer_id, number_id = with_number()
    rule = campaigns.Rule("1", IvrAction.TRANSFER, "Соединяю.", OWN)
    campaign_id = draw_up(customer_id, rule)
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        factories.number(session)
        campaigns.start(session, campaign_id, actor=OLGA)
    (call_id,) = dial(campaign_id)
    press(call_id, "1")
    assert requests() == []
    with unit_of_work(SYSTEM) as session:
        session.get_one(PhoneNumber, number_id).state = NumberState.FAILED
    assert scenario(campaign_id).branches["1"] == (Play(NO_TRANSFER), HangUp())
    press(call_id, "1", "d2")
    assert [request.call_id for request in requests()] == [call_id]


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({"rules": [campaigns.Rule("12", IvrAction.HANGUP)]}, "rules", "campaign.digit"),
        ({"rules": [campaigns.Rule("", IvrAction.HANGUP)]}, "rules", "campaign.digit"),
        ({"rules": [CALLBACK, campaigns.Rule("2", IvrAction.REPEAT)]}, "rules", "campaign.digit_twice"),
        ({"rules": [campaigns.Rule("1", IvrAction.PLAY, " ")]}, "rule_1_prompt", "field.required"),
        ({"rules": [campaigns.Rule("1", IvrAction.HANGUP, "я" * 1001)]}, "rule_1_prompt", "field.too_long"),
        ({"menu_tries": 0}, "menu_tries", "campaign.out_of_range"),
        ({"menu_tries": 4}, "menu_tries", "campaign.out_of_range"),
        ({"unheard": "я" * 1001}, "unheard", "field.too_long"),
        ({"unknown": "я" * 1001}, "unknown", "field.too_long"),
    ],
)
def test_a_wrong_menu_is_refused_at_its_field(values: dict[str, object], field: str, code: str) -> None:
    customer_id, _ = with_number()
    with pytest.raises(Invalid) as refusal:
        draw_up(customer_id, **values)
    assert (refusal.value.field, refusal.value.code) == (field, code)


def test_a_request_to_be_called_back_is_kept_once_for_a_call() -> None:
    customer_id, campaign_id = settled(rules=(CALLBACK,))
    (call_id,) = dial(campaign_id)
    press(call_id, "5", "d0")
    assert requests() == []
    press(call_id, "2", "d1")
    press(call_id, "2", "d2")
    end(call_id, digits="522")
    (request,) = requests()
    assert (request.customer_id, request.campaign_id, request.call_id, request.state) == (
        customer_id,
        campaign_id,
        call_id,
        CallbackState.NEW,
    )


def test_a_request_holds_even_when_only_the_end_of_the_call_was_heard() -> None:
    _, campaign_id = settled(rules=(CALLBACK,))
    (call_id,) = dial(campaign_id)
    end(call_id, digits="2")
    assert len(requests()) == 1


def test_a_request_is_seen_to_and_taken_back_each_once() -> None:
    customer_id, campaign_id = settled(rules=(CALLBACK,))
    (call_id,) = dial(campaign_id)
    end(call_id, digits="2")
    (request,) = requests()
    for step, state, name in (
        (callback_request.done, CallbackState.DONE, "Ольга"),
        (callback_request.reopen, CallbackState.NEW, ""),
    ):
        for _ in range(2):
            with unit_of_work(Scope.tenant(customer_id)) as session:
                step(session, request.id, actor=OLGA)
        seen = get(CallbackRequest, request.id)
        assert (seen.state, seen.done_name, seen.done_at is not None) == (state, name, bool(name))
    with unit_of_work(SYSTEM) as session:
        written = session.scalars(sa.select(AuditEvent.action).where(AuditEvent.object_type == "callback")).all()
    assert sorted(written) == ["callback.done", "callback.reopen"]


def test_a_request_of_somebody_else_is_not_found() -> None:
    _, campaign_id = settled(rules=(CALLBACK,))
    (call_id,) = dial(campaign_id)
    end(call_id, digits="2")
    (request,) = requests()
    with unit_of_work(SYSTEM) as session:
        other = factories.customer(session).id
    with pytest.raises(NotFound), unit_of_work(Scope.tenant(other)) as session:
        callback_request.done(session, request.id, actor=OLGA)
