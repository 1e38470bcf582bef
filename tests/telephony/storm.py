"""A campaign while worker, dialer and Asterisk are killed again and again, and what must hold of it afterwards."""

import random
import time
from collections import Counter
from datetime import time as clock_time

import sqlalchemy as sa

from callcab.db import CabSession, unit_of_work
from callcab.models import Call, CallState, Campaign, CampaignState, Contact, IvrAction, Purpose
from callcab.scope import Actor, Scope
from callcab.services import campaign as campaigns
from tests import books, factories
from tests.telephony.installation import Installation
from tests.waiting import wait_for

SYSTEM = Scope.system("test")
OLGA = Actor("Ольга", "owner")
PROMPT = "Нажмите один."
VICTIMS = ("worker", "dialer", "asterisk")
FIRST_PHONE = 79_271_000_000
# On the average; two may follow each other at once.
SECONDS_A_KILL = 4
# From the last kill to the end of the campaign.
PATIENCE_S = 180


def settle(calls: int, lines: int, *, first: int = FIRST_PHONE, step: int = 100) -> int:
    """A campaign that is not started yet; with ``step`` 1 all kinds of people are called, with 100 all press 1."""
    with unit_of_work(SYSTEM) as session:
        owner = factories.customer(session, balance=f"{calls * 10}.00")
        factories.number(session)
        draft = campaigns.Draft(
            "Обзвон",
            Purpose.SERVICE,
            PROMPT,
            "\n".join(str(first + step * number) for number in range(calls)),
            rules=(campaigns.Rule("1", IvrAction.HANGUP),),
            calls_from=clock_time(0),
            calls_until=clock_time(23, 59),
            max_attempts=1,
        )
        campaign = campaigns.create(session, draft, customer_id=owner.id, actor=OLGA)
        # More than the form takes.
        campaign.lines = lines
        return campaign.id


def start(campaign_id: int) -> None:
    with unit_of_work(SYSTEM) as session:
        campaigns.start(session, campaign_id, actor=OLGA)


def is_over(campaign_id: int) -> bool:
    with unit_of_work(SYSTEM) as session:
        return session.get_one(Campaign, campaign_id).state is CampaignState.FINISHED


def rage(machine: Installation, calls: int, lines: int, *, kills: int, dice: random.Random) -> str:
    """Kill each victim ``kills`` times, in any order; returns what happened in a sentence."""
    campaign_id = settle(calls, lines, step=1)
    start(campaign_id)
    assert wait_for(lambda: len(machine.rung()) > lines / 2, 60), "nobody was rung"
    victims = list(VICTIMS) * kills
    dice.shuffle(victims)
    begun = time.monotonic()
    span = SECONDS_A_KILL * len(victims)
    for at, victim in zip(sorted(dice.uniform(0, span) for _ in victims), victims, strict=True):
        time.sleep(max(0.0, begun + at - time.monotonic()))
        machine.kill(victim)
    last, left = time.monotonic(), calls - len(machine.rung())
    assert wait_for(lambda: is_over(campaign_id), PATIENCE_S), f"not over, {machine.rung().total()} were rung"
    over = time.monotonic() - last
    outcomes = check(machine, campaign_id)
    return f"{len(victims)} kills, {left} not rung by the last one, over {over:.0f} s after it; {outcomes}"


def check(machine: Installation, campaign_id: int) -> str:
    """AssertionError unless books and telephones agree; returns the outcomes in words."""
    rung = machine.rung()
    with unit_of_work(SYSTEM) as session:
        found = books.complaints(session, [campaign_id]) + _of_telephones(session, campaign_id, rung)
        assert found == []
        counted = sa.select(Call.outcome, sa.func.count()).where(Call.campaign_id == campaign_id)
        outcomes = session.execute(counted.group_by(Call.outcome).order_by(Call.outcome)).all()
    return ", ".join(f"{outcome} {count}" for outcome, count in outcomes)


def _of_telephones(session: CabSession, campaign_id: int, rung: Counter[str]) -> list[str]:
    """What telephones saw against what is on record."""
    contacts = session.execute(
        sa.select(Contact.id, Contact.phone, Contact.attempts).where(Contact.campaign_id == campaign_id)
    ).all()
    calls = session.execute(
        sa.select(Call.contact_id, Call.answered_at).where(
            Call.campaign_id == campaign_id, Call.state == CallState.FINISHED
        )
    ).all()
    answered = {contact_id for contact_id, answered_at in calls if answered_at is not None}
    found = []
    for contact_id, phone, attempts in contacts:
        times = rung[f"+{phone}"]
        if times > attempts:
            found.append(f"{phone} rang {times} times, {attempts} attempts are on record")
        if contact_id in answered and not times:
            found.append(f"{phone} is on record as answered and never rang")
    return found
