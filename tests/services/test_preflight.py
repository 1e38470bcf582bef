"""Before a launch: the survey of a whole list answers as the decision about each number; money, time, obstacles."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from callcab.db import CabSession, unit_of_work
from callcab.lib import clock
from callcab.lib.errors import Conflict, Invalid
from callcab.models import (
    BlacklistEntry,
    BlacklistSource,
    Call,
    CallState,
    Campaign,
    CampaignState,
    Contact,
    ContactState,
    Customer,
    CustomerStatus,
    Outcome,
    Purpose,
)
from callcab.services import campaign as campaigns
from callcab.services import decision
from callcab.services.phone_number.lease import lease
from tests import factories
from tests.services.dialling import NOON, OLGA, SYSTEM

pytestmark = pytest.mark.usefixtures("connected")
EVENING = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
# Moscow, Vladivostok, Kaliningrad, mobile.
PREFIXES = (749512, 742323, 740121, 792539)


def made(session: CabSession, phones: list[int], **values: Any) -> Campaign:
    owner = factories.customer(session, balance="100.00")
    factories.number(session)
    draft = {"name": "Обзвон", "purpose": Purpose.SERVICE, "prompt": "Да", "contacts": "\n".join(map(str, phones))}
    return campaigns.create(session, campaigns.Draft(**{**draft, **values}), customer_id=owner.id, actor=OLGA)


def past_call(session: CabSession, campaign: Campaign, contact: Contact, at: datetime, outcome: Outcome) -> None:
    attempt = 1 + (session.scalar(sa.select(sa.func.max(Call.attempt)).where(Call.contact_id == contact.id)) or 0)
    refused = outcome is Outcome.REQUEST_REFUSED
    session.add(
        Call(
            campaign_id=campaign.id,
            contact_id=contact.id,
            customer_id=campaign.customer_id,
            attempt=attempt,
            phone=contact.phone,
            state=CallState.REFUSED if refused else CallState.FINISHED,
            outcome=outcome,
            decision=[],
            provider_ref=None if refused else f"past-{contact.id}-{attempt}",
            ended_at=at + timedelta(seconds=30),
            deadline_at=at,
            created_at=at,
        )
    )
    session.flush()


def muddle(session: CabSession, campaign: Campaign, now: datetime) -> None:
    """Entries, attempts and calls of every kind, by chance."""
    rolls = Random(14)
    for contact in session.scalars(sa.select(Contact).where(Contact.campaign_id == campaign.id).order_by(Contact.id)):
        contact.attempts = rolls.choice((0, 0, 1, 2))
        for owner in (None, campaign.customer_id):
            if rolls.random() < 0.2:
                expires = rolls.choice((None, now - timedelta(days=1), now + timedelta(days=1)))
                session.add(
                    BlacklistEntry(
                        customer_id=owner, phone=contact.phone, source=BlacklistSource.HAND, expires_at=expires
                    )
                )
        for _ in range(rolls.choice((0, 0, 1, 3))):
            ago = rolls.choice((timedelta(minutes=5), timedelta(hours=3), timedelta(days=4), timedelta(days=20)))
            outcome = rolls.choice((Outcome.NO_ANSWER, Outcome.COMPLETED, Outcome.UNALLOCATED, Outcome.REQUEST_REFUSED))
            past_call(session, campaign, contact, now - ago, outcome)
    session.flush()


@pytest.mark.parametrize("now", [NOON, EVENING])
@pytest.mark.parametrize("purpose", [Purpose.SERVICE, Purpose.DEBT])
def test_the_survey_says_of_all_what_the_decision_says_of_each(purpose: Purpose, now: datetime) -> None:
    phones = [prefix * 100_000 + 30_000 + step for prefix in PREFIXES for step in range(40)]
    with clock.frozen(now), unit_of_work(SYSTEM) as session:
        campaign = made(session, phones, purpose=purpose)
        muddle(session, campaign, now)
        contacts = session.scalars(sa.select(Contact).where(Contact.campaign_id == campaign.id)).all()
        answers = decision.decide_many(
            session,
            customer_id=campaign.customer_id,
            campaign=campaign,
            callees=[decision.Callee(row.phone, row.attempts) for row in contacts],
            now=now,
            caller=lease(session, campaign),
        )
        customer = session.get_one(Customer, campaign.customer_id)
        groups = decision.survey(session, campaign, customer, now=now)
    each = Counter(answer.code for answer in answers)
    assert {group.code: group.count for group in groups} == dict(each)
    verdicts = {answer.code: answer.verdict for answer in answers}
    assert {group.code: group.verdict for group in groups} == verdicts
    assert len(each) >= 5


def test_a_group_shows_a_few_of_its_numbers_and_when_they_may_be_called() -> None:
    phones = [74232330000 + step for step in range(7)]
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        campaign = made(session, phones)
        customer = session.get_one(Customer, campaign.customer_id)
        (group,) = decision.survey(session, campaign, customer, now=EVENING)
    assert (group.code, group.count, group.sample) == ("hours.closed", 7, tuple(phones[:5]))
    assert group.first == datetime(2026, 11, 24, 23, 0, tzinfo=UTC)


def test_money_and_time_are_for_those_who_would_be_called() -> None:
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        campaign = made(session, [79253944501, 79253944502, 79253944503], lines=2)
        session.add(BlacklistEntry(customer_id=None, phone=79253944503, source=BlacklistSource.HAND))
        session.flush()
        found = campaigns.preflight(session, campaign, now=NOON)
    assert (found.now, found.later, found.never, found.total) == (2, 0, 1, 3)
    assert (found.price_from, found.price_to, found.longest) == (Decimal("3.60"), Decimal("10.80"), Decimal("5.40"))
    assert (found.missing(found.price_to), found.missing(Decimal("150"))) == (Decimal(0), Decimal("50.00"))
    assert (found.duration, found.number_ready) == (timedelta(seconds=40), True)


def test_the_customers_own_calls_say_how_long_one_takes() -> None:
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        campaign = made(session, [79253944501, 79253944502], calls_per_second=1, lines=50)
        contact = session.scalars(sa.select(Contact).order_by(Contact.id)).first()
        assert contact is not None
        past_call(session, campaign, contact, NOON - timedelta(days=2), Outcome.COMPLETED)
        found = campaigns.preflight(session, campaign, now=NOON)
    assert found.seconds == 30
    assert found.duration == timedelta(seconds=2)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"purpose": Purpose.ADVERTISING, "consent_note": " "}, "campaign.no_consent"),
        ({"last_day": date(2026, 11, 23)}, "campaign.over"),
    ],
)
def test_what_stops_everybody_is_named(change: dict[str, Any], code: str) -> None:
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        campaign = made(session, [79253944501])
        for name, value in change.items():
            setattr(campaign, name, value)
        with session.no_autoflush:
            found = campaigns.preflight(session, campaign, now=NOON)
        session.expire(campaign)
    assert found.obstacles == (code,)


def test_a_blocked_customer_is_an_obstacle() -> None:
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        campaign = made(session, [79253944501])
        owner = session.get_one(Customer, campaign.customer_id)
        owner.status, owner.block_reason = CustomerStatus.BLOCKED, "долг"
        session.flush()
        assert campaigns.preflight(session, campaign, now=NOON).obstacles == ("customer.blocked",)


def test_a_launch_that_met_another_list_than_the_person_saw_does_not_happen() -> None:
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        campaign = made(session, [79253944501, 79253944502])
        seen = campaigns.preflight(session, campaign, now=NOON).seen
        session.add(BlacklistEntry(customer_id=None, phone=79253944501, source=BlacklistSource.HAND))
    with (
        pytest.raises(Conflict, match="campaign.drift"),
        clock.frozen(NOON),
        unit_of_work(SYSTEM) as session,
    ):
        campaigns.launch(session, campaign.id, seen=seen, actor=OLGA)
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        again = session.get_one(Campaign, campaign.id)
        assert again.state is CampaignState.DRAFT
        fresh = campaigns.preflight(session, again, now=NOON).seen
        campaigns.launch(session, campaign.id, seen=fresh, actor=OLGA)
        assert again.state is CampaignState.WAITING


def test_a_campaign_that_may_call_nobody_is_not_launched() -> None:
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        campaign = made(session, [79253944501])
        session.add(BlacklistEntry(customer_id=None, phone=79253944501, source=BlacklistSource.HAND))
        session.flush()
        seen = campaigns.preflight(session, campaign, now=NOON).seen
        with pytest.raises(Invalid, match="campaign.nobody_left"):
            campaigns.launch(session, campaign.id, seen=seen, actor=OLGA)


def test_only_those_who_are_still_to_be_called_are_asked_about() -> None:
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        campaign = made(session, [79253944501, 79253944502])
        session.execute(sa.update(Contact).where(Contact.phone == 79253944501).values(state=ContactState.DONE))
        assert campaigns.preflight(session, campaign, now=NOON).total == 1


def test_what_was_left_out_of_a_pasted_list_is_remembered() -> None:
    with clock.frozen(NOON), unit_of_work(SYSTEM) as session:
        draft = "8 925 394-45-01\n8 925 394-45-01\n8 800 555-35-35\nне номер 12345"
        campaign = made(session, [], contacts=draft)
    assert campaign.left_out == {
        "duplicates": 1,
        "undialable": 1,
        "rejected": 1,
        "sample": [{"line": 4, "text": "не номер 12345"}],
    }
