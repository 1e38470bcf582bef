"""Call campaign («рассылка»), its contacts and the rules of its voice menu."""

from datetime import date, datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import JSONB

from callcab.db import Base, choice
from callcab.models.audio_recording import AudioRecording
from callcab.models.customer import Customer
from callcab.models.mixins import Created, Numbered, Versioned
from callcab.scope import TenantOwned

if TYPE_CHECKING:
    from callcab.models.call import Call


class CampaignState(StrEnum):
    DRAFT = "draft"
    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"


class Purpose(StrEnum):
    INFORMATION = "information"
    SERVICE = "service"
    DEBT = "debt"
    ADVERTISING = "advertising"


class MachineAction(StrEnum):
    """What to do at an answering machine: say the message (nobody listens for machines), or listen and ring off."""

    PLAY = "play"
    HANGUP = "hangup"
    LATER = "later"


class Campaign(Numbered, Created, Versioned, TenantOwned, Base):
    """``waiting`` = started but without a number yet; ``wait_reason`` is a code (number.none_free, balance.low…).

    ``dial_asked_at`` is when a dialling round was last asked for, ``dialled_at`` when one last began: together they
    keep the queue at one round for each campaign.

    Calls begin at ``starts_at`` at the earliest, on ``days`` of the week (`12345`, Monday is 1) of the callee, until
    the end of ``last_day`` of the customer. ``retries`` are rules by outcome (services.retry).

    ``left_out`` counts what was no contact when the list was read: ``duplicates``, ``undialable``, ``rejected`` with a
    ``sample``.

    ``lists`` are the contact lists that the contacts were copied from, as they were: ``id``, ``name``, ``entries``.

    It plays ``recording`` or says ``prompt``; the other one is empty.

    ``test_of`` is the campaign whose scenario this one tries on its owner's own telephone (services.campaign.cloning).

    Advertising by robot is refused without a stored confirmation of consent (rule C1).

    ``menu_tries`` is how often the prompt is said to who presses nothing or a digit without a rule; ``unheard`` and
    ``unknown`` are said in between.
    """

    __tablename__ = "campaign"
    __table_args__ = (
        sa.CheckConstraint("purpose <> 'advertising' OR consent_note <> ''", name="advertising_needs_consent"),
        sa.CheckConstraint("quiet_from > quiet_until", name="calling_hours"),
        sa.CheckConstraint("days ~ '^1?2?3?4?5?6?7?$' AND days <> ''", name="days"),
        sa.CheckConstraint("lines BETWEEN 1 AND 1000", name="lines"),
        sa.CheckConstraint("calls_per_second BETWEEN 1 AND 1000", name="calls_per_second"),
        sa.CheckConstraint("menu_tries BETWEEN 1 AND 3", name="menu_tries"),
        sa.CheckConstraint("(recording_id IS NULL) <> (prompt = '')", name="one_message"),
        sa.Index("ix_campaign_customer_id_created_at_id", "customer_id", "created_at", "id"),
        sa.Index("ix_campaign_created_at_id", "created_at", "id"),
        sa.Index("ix_campaign_state", "state"),
        sa.Index("ix_campaign_recording_id", "recording_id", postgresql_where=sa.text("recording_id IS NOT NULL")),
        sa.Index("ix_campaign_test_of", "test_of", postgresql_where=sa.text("test_of IS NOT NULL")),
    )

    name: orm.Mapped[str]
    purpose: orm.Mapped[Purpose] = choice(Purpose)
    consent_note: orm.Mapped[str] = orm.mapped_column(default="")
    state: orm.Mapped[CampaignState] = choice(CampaignState, default=CampaignState.DRAFT)
    wait_reason: orm.Mapped[str | None] = orm.mapped_column(sa.String(48))
    own_number_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("phone_number.id", ondelete="SET NULL"))
    prompt: orm.Mapped[str]
    recording_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("audio_recording.id"))
    menu_tries: orm.Mapped[int] = orm.mapped_column(sa.Integer, default=2)
    unheard: orm.Mapped[str] = orm.mapped_column(default="")
    unknown: orm.Mapped[str] = orm.mapped_column(default="")
    quiet_until: orm.Mapped[time] = orm.mapped_column(default=time(9))
    quiet_from: orm.Mapped[time] = orm.mapped_column(default=time(20))
    days: orm.Mapped[str] = orm.mapped_column(sa.String(7), default="1234567")
    starts_at: orm.Mapped[datetime | None]
    last_day: orm.Mapped[date | None]
    lines: orm.Mapped[int] = orm.mapped_column(sa.Integer, default=5)
    calls_per_second: orm.Mapped[int | None] = orm.mapped_column(sa.Integer)
    max_attempts: orm.Mapped[int] = orm.mapped_column(sa.Integer, default=2)
    retries: orm.Mapped[dict[str, Any]] = orm.mapped_column(JSONB, default=dict)
    machine_action: orm.Mapped[MachineAction] = choice(MachineAction, default=MachineAction.PLAY)
    left_out: orm.Mapped[dict[str, Any]] = orm.mapped_column(JSONB, default=dict)
    lists: orm.Mapped[list[dict[str, Any]]] = orm.mapped_column(JSONB, default=list)
    contacts_total: orm.Mapped[int] = orm.mapped_column(sa.Integer, default=0)
    contacts_done: orm.Mapped[int] = orm.mapped_column(sa.Integer, default=0)
    started_at: orm.Mapped[datetime | None]
    finished_at: orm.Mapped[datetime | None]
    dial_asked_at: orm.Mapped[datetime | None]
    dialled_at: orm.Mapped[datetime | None]
    test_of: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("campaign.id"))
    request_key: orm.Mapped[str | None] = orm.mapped_column(sa.String(64), unique=True)
    created_by: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("user.id"))

    rules: orm.Mapped[list["IvrRule"]] = orm.relationship(order_by="IvrRule.digit", lazy="selectin")
    recording: orm.Mapped[AudioRecording | None] = orm.relationship(viewonly=True)
    customer: orm.Mapped[Customer] = orm.relationship(viewonly=True)


