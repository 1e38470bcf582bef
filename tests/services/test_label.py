"""Labels of callers (domain.md C2): whole or empty, inherited by numbers, handed to the line."""

import pytest
import sqlalchemy as sa

from callcab.db import CabSession, unit_of_work
from callcab.lib.errors import Invalid
from callcab.models import (
    AuditEvent,
    Call,
    CallState,
    Customer,
    NumberKind,
    NumberState,
    PhoneNumber,
)
from callcab.scope import Actor
from callcab.services import call as calls
from callcab.services import customer, label, phone_number
from tests import factories
from tests.services.dialling import NOON, SYSTEM, dial, settled

pytestmark = pytest.mark.usefixtures("connected")
SASHA = Actor("Саша", "agent")
ROMASHKA = {"label_name": "ООО «Ромашка»", "label_category": "Доставка", "label_text": "Ромашка: доставка"}
OWN = {"label_name": "ИП Ветрова О. А.", "label_category": "Услуги", "label_text": "Ветрова, студия"}


def labelled(customer_id: int, **values: str) -> None:
    with unit_of_work(SYSTEM) as session:
        row = session.get_one(Customer, customer_id)
        customer.edit(session, customer_id, values={**ROMASHKA, **values}, version=row.version, actor=SASHA)


def personal(session: CabSession, customer_id: int, phone: int) -> PhoneNumber:
    values = {"kind": NumberKind.PERSONAL, "state": NumberState.VERIFIED, "customer_id": customer_id}
    return factories.number(session, phone=phone, **values)


def said(call_ids: list[int]) -> list[str]:
    """What the provider is told to say of the caller."""
    with unit_of_work(SYSTEM) as session:
        # Placements are of calls that still may ring.
        session.execute(sa.update(Call).values(deadline_at=sa.func.now() + sa.text("interval '1 hour'")))
        return [request.caller_name for request in calls.placements(session, call_ids)]


def test_a_label_is_stored_trimmed_and_audited() -> None:
    customer_id, _ = settled()
    labelled(customer_id, label_text="  Ромашка:   доставка ")
    with unit_of_work(SYSTEM) as session:
        row = session.get_one(Customer, customer_id)
        assert (row.label_name, row.label_category, row.label_text) == tuple(ROMASHKA.values())
        event = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "customer.edit")).one()
        assert event.after == ROMASHKA


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"label_text": "я" * 33}, "field.too_long", "label_text"),
        ({"label_name": "я" * 101}, "field.too_long", "label_name"),
        ({"label_text": ""}, "label.part_missing", "label_text"),
        ({"label_category": " "}, "label.part_missing", "label_category"),
        ({"label_text": 'ООО "Ромашка"'}, "label.characters", "label_text"),
        ({"label_text": "Ромашка <1>"}, "label.characters", "label_text"),
        ({"label_name": "Ро\x07машка"}, "label.characters", "label_name"),
    ],
)
def test_a_label_that_the_line_could_not_say_or_the_law_calls_incomplete_is_refused(
    values: dict[str, str], code: str, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        label.check({**ROMASHKA, **values})
    assert (refused.value.code, refused.value.field) == (code, field)


def test_thirty_two_characters_fit_and_an_empty_label_is_none() -> None:
    assert label.check({**ROMASHKA, "label_text": "я" * 32})["label_text"] == "я" * 32
    assert set(label.check({}).values()) == {""}


def test_calls_of_a_campaign_carry_the_label_of_its_customer() -> None:
    customer_id, campaign_id = settled()
    call_ids = dial(campaign_id)
    assert said(call_ids) == [""]
    labelled(customer_id)
    assert said(call_ids) == ["Ромашка: доставка"]


def test_a_personal_number_may_have_a_label_of_its_own_and_give_it_up_again() -> None:
    customer_id, campaign_id = settled()
    call_ids = dial(campaign_id)
    labelled(customer_id)
    with unit_of_work(SYSTEM) as session:
        (call,) = session.scalars(sa.select(Call))
        assert call.state is CallState.PLACED
        number = personal(session, customer_id, 79250007001)
        # The same digits claimed by somebody else say nothing of this customer's calls.
        other = factories.customer(session)
        foreign = personal(session, other.id, 79250007002)
        call.from_phone = number.phone
        phone_number.set_label(session, number.id, values=OWN, actor=SASHA)
        phone_number.set_label(session, foreign.id, values={**OWN, "label_text": "Чужой"}, actor=SASHA)
    assert said(call_ids) == ["Ветрова, студия"]
    with unit_of_work(SYSTEM) as session:
        phone_number.set_label(session, number.id, values={}, actor=SASHA)
        phone_number.set_label(session, number.id, values={}, actor=SASHA)
        audited = session.scalars(sa.select(AuditEvent.action).where(AuditEvent.action == "number.label")).all()
        assert len(audited) == 3
    assert said(call_ids) == ["Ромашка: доставка"]
    with unit_of_work(SYSTEM) as session:
        session.execute(sa.update(Call).values(from_phone=foreign.phone))
    assert said(call_ids) == ["Ромашка: доставка"]


def test_a_number_that_changes_hands_has_no_label_of_its_own() -> None:
    with unit_of_work(SYSTEM) as session:
        shared = factories.number(session)
        renter = factories.customer(session)
        rented = factories.number(session, customer_id=renter.id, rented_until=NOON)
        for number in (shared, rented):
            with pytest.raises(Invalid, match="number.not_personal"):
                phone_number.set_label(session, number.id, values=OWN, actor=SASHA)
