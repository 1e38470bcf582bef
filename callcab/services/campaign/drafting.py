"""Drawing up a campaign: its people, its menu, its limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

from callcab.db import CabSession
from callcab.lib import clock
from callcab.lib import phone as phone_lib
from callcab.lib.errors import Invalid, NotFound
from callcab.models import (
    Campaign,
    Contact,
    ContactList,
    ContactState,
    Customer,
    MachineAction,
    NumberKind,
    NumberState,
    Outcome,
    PhoneNumber,
    Purpose,
)
from callcab.scope import Actor
from callcab.services import audio_recording, audit, bulk, contact_list, ivr_rule, prompt, retry
from callcab.services.campaign import schedule
from callcab.services.ivr_rule import LONGEST_PROMPT, Rule
from callcab.services.retry import Retry

# Pasted into the form; lists hold more.
MOST_CONTACTS = 50_000
MOST_FROM_LISTS = 200_000
LONGEST_TEXT = 2_000_000
SHORTEST_CONSENT = 10
REJECTED_KEPT = 5
ATTEMPTS = (1, 5)


@dataclass(frozen=True)
class Draft:
    """What a person wrote: a pasted text ``contacts``, ids of contact ``lists``, or both. ``recording_id`` is played in
    place of ``prompt``, which is then left out. ``own_number_id`` empty means any free number; ``request_key`` makes a
    double press one."""

    name: str
    purpose: Purpose
    prompt: str = ""
    contacts: str = ""
    lists: Sequence[int] = ()
    recording_id: int | None = None
    consent_note: str = ""
    rules: Sequence[Rule] = field(default_factory=tuple)
    menu_tries: int = 2
    unheard: str = ""
    unknown: str = ""
    calls_from: time = time(9)
    calls_until: time = time(20)
    days: str = schedule.WEEK
    starts_at: datetime | None = None
    last_day: date | None = None
    lines: int = 5
    calls_per_second: int | None = None
    max_attempts: int = 2
    retries: Mapping[Outcome, Retry] = field(default_factory=dict)
    machine: MachineAction = MachineAction.PLAY
    own_number_id: int | None = None
    request_key: str | None = None


@dataclass(frozen=True)
class ListReading:
    """Whom a campaign would call: pasted phones, contact lists, ``total`` numbers of both together without repeats, and
    how many were left out and why."""

    phones: tuple[int, ...]
    duplicates: int
    rejected: tuple[phone_lib.Rejected, ...]
    undialable: int
    total: int
    lists: tuple[ContactList, ...] = ()


def read_list(text: str) -> ListReading:
    """Read a pasted list of contacts. Raises Invalid("campaign.list_too_long"), field ``contacts``."""
    if len(text) > LONGEST_TEXT:
        raise Invalid("campaign.list_too_long", field="contacts", limit=MOST_CONTACTS)
    found = phone_lib.extract(text)
    good = tuple(phone_lib.to_int(phone.e164) for phone in found.phones if phone_lib.is_dialable(phone))
    if len(good) > MOST_CONTACTS:
        raise Invalid("campaign.list_too_long", field="contacts", limit=MOST_CONTACTS)
    return ListReading(good, found.duplicates, found.rejected, len(found.phones) - len(good), len(good))


def read_contacts(session: CabSession, text: str, lists: Sequence[int], *, customer_id: int) -> ListReading:
    """Everybody whom a campaign would call. Raises Invalid with the field ``contacts`` or ``lists``."""
    reading = read_list(text)
    if not lists:
        return reading
    found = contact_list.chosen(session, lists, customer_id=customer_id)
    if sum(row.entries for row in found) + len(reading.phones) > MOST_FROM_LISTS:
        raise Invalid("campaign.list_too_long", field="lists", limit=MOST_FROM_LISTS)
    total = contact_list.count_together(session, found, reading.phones)
    repeats = sum(row.entries for row in found) + len(reading.phones) - total
    return replace(reading, duplicates=reading.duplicates + repeats, total=total, lists=tuple(found))


def create(session: CabSession, draft: Draft, *, customer_id: int, actor: Actor) -> Campaign:
    """Store a campaign with its contacts, ready to be started. Flushed.

    The contacts are copied: what becomes of a list later changes no campaign.

    raises  Invalid with the field at fault (rule C1: advertising needs a note on consent, in the draft or in all of its
            lists), NotFound("number.not_found")
    """
    _check(draft)
    if draft.recording_id is not None:
        audio_recording.choose(session, draft.recording_id, customer_id=customer_id)
    ivr_rule.check(session, draft.rules, customer_id=customer_id)
    reading = read_contacts(session, draft.contacts, draft.lists, customer_id=customer_id)
    if not reading.total:
        raise Invalid("campaign.no_contacts", field="contacts")
    prompt.check(_texts(draft), _variables(reading))
    consent = _consent(draft, reading)
    customer = session.get_one(Customer, customer_id)
    schedule.check(
        customer,
        days=draft.days,
        starts_at=draft.starts_at,
        last_day=draft.last_day,
        lines=draft.lines,
        calls_per_second=draft.calls_per_second,
    )
    if draft.own_number_id is not None:
        _check_number(session, draft.own_number_id, customer_id)
    known = _repeated(session, draft, customer_id)
    if known is not None:
        return known
    campaign = _campaign(draft, reading, consent, customer_id=customer_id, author_id=actor.user_id)
    session.add(campaign)
    session.flush()
    copied = contact_list.copy_to(session, campaign, reading.lists) if reading.lists else 0
    campaign.contacts_total = copied + _add_contacts(session, campaign, reading.phones)
    session.flush()
    after = {"name": campaign.name, "purpose": campaign.purpose.value, "contacts": campaign.contacts_total}
    audit.record(
        session,
        "campaign.create",
        actor=actor,
        customer_id=customer_id,
        object_type="campaign",
        object_id=campaign.id,
        after=after,
    )
    return campaign


def _campaign(draft: Draft, reading: ListReading, consent: str, *, customer_id: int, author_id: int | None) -> Campaign:
    """The row of a checked draft; what was left out of its contacts is kept with it."""
    return Campaign(
        customer_id=customer_id,
        name=draft.name.strip(),
        purpose=draft.purpose,
        consent_note=consent,
        own_number_id=draft.own_number_id,
        prompt="" if draft.recording_id else draft.prompt.strip(),
        recording_id=draft.recording_id,
        quiet_until=draft.calls_from,
        quiet_from=draft.calls_until,
        days=schedule.sorted_days(draft.days),
        starts_at=draft.starts_at,
        last_day=draft.last_day,
        lines=draft.lines,
        calls_per_second=draft.calls_per_second,
        max_attempts=draft.max_attempts,
        retries=retry.check(draft.retries),
        machine_action=draft.machine,
        contacts_total=reading.total,
        left_out={
            "duplicates": reading.duplicates,
            "undialable": reading.undialable,
            "rejected": len(reading.rejected),
            "sample": [{"line": item.line, "text": item.text[:60]} for item in reading.rejected[:REJECTED_KEPT]],
        },
        lists=[{"id": row.id, "name": row.name, "entries": row.entries} for row in reading.lists],
        request_key=draft.request_key,
        created_by=author_id,
        menu_tries=draft.menu_tries,
        unheard=draft.unheard.strip(),
        unknown=draft.unknown.strip(),
        rules=ivr_rule.rows(draft.rules, customer_id),
    )


def _check(draft: Draft) -> None:
    required = [("name", draft.name, 120)]
    if draft.recording_id is None:
        required.append(("prompt", draft.prompt, LONGEST_PROMPT))
    for name, text, limit in required:
        if not text.strip():
            raise Invalid("field.required", field=name)
        if len(text) > limit:
            raise Invalid("field.too_long", field=name, limit=limit)
    if not draft.calls_from < draft.calls_until:
        raise Invalid("campaign.hours", field="calls_until")
    limits = (
        ("max_attempts", draft.max_attempts, ATTEMPTS),
        ("menu_tries", draft.menu_tries, ivr_rule.TRIES),
    )
    for name, value, (low, high) in limits:
        if not low <= value <= high:
            raise Invalid("campaign.out_of_range", field=name, low=low, high=high)
    for name, text in (("unheard", draft.unheard), ("unknown", draft.unknown)):
        if len(text) > LONGEST_PROMPT:
            raise Invalid("field.too_long", field=name, limit=LONGEST_PROMPT)


def _texts(draft: Draft) -> list[tuple[str, str]]:
    """Everything that the robot would say, by field."""
    prompt_text = "" if draft.recording_id else draft.prompt
    said = [("prompt", prompt_text), ("unheard", draft.unheard), ("unknown", draft.unknown)]
    return said + [(f"rule_{rule.digit}_prompt", rule.prompt) for rule in draft.rules]


def _variables(reading: ListReading) -> list[str]:
    """The variables that all contacts have: pasted numbers have none."""
    if reading.phones or not reading.lists:
        return []
    first, *others = reading.lists
    return [name for name in first.variables if all(name in row.variables for row in others)]


def _check_number(session: CabSession, number_id: int, customer_id: int) -> None:
    number = session.get(PhoneNumber, number_id)
    if number is None or (number.kind is not NumberKind.DUTY and number.customer_id != customer_id):
        raise NotFound("number.not_found")
    if number.kind is NumberKind.PERSONAL and number.state is not NumberState.VERIFIED:
        raise Invalid("number.not_verified", field="own_number_id")
    if number.state is NumberState.BLOCKED:
        raise Invalid("number.blocked", field="own_number_id")


def _repeated(session: CabSession, draft: Draft, customer_id: int) -> Campaign | None:
    """The campaign that the same form made a moment ago (F-20)."""
    if not draft.request_key:
        return None
    return session.scalar(
        sa.select(Campaign).where(Campaign.request_key == draft.request_key, Campaign.customer_id == customer_id)
    )


def _consent(draft: Draft, reading: ListReading) -> str:
    """What the person wrote, else what the lists say when nobody was pasted beside them (rule C1)."""
    note = draft.consent_note.strip()
    if not note and not reading.phones:
        note = contact_list.consent_of(reading.lists)
    if draft.purpose is Purpose.ADVERTISING and len(note) < SHORTEST_CONSENT:
        raise Invalid("campaign.no_consent", field="consent_note")
    return note


def _add_contacts(session: CabSession, campaign: Campaign, wanted: Sequence[int]) -> int:
    """Add pasted numbers behind those of the lists; returns how many were not there yet."""
    if not wanted:
        return 0
    given = bulk.rows("given", phone=(bulk.NUMBER, wanted))
    now = sa.literal(clock.now(), bulk.MOMENT)
    values = sa.select(
        sa.literal(campaign.id),
        sa.literal(campaign.customer_id),
        given.c.phone,
        sa.literal(ContactState.NEW.value),
        sa.literal(0),
        now,
        sa.literal({}, JSONB),
    )
    names = ["campaign_id", "customer_id", "phone", "state", "attempts", "next_at", "variables"]
    made = insert(Contact).from_select(names, values).on_conflict_do_nothing().returning(Contact.id)
    return len(session.scalars(made).all())
