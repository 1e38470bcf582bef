"""Campaigns over two months with calls of every outcome, and those that are under way now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

import sqlalchemy as sa

from callcab.cli.demo import dice
from callcab.cli.demo.daybook import Called
from callcab.cli.demo.people import World
from callcab.lib import clock
from callcab.lib import phone as phones
from callcab.models import (
    BlacklistEntry,
    Campaign,
    CampaignState,
    Contact,
    ContactState,
    IvrAction,
    Outcome,
    Purpose,
)
from callcab.providers.telephony.base import advice
from callcab.services import campaign as campaigns
from callcab.services.call.ending import finish_campaign
from callcab.services.decision import decide
from callcab.services.phone_number import lease

_ENDS = (
    (Outcome.COMPLETED, 52), (Outcome.HANGUP_BEFORE_DIGIT, 14), (Outcome.NO_ANSWER, 15), (Outcome.BUSY, 5),
    (Outcome.REJECTED, 3), (Outcome.UNALLOCATED, 2), (Outcome.UNREACHABLE, 4), (Outcome.CONGESTION, 1),
    (Outcome.MACHINE, 4), (Outcome.LOST, 1),
)  # fmt: skip
_TALKED = {Outcome.COMPLETED: (14, 55), Outcome.HANGUP_BEFORE_DIGIT: (2, 11), Outcome.MACHINE: (4, 9)}
_ATTEMPTS = 2
ALLOWED = "allowed"
Trace = list[dict[str, Any]]


@dataclass(frozen=True)
class Story:
    """A campaign: whose, what about, how many days ago and how many contacts for each time it was held."""

    key: str
    name: str
    purpose: Purpose
    prompt: str
    held: tuple[tuple[int, int], ...]
    consent: str = ""


STORIES = (
    Story("north", "Напоминание о доставке", Purpose.SERVICE,
          "Здравствуйте! Компания «Северный ветер». Завтра мы привезём ваш заказ. Чтобы подтвердить, нажмите один.",
          ((30, 150), (23, 180), (16, 160), (9, 200), (5, 140), (2, 180), (1, 160), (0, 130))),
    Story("north", "Опрос о качестве", Purpose.INFORMATION,
          "Здравствуйте! Всё ли вам понравилось? Если да, нажмите один. Чтобы мы больше не звонили, нажмите девять.",
          ((27, 190), (13, 210), (4, 150))),
    Story("north", "Осенняя распродажа", Purpose.ADVERTISING,
          "Здравствуйте! Только до воскресенья скидка пятнадцать процентов. Подробнее: нажмите один.",
          ((18, 140),), "Согласие получено в анкете покупателя, журнал согласий № 14"),
    Story("doctor", "Напоминание о приёме", Purpose.SERVICE,
          "Здравствуйте! Вы записаны к врачу на завтра. Чтобы подтвердить визит, нажмите один.",
          ((29, 90), (22, 100), (15, 110), (8, 100), (3, 90), (1, 90), (0, 50))),
    Story("ural", "Плановое отключение", Purpose.INFORMATION,
          "Здравствуйте! Завтра с девяти до двенадцати будет отключена вода. Повторить: нажмите ноль.",
          ((28, 250), (19, 270), (10, 280), (1, 220))),
    Story("collect", "Просроченный платёж", Purpose.DEBT,
          "Здравствуйте! По вашему договору есть задолженность. Чтобы узнать сумму, нажмите один.",
          ((26, 150), (20, 140), (11, 150), (6, 160))),
    Story("volga", "Курьер выехал", Purpose.SERVICE,
          "Здравствуйте! Курьер будет у вас в течение часа. Если вас нет дома, нажмите два.",
          ((24, 60), (12, 70), (2, 70))),
    Story("maria", "Запись в студию", Purpose.SERVICE,
          "Здравствуйте! Ждём вас завтра на занятии. Если не сможете прийти, нажмите два.",
          ((21, 40), (7, 40))),
)  # fmt: skip
_RULES = (
    campaigns.Rule("1", IvrAction.PLAY, "Спасибо, мы всё записали."),
    campaigns.Rule("2", IvrAction.CALLBACK, "Спасибо, оператор вам перезвонит."),
    campaigns.Rule("0", IvrAction.REPEAT),
    campaigns.Rule("9", IvrAction.BLACKLIST),
)


def plan(world: World) -> None:
    """Each finished campaign takes one morning."""
    for number, (story, days, size) in enumerate(_held()):
        window = world.timeline.morning(days)
        if window is None:
            continue
        world.timeline.add(
            window[0] - timedelta(minutes=20), lambda s=story, d=days, n=size, i=number: _open(world, s, d, n, i)
        )
    world.timeline.add(world.timeline.ago(12), lambda: _still_open(world))


def morning(world: World, key: str, days: int) -> list[Called]:
    """The calls of the customer's campaigns of that morning; their contacts are done with."""
    window = world.timeline.morning(days)
    made = []
    for campaign_id in world.dialled.pop((key, days), []) if window else []:
        made += _dial(world, campaign_id, *window)
    return made