class IvrAction(StrEnum):
    PLAY = "play"
    BLACKLIST = "blacklist"
    TRANSFER = "transfer"
    CALLBACK = "callback"
    REPEAT = "repeat"
    HANGUP = "hangup"


class IvrRule(Numbered, TenantOwned, Base):
    """What a pressed digit does, and what is said before it is done.

    ``blacklist``  puts the callee on the customer's blacklist at once
    ``transfer``   joins him with ``transfer_to``, a proved personal number of the customer (digits, as Contact.phone)
    ``callback``   leaves a CallbackRequest
    """

    __tablename__ = "ivr_rule"
    __table_args__ = (
        sa.UniqueConstraint("campaign_id", "digit"),
        sa.CheckConstraint("digit ~ '^[0-9*#]$'", name="digit"),
        sa.CheckConstraint("(action = 'transfer') = (transfer_to IS NOT NULL)", name="transfer_has_number"),
        sa.Index("ix_ivr_rule_customer_id", "customer_id"),
    )

    campaign_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("campaign.id"))
    digit: orm.Mapped[str] = orm.mapped_column(sa.String(1))
    action: orm.Mapped[IvrAction] = choice(IvrAction)
    prompt: orm.Mapped[str] = orm.mapped_column(default="")
    transfer_to: orm.Mapped[int | None]


class ContactState(StrEnum):
    NEW = "new"
    CALLING = "calling"
    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"


class Contact(Numbered, TenantOwned, Base):
    """A person to call in a campaign; ``next_at`` is when the next attempt is due."""

    __tablename__ = "contact"
    __table_args__ = (
        sa.UniqueConstraint("campaign_id", "phone"),
        sa.Index(
            "ix_contact_due",
            "campaign_id",
            "next_at",
            "id",
            postgresql_where=sa.text("state IN ('new', 'waiting')"),
        ),
        sa.Index("ix_contact_customer_id_phone", "customer_id", "phone"),
        # Support asks about a number without knowing whose it is.
        sa.Index("ix_contact_phone", "phone"),
    )

    campaign_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("campaign.id"))
    phone: orm.Mapped[int]
    state: orm.Mapped[ContactState] = choice(ContactState, default=ContactState.NEW)
    attempts: orm.Mapped[int] = orm.mapped_column(sa.Integer, default=0)
    outcome: orm.Mapped[str | None] = orm.mapped_column(sa.String(32))
    next_at: orm.Mapped[datetime]
    variables: orm.Mapped[dict[str, Any]] = orm.mapped_column(JSONB, default=dict)

    calls: orm.Mapped[list["Call"]] = orm.relationship(order_by="Call.attempt", viewonly=True)
