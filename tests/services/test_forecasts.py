"""A forecast and its action agree, row by row: what one counts as refused the other refuses, with the same code."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Range

from callcab import models as m
from callcab.db import CabSession, unit_of_work
from callcab.lib import clock
from callcab.lib.errors import DomainError
from callcab.scope import Actor, Scope
from callcab.services import (
    api_token,
    audio_recording,
    callback_request,
    customer,
    export_schedule,
    forecasts,
    invoice,
    mail,
    operation,
    payment,
    promo,
    user,
)
from callcab.services.operation import Rules, forecast
from callcab.services.phone_number import bulk, rental
from callcab.services.phone_number import forecasts as of_numbers
from callcab.services.phone_number import quote as quotes
from tests import factories, world
from tests.people import People
from tests.statements import hearing

pytestmark = pytest.mark.usefixtures("connected")
SYSTEM = Scope.system("test")
MACHINE = Actor("Саша", "admin", None)
DAY = timedelta(days=1)


class Undone(Exception):
    """Ends a transaction that was only a try."""


def outcome(session: CabSession, deed: Callable[[], Any]) -> str:
    """The code of the refusal, empty when it was done; taken back in either case."""
    try:
        with suppress(Undone), session.begin_nested():
            deed()
            session.flush()
            raise Undone
    except DomainError as refusal:
        return refusal.code
    return ""


def assert_agree(session: CabSession, model: Any, rules: Rules, deed: Callable[[Any], Any]) -> Counter[str]:
    """Each row of the model by itself: forecast, then try. Returns what became of how many."""
    found: Counter[str] = Counter()
    for row_id in session.scalars(sa.select(model.id).order_by(model.id)).all():
        seen = forecast(session, sa.select(model).where(model.id == row_id), rules)
        row = session.get_one(model, row_id, populate_existing=True)
        code = outcome(session, lambda row=row: deed(row))
        session.expire_all()
        assert dict(seen.refused) == ({code: 1} if code else {}), f"row {row_id}"
        found[code] += 1
    return found


# Numbers


def zoo(session: CabSession) -> None:
    """Numbers in every state that the rules tell apart."""
    kinds, states = m.NumberKind, m.NumberState
    owner = factories.customer(session, balance="100")
    rented = {"customer_id": owner.id, "rented_until": clock.now() + DAY}
    for values in (
        {},
        {"state": states.BUSY},
        {"state": states.BLOCKED},
        {"rests_until": clock.now() + DAY},
        {"rests_until": clock.now() - DAY},
        rented,
        {**rented, "state": states.BLOCKED},
        {"kind": kinds.DUTY},
        {"kind": kinds.DUTY, "state": states.BLOCKED},
        *({"kind": kinds.PERSONAL, "customer_id": owner.id, "state": state} for state in PERSONAL_STATES),
    ):
        factories.number(session, **values)
    past = factories.number(session)
    period = Range(clock.now() - 3 * DAY, clock.now() - DAY)
    factories.add(session, m.NumberRental(number_id=past.id, customer_id=owner.id, period=period, price=Decimal(1)))
    for state, calls in ((m.CampaignState.RUNNING, False), (m.CampaignState.RUNNING, True), (None, False)):
        held = factories.number(session, state=states.BUSY, **(rented if state is None else {}))
        campaign = factories.campaign(session, owner, **({"state": state} if state else {}))
        lease = {"campaign_id": campaign.id, "customer_id": owner.id, "taken_at": clock.now() - 3 * DAY}
        factories.add(session, m.NumberLease(number_id=held.id, **lease))
        if calls:
            going_on = {"state": m.CallState.ANSWERED, "outcome": None, "ended_at": None}
            factories.call(session, campaign, phone=79990000001, from_phone=held.phone, **going_on)


PERSONAL_STATES = (m.NumberState.PENDING, m.NumberState.VERIFIED, m.NumberState.FAILED, m.NumberState.BLOCKED)
NUMBERS: dict[str, tuple[Callable[[], Rules], Callable[..., Any], dict[str, Any], int]] = {
    "release": (of_numbers.release, bulk.release, {"reason": "Жалоба"}, 2),
    "release_stuck": (of_numbers.release_stuck, bulk.release_stuck, {}, 3),
    "rest": (of_numbers.rest, bulk.rest, {"days": 3}, 3),
    "wake": (of_numbers.wake, bulk.wake, {}, 2),
    "duty": (lambda: of_numbers.change_kind(m.NumberKind.DUTY), bulk.change_kind, {"kind": "duty"}, 4),
    "shared": (lambda: of_numbers.change_kind(m.NumberKind.SHARED), bulk.change_kind, {"kind": "shared"}, 2),
    "block": (of_numbers.block, bulk.block, {"reason": "Жалоба"}, 2),
    "unblock": (of_numbers.unblock, bulk.unblock, {}, 2),
    "delete": (of_numbers.delete, bulk.delete, {}, 3),
    "delete_own": (of_numbers.delete_own, bulk.delete_own, {}, 3),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_what_is_foretold_of_numbers_is_done(name: str) -> None:
    rules, deed, params, kinds_of_outcome = NUMBERS[name]
    with unit_of_work(SYSTEM) as session:
        zoo(session)
        kept = factories.operation(session, "number.block").id
        params = {**params, "operation_id": kept}
        found = assert_agree(session, m.PhoneNumber, rules(), lambda row: deed(session, row, params, MACHINE))
        assert len(found) >= kinds_of_outcome


def test_the_quote_of_a_rental_is_one_statement_and_what_rent_asks_of_each_number(connected: sa.Engine) -> None:
    with unit_of_work(SYSTEM) as session:
        zoo(session)
        until = clock.now() + 2 * DAY
        rich = factories.customer(session, balance="100000")
        assert rich.tariff
        with hearing() as heard:
            found = quotes.quote(session, sa.select(m.PhoneNumber), customer=rich, until=until)
        assert len(heard) == 1
        for line in found.lines:
            number = session.scalars(sa.select(m.PhoneNumber).where(m.PhoneNumber.phone == line.phone)).one()
            asked = {"number_id": number.id, "customer_id": rich.id, "until": until, "actor": MACHINE}
            assert outcome(session, lambda asked=asked: rental.rent(session, **asked)) == line.refusal, number.kind


def test_changes_are_counted_from_and_to_and_campaigns_named(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        zoo(session)
        found = forecast(session, sa.select(m.PhoneNumber), of_numbers.block())
        assert found.changes[("busy", "blocked")] == 4
        assert found.refused == {"number.blocked": 4}
        assert found.sums == {"rented": 2}
        assert (found.touched, found.calling) == (3, 2)


# Sections where one refusal keeps all from being done


@pytest.fixture
def session(people: People) -> Iterator[CabSession]:
    """Two customers with a row in every table."""
    world.fill(people)
    with unit_of_work(SYSTEM) as session:
        yield session


def test_customers_are_blocked_and_opened_as_foretold(session: CabSession) -> None:
    factories.customer(session, status=m.CustomerStatus.BLOCKED, block_reason="долг")
    blocked = assert_agree(
        session,
        m.Customer,
        forecasts.block_customers(),
        lambda row: customer.block(session, row.id, reason="долг", actor=MACHINE),
    )
    opened = assert_agree(
        session, m.Customer, forecasts.unblock_customers(), lambda row: customer.unblock(session, row.id, actor=MACHINE)
    )
    assert (blocked["customer.is_blocked"], opened["customer.not_blocked"]) == (1, 2)


@pytest.mark.parametrize("role", ["owner", "viewer", "agent"])
def test_people_change_their_roles_as_foretold(session: CabSession, people: People, role: str) -> None:
    own = people.other_id if role != "agent" else None
    chosen = sa.select(m.User).where(m.User.customer_id.is_not_distinct_from(own))
    first = session.scalars(chosen.order_by(m.User.id)).first()
    assert first
    for actor in (MACHINE, Actor("Сам", "owner", first.id, own)):
        for row in session.scalars(chosen.order_by(m.User.id)).all():
            one = chosen.where(m.User.id == row.id)
            seen = forecast(session, one, forecasts.change_role(one, role, actor))
            code = outcome(
                session,
                lambda row=row, actor=actor: user.change_role(
                    session, customer_id=own, user_id=row.id, role=role, actor=actor
                ),
            )
            session.expire_all()
            assert dict(seen.refused) == ({code: 1} if code else {})


def test_of_all_owners_together_the_last_one_is_refused(session: CabSession, people: People) -> None:
    owner = session.get_one(m.Customer, people.customer_id)
    factories.user(session, owner, "owner")
    owners = sa.select(m.User).where(m.User.customer_id == owner.id, m.User.role == "owner")
    seen = forecast(session, owners, forecasts.disable_people(owners, MACHINE))
    assert (seen.done, seen.refused) == (1, {"user.last_owner": 1})
    codes = [
        outcome_kept(lambda row=row: user.disable(session, customer_id=owner.id, user_id=row.id, actor=MACHINE))
        for row in session.scalars(owners.order_by(m.User.id)).all()
    ]
    assert codes == ["", "user.last_owner"]


def outcome_kept(deed: Callable[[], Any]) -> str:
    """The code of the refusal; what is done stays for the next one."""
    try:
        deed()
    except DomainError as refusal:
        return refusal.code
    return ""


def test_invoices_are_cancelled_and_paid_as_foretold(session: CabSession) -> None:
    first, second = session.scalars(sa.select(m.Invoice).order_by(m.Invoice.id)).all()
    first.paid_total, first.state = Decimal("1.00"), m.InvoiceState.PARTLY_PAID
    session.flush()

    def cancel(row: m.Invoice) -> Any:
        return invoice.cancel(session, row.id, customer_id=row.customer_id, reason="ошибка", actor=MACHINE)

    cancelled = assert_agree(session, m.Invoice, forecasts.cancel_invoices(), cancel)
    cancel(second)
    left = forecast(session, sa.select(m.Invoice), forecasts.pay_invoices()).sums["money"]
    assert left == first.total - Decimal("1.00")
    paid = assert_agree(
        session,
        m.Invoice,
        forecasts.pay_invoices(),
        lambda row: invoice.mark_paid(session, row.id, amount=invoice.left(row), actor=MACHINE),
    )
    assert (cancelled, paid) == (Counter({"invoice.has_money": 1, "": 1}), Counter({"invoice.cancelled": 1, "": 1}))


def test_payments_are_reversed_as_far_as_the_money_goes(session: CabSession) -> None:
    owner = factories.customer(session)
    made = [
        payment.record(session, customer_id=owner.id, amount=Decimal(100), method=m.PaymentMethod.CARD, actor=MACHINE)
        for _ in range(3)
    ]
    payment.correct(session, customer_id=owner.id, amount=Decimal(-150), reason="услуга", actor=MACHINE)
    payment.reverse(session, made[0].id, reason="ошибка", actor=MACHINE)
    rows = sa.select(m.Payment).where(m.Payment.customer_id == owner.id, m.Payment.kind == m.PaymentKind.CREDIT)
    seen = forecast(session, rows, forecasts.reverse_payments())
    assert seen.refused["payment.already_reversed"] == 1
    assert seen.refused["payment.is_reversal"] == 1
    assert seen.refused["balance.low"] == 2
    assert seen.is_hindered


def test_money_that_is_spent_refuses_only_the_payments_behind_it(session: CabSession) -> None:
    owner = factories.customer(session)
    for _ in range(3):
        payment.record(session, customer_id=owner.id, amount=Decimal(100), method=m.PaymentMethod.CARD, actor=MACHINE)
    payment.correct(session, customer_id=owner.id, amount=Decimal(-150), reason="услуга", actor=MACHINE)
    rows = sa.select(m.Payment).where(m.Payment.customer_id == owner.id, m.Payment.amount > 0).order_by(m.Payment.id)
    seen = forecast(session, rows, forecasts.reverse_payments())
    codes = [
        outcome_kept(lambda row=row: payment.reverse(session, row.id, reason="ошибка", actor=MACHINE))
        for row in session.scalars(rows).all()
    ]
    assert (seen.done, dict(seen.refused)) == (1, {"balance.low": 2})
    assert codes == ["", "balance.low", "balance.low"]


@pytest.mark.parametrize("amount", ["50", "-2000"])
def test_corrections_are_refused_as_foretold(session: CabSession, amount: str) -> None:
    assert_agree(
        session,
        m.Customer,
        forecasts.credit(Decimal(amount)),
        lambda row: payment.correct(session, customer_id=row.id, amount=Decimal(amount), reason="акция", actor=MACHINE),
    )


def test_promo_batches_are_switched_as_foretold(session: CabSession) -> None:
    factories.promo_code(session, state=m.PromoState.PAUSED)
    found = assert_agree(
        session,
        m.PromoBatch,
        forecasts.switch_promos(m.PromoState.PAUSED),
        lambda row: promo.pause(session, row.id, actor=MACHINE),
    )
    assert found["promo.state"] == 1


def test_tokens_letters_and_recordings_go_as_foretold(session: CabSession) -> None:
    token = session.scalars(sa.select(m.ApiToken)).first()
    assert token
    token.revoked_at = clock.now()
    session.flush()
    assert_agree(
        session,
        m.ApiToken,
        forecasts.revoke_tokens(),
        lambda row: api_token.revoke(session, customer_id=row.customer_id, token_id=row.id, actor=MACHINE),
    )
    for state, text in ((m.MailState.FAILED, "текст"), (m.MailState.FAILED, ""), (m.MailState.QUEUED, "текст")):
        mail.send(session, kind="test", recipient=f"{state}@{len(text)}.example", subject="Тема", text=text or "-")
        row = session.scalars(sa.select(m.MailMessage).order_by(m.MailMessage.id.desc())).first()
        assert row
        row.state, row.text = state, text
        session.flush()
    letters = assert_agree(
        session, m.MailMessage, forecasts.retry_letters(), lambda row: mail.retry(session, row.id, actor=MACHINE)
    )
    assert letters[""] >= 1
    campaign = session.scalars(sa.select(m.Campaign)).first()
    recording = session.scalars(sa.select(m.AudioRecording)).first()
    assert campaign
    assert recording
    campaign.customer_id, campaign.recording_id, campaign.prompt = recording.customer_id, recording.id, ""
    session.flush()
    assert_agree(
        session,
        m.AudioRecording,
        forecasts.delete_recordings(),
        lambda row: audio_recording.delete(session, row.id, customer_id=row.customer_id, actor=MACHINE),
    )


def test_schedules_of_colleagues_are_not_an_operators_to_change(session: CabSession, people: People) -> None:
    rows = sa.select(m.ExportSchedule).where(m.ExportSchedule.customer_id == people.customer_id)
    count = len(session.scalars(rows).all())
    assert count
    operator = Actor("Коля", "operator", 0, people.customer_id)
    owner = Actor("Ольга", "owner", 0, people.customer_id)
    assert forecast(session, rows, forecasts.delete_schedules(operator)).refused == {"forbidden": count}
    assert forecast(session, rows, forecasts.switch_schedules(owner, paused=False)).changes == {
        ("True", "False"): count
    }
    for row in session.scalars(rows).all():
        code = outcome(session, lambda row=row: export_schedule.delete(session, row.id, actor=operator))
        assert code == "forbidden"


@pytest.mark.parametrize("state", m.CallbackState)
def test_requests_that_are_seen_to_already_stay_so(session: CabSession, state: m.CallbackState) -> None:
    rows = sa.select(m.CallbackRequest)
    before = forecast(session, rows, forecasts.move_requests(state))
    for row in session.scalars(rows).all():
        move = callback_request.done if state is m.CallbackState.DONE else callback_request.reopen
        move(session, row.id, actor=MACHINE)
    after = forecast(session, rows, forecasts.move_requests(state))
    assert (after.done, after.same) == (0, before.done + before.same)


def test_numbers_new_to_the_platform_are_counted_once_each(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        actor = Actor("Лида", "lead", factories.user(session, None, "lead").id)
        entries = ((None, 1, None), (people.customer_id, 1, None), (people.customer_id, 2, None))
        entries += ((people.other_id, 2, None), (None, 3, clock.now() - DAY), (people.other_id, 3, None))
        for owner, number, until in entries:
            entry = {"phone": 79250000000 + number, "source": m.BlacklistSource.HAND, "expires_at": until}
            factories.add(session, m.BlacklistEntry(customer_id=owner, **entry))
        seen = forecast(session, sa.select(m.BlacklistEntry), forecasts.to_platform())
        done = operation.run_inline(
            session,
            name="blacklist.to_platform",
            spec_name="blacklist_support",
            state={"search": "", "filters": {}, "sort": ""},
            ids=None,
            params={"reason": "жалоба"},
            expected=6,
            actor=actor,
            customer_id=None,
        )
        assert (seen.done, seen.same) == (done.done, done.known) == (2, 4)


def test_entries_of_the_platform_are_not_an_agents_to_delete(people: People) -> None:
    with unit_of_work(SYSTEM) as session:
        for owner in (None, people.customer_id):
            entry = {"phone": 79250000001, "source": m.BlacklistSource.HAND}
            factories.add(session, m.BlacklistEntry(customer_id=owner, **entry))
        rows = sa.select(m.BlacklistEntry)
        assert forecast(session, rows, forecasts.delete_blocks(Actor("Саша", "agent"))).refused == {"forbidden": 1}
        assert forecast(session, rows, forecasts.delete_blocks(Actor("Лида", "lead"))).done == 2
