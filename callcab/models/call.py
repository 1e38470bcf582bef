"""A call and what happened in it."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import JSONB

from callcab.db import Base, choice
from callcab.models.campaign import Campaign
from callcab.models.customer import Customer
from callcab.models.mixins import TURNED_RIGHT, Created, Numbered, PhoneReversed
from callcab.scope import TenantOwned


class CallState(StrEnum):
    PLACED = "placed"
    RINGING = "ringing"
    ANSWERED = "answered"
    FINISHED = "finished"
    REFUSED = "refused"


class Outcome(StrEnum):
    """How a call ended; one table for all providers (telephony.md §6)."""

    COMPLETED = "completed"
    VERIFIED = "verified"
    WRONG_DIGIT = "wrong_digit"
    NO_INPUT = "no_input"
    HANGUP_BEFORE_DIGIT = "hangup_before_digit"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REJECTED = "rejected"
    UNALLOCATED = "unallocated"
    UNREACHABLE = "unreachable"
    CONGESTION = "congestion"
    MACHINE = "machine"
    REQUEST_REFUSED = "request_refused"
    LOST = "lost"


class Call(Numbered, Created, PhoneReversed, TenantOwned, Base):
    """One attempt to reach a contact; ``decision`` is the trace of rules that allowed or refused it (design §2.3).

    ``terms`` are the prices that it was put on record under (services.pricing.Terms); refused ones have none.
    """

    __tablename__ = "call"
    __table_args__ = (
        sa.UniqueConstraint("contact_id", "attempt"),
        sa.CheckConstraint("(state IN ('finished', 'refused')) = (ended_at IS NOT NULL)", name="ended_has_time"),
        sa.CheckConstraint("(state IN ('finished', 'refused')) = (outcome IS NOT NULL)", name="ended_has_outcome"),
        sa.CheckConstraint("cost >= 0", name="cost_not_negative"),
        sa.Index("ix_call_customer_id_created_at_id", "customer_id", "created_at", "id"),
        sa.Index("ix_call_created_at_id", "created_at", "id"),
        sa.Index("ix_call_campaign_id", "campaign_id"),
        sa.Index("ix_call_customer_id_phone", "customer_id", "phone"),
        sa.Index("ix_call_phone", "phone"),
        sa.Index("ix_call_phone_reversed", "phone_reversed"),
        sa.Index("ix_call_customer_id_phone_reversed", "customer_id", "phone_reversed"),
        sa.CheckConstraint(TURNED_RIGHT, name="turned_right"),
        sa.Index("ix_call_open_deadline_at", "deadline_at", postgresql_where=sa.text("ended_at IS NULL")),
        # How many lines are in use: of a customer, of a campaign, and in all.
        sa.Index("ix_call_open_lines", "customer_id", "campaign_id", postgresql_where=sa.text("ended_at IS NULL")),
    )

    campaign_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("campaign.id"))
    contact_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("contact.id"))
    attempt: orm.Mapped[int] = orm.mapped_column(sa.Integer)
    phone: orm.Mapped[int]
    from_phone: orm.Mapped[int | None]
    state: orm.Mapped[CallState] = choice(CallState, default=CallState.PLACED)
    outcome: orm.Mapped[Outcome | None] = choice(Outcome)
    digits: orm.Mapped[str] = orm.mapped_column(sa.String(32), default="")
    decision: orm.Mapped[list[dict[str, Any]]] = orm.mapped_column(JSONB)
    terms: orm.Mapped[dict[str, Any] | None] = orm.mapped_column(JSONB(none_as_null=True))
    provider_ref: orm.Mapped[str | None] = orm.mapped_column(sa.String(64), unique=True)
    answered_at: orm.Mapped[datetime | None]
    ended_at: orm.Mapped[datetime | None]
    deadline_at: orm.Mapped[datetime]
    seconds: orm.Mapped[int] = orm.mapped_column(sa.Integer, default=0)
    cost: orm.Mapped[Decimal] = orm.mapped_column(default=Decimal("0"))
    reservation_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("reservation.id"), unique=True)

    customer: orm.Mapped[Customer] = orm.relationship(viewonly=True)
    campaign: orm.Mapped[Campaign] = orm.relationship(viewonly=True)


class CallEvent(Numbered, TenantOwned, Base):
    """What the provider said about a call, a verification or an incoming call; ``event_key`` makes a repeated event one
    row."""

    __tablename__ = "call_event"
    __table_args__ = (
        sa.UniqueConstraint("provider_ref", "event_key"),
        sa.CheckConstraint("num_nonnulls(call_id, verification_id, inbound_call_id) = 1", name="one_owner"),
        sa.Index("ix_call_event_call_id", "call_id"),
        sa.Index(
            "ix_call_event_verification_id",
            "verification_id",
            postgresql_where=sa.text("verification_id IS NOT NULL"),
        ),
        sa.Index(
            "ix_call_event_inbound_call_id",
            "inbound_call_id",
            postgresql_where=sa.text("inbound_call_id IS NOT NULL"),
        ),
        sa.Index("ix_call_event_customer_id", "customer_id"),
    )

    call_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("call.id"))
    verification_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("verification.id", ondelete="CASCADE"))
    inbound_call_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("inbound_call.id"))
    provider_ref: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    event_key: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    kind: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    at: orm.Mapped[datetime]
    data: orm.Mapped[dict[str, Any]] = orm.mapped_column(JSONB, default=dict)


class DialRate(Base):
    """A bucket of permissions to dial, refilled by time: one for the platform, one for each customer or campaign that
    has a speed limit. ``granted`` is what the last taker got."""

    __tablename__ = "dial_rate"

    key: orm.Mapped[str] = orm.mapped_column(sa.String(32), primary_key=True)
    tokens: orm.Mapped[Decimal] = orm.mapped_column(sa.Numeric(12, 4))
    filled_at: orm.Mapped[datetime]
    granted: orm.Mapped[int] = orm.mapped_column(sa.Integer)
