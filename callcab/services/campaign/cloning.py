"""Copies of campaigns: one to change and launch again, one with a single contact to hear oneself what callees hear."""

from datetime import time
from typing import Any

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib.errors import Invalid, LimitReached, NotFound
from callcab.models import Call, Campaign, Contact, IvrRule, NumberKind, NumberState, PhoneNumber, Purpose
from callcab.scope import Actor
from callcab.services import audit, bulk
from callcab.services.campaign.listening import variables_of_one
from callcab.services.campaign.schedule import WEEK
from callcab.services.campaign.steering import start
from callcab.services.decision import PAUSE, is_over

# What a copy does not take along: its own life.
_LIFE = "id created_at version state wait_reason started_at finished_at dial_asked_at dialled_at request_key"
_OWN = frozenset(f"{_LIFE} customer_id created_by contacts_total contacts_done test_of".split())
LONGEST_NAME = 120


def clone(session: CabSession, campaign_id: int, *, name: str, customer_id: int, actor: Actor) -> Campaign:
    """A draft with the same words, menu, rules and people, none of whom has been called. Flushed, audited.

    A moment that has passed is left out. NotFound("campaign.not_found").
    """
    original = _get(session, campaign_id, customer_id)
    copy = _copy(session, original, actor, name=name)
    if copy.starts_at is not None and copy.starts_at <= clock.now():
        copy.starts_at = None
    if is_over(copy, clock.now(), original.customer.zone):
        copy.last_day = None
    session.flush()
    made = session.execute(
        sa.text(
            "INSERT INTO contact (campaign_id, customer_id, phone, state, attempts, next_at, variables)"
            " SELECT :copy, customer_id, phone, 'new', 0, :now, variables FROM contact"
            " WHERE campaign_id = :original ORDER BY id"
        ),
        {"copy": copy.id, "original": original.id, "now": clock.now()},
    )
    copy.contacts_total = bulk.written(made)
    session.flush()
    _note(session, "campaign.clone", copy, actor)
    return copy


def call_me(
    session: CabSession, campaign_id: int, number_id: int, *, name: str, customer_id: int, actor: Actor
) -> Campaign:
    """Ring one of the customer's own proved numbers with the campaign's scenario, at any hour. Flushed, audited.

    The call belongs to a campaign of its own, so that it counts in no result; it costs what a call costs. It is started
    here. Needs a system scope, as a start does.

    raises  NotFound, Invalid("number.not_verified"), LimitReached("campaign.test_too_soon") soon after another call
    """
    original = _get(session, campaign_id, customer_id)
    number = session.get(PhoneNumber, number_id)
    if number is None or number.customer_id != customer_id or number.kind is not NumberKind.PERSONAL:
        raise NotFound("number.not_found")
    if number.state is not NumberState.VERIFIED:
        raise Invalid("number.not_verified", field="number_id")
    if _rung_lately(session, customer_id, number.phone):
        raise LimitReached("campaign.test_too_soon", minutes=int(PAUSE.total_seconds() // 60))
    test = _copy(session, original, actor, name=name)
    test.test_of = original.id
    test.purpose, test.lines, test.max_attempts, test.contacts_total = Purpose.INFORMATION, 1, 1, 1
    test.quiet_until, test.quiet_from, test.days = time(0), time(23, 59, 59), WEEK
    test.starts_at = test.last_day = None
    test.lists, test.left_out = [], {}
    if test.own_number_id == number.id:
        test.own_number_id = None  # A telephone does not ring itself.
    session.flush()
    variables = variables_of_one(session, original.id)
    session.add(
        Contact(
            campaign_id=test.id,
            customer_id=customer_id,
            phone=number.phone,
            next_at=clock.now(),
            variables=variables,
        )
    )
    session.flush()
    _note(session, "campaign.test", test, actor)
    return start(session, test.id, actor=actor, customer_id=customer_id)


def test_calls(session: CabSession, campaign_id: int, *, limit: int = 5) -> list[Call]:
    """The latest test calls of a campaign, the newest first; by the session's scope."""
    tests = sa.select(Campaign.id).where(Campaign.test_of == campaign_id)
    found = session.scalars(
        sa.select(Call).where(Call.campaign_id.in_(tests)).order_by(Call.created_at.desc(), Call.id.desc()).limit(limit)
    )
    return list(found)


def _get(session: CabSession, campaign_id: int, customer_id: int) -> Campaign:
    found = session.scalar(sa.select(Campaign).where(Campaign.id == campaign_id, Campaign.customer_id == customer_id))
    if found is None:
        raise NotFound("campaign.not_found")
    return found


def _copy(session: CabSession, original: Campaign, actor: Actor, *, name: str) -> Campaign:
    """A new draft with the columns and the menu of another campaign, without contacts."""
    copy = Campaign(**_values(original, _OWN) | {"name": name[:LONGEST_NAME]})
    copy.customer_id, copy.created_by, copy.contacts_total = original.customer_id, actor.user_id, 0
    left_out = frozenset(("id", "campaign_id"))
    copy.rules = [IvrRule(**_values(rule, left_out)) for rule in original.rules]
    session.add(copy)
    return copy


def _values(row: Any, left_out: frozenset[str]) -> dict[str, Any]:
    names = [column.key for column in sa.inspect(type(row)).column_attrs]
    return {name: getattr(row, name) for name in names if name not in left_out}


def _rung_lately(session: CabSession, customer_id: int, phone: int) -> bool:
    """As the rule «retries» would answer: better to say so than to let the test call wait in silence."""
    lately = sa.exists().where(
        Call.customer_id == customer_id, Call.phone == phone, Call.created_at > clock.now() - PAUSE
    )
    return bool(session.scalar(sa.select(lately)))


def _note(session: CabSession, action: str, copy: Campaign, actor: Actor) -> None:
    audit.record(
        session,
        action,
        actor=actor,
        customer_id=copy.customer_id,
        object_type="campaign",
        object_id=copy.id,
        after={"name": copy.name, "contacts": copy.contacts_total},
    )