def close(world: World, campaign_id: int) -> None:
    """End a campaign whose calls have been written."""
    world.session.flush()
    finish_campaign(world.session, world.session.get_one(Campaign, campaign_id))


def _held() -> Iterator[tuple[Story, int, int]]:
    for story in STORIES:
        for days, size in story.held:
            yield story, days, size


def _draft(name: str, story: Story, contacts: Sequence[int], **values: Any) -> campaigns.Draft:
    return campaigns.Draft(
        name=name,
        purpose=story.purpose,
        prompt=story.prompt,
        contacts="\n".join(phones.display(phones.from_int(phone)) for phone in contacts),
        consent_note=story.consent,
        rules=_RULES,
        max_attempts=_ATTEMPTS,
        **values,
    )


def _open(world: World, story: Story, days: int, size: int, number: int) -> None:
    rolls = dice.dice(f"calls:{number}")
    customer = world.customers[story.key]
    contacts = {dice.mobile(rolls) for _ in range(size)} | set(_blacklisted(world, customer.id))
    draft = _draft(f"{story.name} {clock.now():%d.%m}", story, sorted(contacts))
    campaign = campaigns.create(world.session, draft, customer_id=customer.id, actor=world.owner(story.key))
    campaigns.start(world.session, campaign.id, actor=world.owner(story.key))
    lease(world.session, campaign)
    campaign.state, campaign.wait_reason = CampaignState.RUNNING, None
    world.session.flush()
    world.dialled.setdefault((story.key, days), []).append(campaign.id)


def _blacklisted(world: World, customer_id: int) -> Sequence[int]:
    """A few who must not be called: their refusals are what «почему не позвонили» is about."""
    listed = sa.select(BlacklistEntry.phone).where(
        sa.or_(BlacklistEntry.customer_id == customer_id, BlacklistEntry.customer_id.is_(None))
    )
    return world.session.scalars(
        listed.where(BlacklistEntry.expires_at.is_(None)).order_by(BlacklistEntry.id).limit(3)
    ).all()


def _dial(world: World, campaign_id: int, start: datetime, end: datetime) -> list[Called]:
    session = world.session
    campaign = session.get_one(Campaign, campaign_id)
    caller = lease(session, campaign)
    contacts = session.scalars(sa.select(Contact).where(Contact.campaign_id == campaign_id).order_by(Contact.id)).all()
    rolls = dice.dice(f"dial:{campaign.name}:{campaign.customer_id}")
    decider = _Decider(world, campaign, start + timedelta(hours=2))
    first_calls = max(int((end - start).total_seconds()) // 3, 60)
    made: list[Called] = []
    for contact in contacts:
        at = start + timedelta(seconds=rolls.randrange(first_calls))
        code, trace = decider.of(contact.phone)
        if code != ALLOWED:
            made.append(_refused(contact, at, trace))
            contact.state, contact.outcome = ContactState.REFUSED, code[:32]
            continue
        made += _attempts(rolls, contact, at, end, caller.phone if caller else None, trace)
    campaign.contacts_done = len(contacts)
    return made


class _Decider:
    """Asks the real decision about those who are on a list, and once for all others: its trace is the same for them."""

    def __init__(self, world: World, campaign: Campaign, now: datetime) -> None:
        self._world, self._campaign, self._now = world, campaign, now
        self._listed = set(_blacklisted(world, campaign.customer_id))
        self._usual: tuple[str, Trace] | None = None

    def of(self, phone: int) -> tuple[str, Trace]:
        """The code of the answer, and the trace as it is kept with a call."""
        if phone in self._listed:
            return self._ask(phone)
        if self._usual is None:
            self._usual = self._ask(phone)
        return self._usual

    def _ask(self, phone: int) -> tuple[str, Trace]:
        campaign = self._campaign
        found = decide(
            self._world.session, customer_id=campaign.customer_id, phone=phone, campaign=campaign, now=self._now
        )
        return found.code, found.stored()


def _refused(contact: Contact, at: datetime, trace: Trace) -> Called:
    return Called(at, contact.campaign_id, contact.id, 1, contact.phone, None, Outcome.REQUEST_REFUSED, 0, 0, "", trace)


def _attempts(
    rolls: Random, contact: Contact, at: datetime, end: datetime, caller: int | None, trace: Trace
) -> Iterator[Called]:
    trace = [_about(finding, contact.phone) for finding in trace]
    for attempt in range(1, _ATTEMPTS + 1):
        outcome = rolls.choices([name for name, _ in _ENDS], [weight for _, weight in _ENDS])[0]
        low, high = _TALKED.get(outcome, (0, 0))
        seconds = rolls.randint(low, high)
        digits = rolls.choices(("1", "2", "9", ""), (60, 10, 4, 26))[0] if outcome is Outcome.COMPLETED else ""
        ring = rolls.randint(2, 28)
        yield Called(
            at, contact.campaign_id, contact.id, attempt, contact.phone, caller, outcome, seconds, ring, digits, trace
        )
        contact.attempts, contact.outcome, contact.state = attempt, outcome.value, ContactState.DONE
        at += max(advice(outcome.value).delay, timedelta(minutes=10)) + timedelta(seconds=rolls.randrange(300))
        if not advice(outcome.value).again or at > end - timedelta(minutes=3):
            return


def _about(finding: dict[str, Any], phone: int) -> dict[str, Any]:
    if finding["rule"] != "number":
        return finding
    return {**finding, "evidence": {**finding["evidence"], "phone": str(phone)}}


def _still_open(world: World) -> None:
    """What the demo starts with: one under way, one paused, one drawn up, one without money, one stopped."""
    rolls = dice.dice("open")

    def make(story: Story, name: str, size: int, key: str = "") -> Campaign:
        owner = key or story.key
        contacts = sorted({dice.mobile(rolls) for _ in range(size)})
        return campaigns.create(
            world.session,
            _draft(name, story, contacts, lines=3),
            customer_id=world.customers[owner].id,
            actor=world.owner(owner),
        )

    def start(campaign: Campaign, key: str) -> Campaign:
        campaigns.start(world.session, campaign.id, actor=world.owner(key))
        lease(world.session, campaign)
        return campaign

    delivery, poll, _, visit, *_ = STORIES
    start(make(delivery, "Напоминание о доставке, вечер", 90), "north")
    paused = start(make(poll, "Опрос о качестве, пауза", 60), "north")
    campaigns.pause(world.session, paused.id, actor=world.owner("north"))
    make(poll, "Опрос новых клиентов", 40)
    start(make(visit, "Перенос приёма", 45), "doctor")
    stopped = start(make(visit, "Ошибочный список", 30), "doctor")
    campaigns.stop(world.session, stopped.id, actor=world.owner("doctor"))
    poor = start(make(visit, "Пробный урок", 25, "lingua"), "lingua")
    campaigns.dial(world.session, poor.id)
