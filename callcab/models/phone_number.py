"""Outgoing numbers: the shared pool, duty numbers, personal numbers; their leases, rentals and history."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE, ExcludeConstraint, Range

from callcab.db import Base, choice
from callcab.models.campaign import Campaign
from callcab.models.customer import Customer
from callcab.models.mixins import LABEL_WHOLE, TURNED_RIGHT, Created, Labelled, Numbered, PhoneReversed, Versioned
from callcab.scope import SharedOrOwned, TenantOrStaff, TenantOwned


class NumberKind(StrEnum):
    SHARED = "shared"
    DUTY = "duty"
    PERSONAL = "personal"


class NumberState(StrEnum):
    FREE = "free"
    BUSY = "busy"
    PENDING = "pending"
    VERIFIED = "verified"
    FAILED = "failed"
    BLOCKED = "blocked"


class NumberHealth(StrEnum):
    """How a number's answer rate compares with its own usual one; unknown until it has called enough."""

    UNKNOWN = "unknown"
    GOOD = "good"
    FALLING = "falling"


class PhoneNumber(Numbered, Created, PhoneReversed, Versioned, Labelled, SharedOrOwned, Base):
    """``customer_id`` is who alone controls the number now: the owner of a personal one, the renter of a shared one.

    «Свободный» and «арендный» are not kinds: a free number is shared and in state free, a rented one is shared with
    ``rented_until`` set (the rental itself is NumberRental).

    ``operation_id``  the load that alone wanted it: undone, the number goes if nobody used it
    ``rests_until``   no campaign gets it before; one that has it keeps it
    ``prolong_days``  the rental goes on by itself for so many days each time; empty: it ends
    ``proved_until``  how long the pressed 1 of a personal number holds; counts while it is verified
    ``label_text``    a label of its own, in place of its customer's; of a personal number only: others change hands
    ``health_data``   what the check of ``health`` saw: calls, answered, usual share, the last days
    """

    __tablename__ = "phone_number"
    __table_args__ = (
        sa.CheckConstraint("phone BETWEEN 70000000000 AND 79999999999", name="phone_russian"),
        sa.CheckConstraint(
            "(kind = 'shared' AND state IN ('free', 'busy', 'blocked'))"
            " OR (kind = 'duty' AND state IN ('free', 'blocked'))"
            " OR (kind = 'personal' AND state IN ('pending', 'verified', 'failed', 'blocked'))",
            name="state_fits_kind",
        ),
        sa.CheckConstraint(
            "CASE kind WHEN 'personal' THEN customer_id IS NOT NULL AND rented_until IS NULL"
            " WHEN 'duty' THEN customer_id IS NULL AND rented_until IS NULL"
            " ELSE (customer_id IS NULL) = (rented_until IS NULL) END",
            name="holder_fits_kind",
        ),
        sa.CheckConstraint(
            "prolong_days IS NULL OR (rented_until IS NOT NULL AND prolong_days BETWEEN 1 AND 366)",
            name="prolong_needs_rental",
        ),
        sa.CheckConstraint(LABEL_WHOLE, name="label_whole"),
        sa.CheckConstraint("char_length(label_text) <= 32", name="label_text_length"),
        sa.CheckConstraint("label_text = '' OR kind = 'personal'", name="label_is_personal"),
        sa.Index("ix_phone_number_rented_until", "rented_until", postgresql_where=sa.text("rented_until IS NOT NULL")),
        sa.Index("ix_phone_number_proved_until", "proved_until", postgresql_where=sa.text("state = 'verified'")),
        sa.CheckConstraint("proved_until IS NULL OR kind = 'personal'", name="proof_is_personal"),
        sa.Index(
            "ix_phone_number_operation_id_id",
            "operation_id",
            "id",
            postgresql_where=sa.text("operation_id IS NOT NULL"),
        ),
        sa.Index("ix_phone_number_falling", "id", postgresql_where=sa.text("health = 'falling'")),
        sa.Index(
            "uq_phone_number_pool",
            "phone",
            unique=True,
            postgresql_where=sa.text("kind <> 'personal' OR state = 'verified'"),
        ),
        sa.Index(
            "uq_phone_number_personal",
            "customer_id",
            "phone",
            unique=True,
            postgresql_where=sa.text("kind = 'personal'"),
        ),
        sa.Index("ix_phone_number_customer_id_created_at_id", "customer_id", "created_at", "id"),
        sa.Index("ix_phone_number_created_at_id", "created_at", "id"),
        sa.Index("ix_phone_number_phone", "phone"),
        sa.Index("ix_phone_number_phone_reversed", "phone_reversed"),
        sa.CheckConstraint(TURNED_RIGHT, name="turned_right"),
        sa.Index("ix_phone_number_kind_state", "kind", "state"),
    )

    phone: orm.Mapped[int]
    kind: orm.Mapped[NumberKind] = choice(NumberKind)
    state: orm.Mapped[NumberState] = choice(NumberState)
    busy_at: orm.Mapped[datetime | None]
    rented_until: orm.Mapped[datetime | None]
    note: orm.Mapped[str] = orm.mapped_column(default="")
    operation_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("operation.id"))
    proved_until: orm.Mapped[datetime | None]
    proof_noticed_days: orm.Mapped[int | None] = orm.mapped_column(sa.Integer)
    rests_until: orm.Mapped[datetime | None]
    prolong_days: orm.Mapped[int | None] = orm.mapped_column(sa.Integer)
    health: orm.Mapped[NumberHealth] = choice(
        NumberHealth, default=NumberHealth.UNKNOWN, server_default=NumberHealth.UNKNOWN.value
    )
    health_data: orm.Mapped[dict[str, Any] | None] = orm.mapped_column(JSONB)
    health_at: orm.Mapped[datetime | None]

    customer: orm.Mapped[Customer | None] = orm.relationship(viewonly=True)
    open_lease: orm.Mapped["NumberLease | None"] = orm.relationship(
        primaryjoin="and_(PhoneNumber.id == NumberLease.number_id, NumberLease.released_at.is_(None))",
        viewonly=True,
        uselist=False,
    )


class NumberLease(Numbered, TenantOwned, Base):
    """A shared number held by a campaign until it ends.

    At most one open lease per number (partial unique index), and no two of its leases, ended or not, share an instant
    (exclusion constraint): the history itself proves that a number was never on two campaigns at once.
    """

    __tablename__ = "number_lease"
    __table_args__ = (
        sa.Index("uq_number_lease_open", "number_id", unique=True, postgresql_where=sa.text("released_at IS NULL")),
        ExcludeConstraint(
            ("number_id", "="),
            (sa.func.tstzrange(sa.column("taken_at"), sa.column("released_at")), "&&"),
            using="gist",
            name="excl_number_lease_time",
        ),
        sa.CheckConstraint("released_at >= taken_at", name="released_after_taken"),
        sa.Index("ix_number_lease_campaign_id", "campaign_id"),
        sa.Index("ix_number_lease_customer_id", "customer_id"),
    )

    number_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("phone_number.id"))
    campaign_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("campaign.id"))
    taken_at: orm.Mapped[datetime]
    released_at: orm.Mapped[datetime | None]

    campaign: orm.Mapped[Campaign] = orm.relationship(viewonly=True)


class NumberRental(Numbered, Created, TenantOwned, Base):
    """A shared number for one customer for a period; two rentals of a number never overlap (exclusion constraint).

    ``noticed_days`` is how many days before its end the customer was written to last (3, then 1).
    """

    __tablename__ = "number_rental"
    __table_args__ = (
        ExcludeConstraint(
            ("number_id", "="),
            ("period", "&&"),
            using="gist",
            where=sa.text("ended_at IS NULL"),
            name="excl_number_rental_period",
        ),
        sa.CheckConstraint("price >= 0", name="price_not_negative"),
        sa.Index("ix_number_rental_customer_id", "customer_id"),
    )

    number_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("phone_number.id"))
    period: orm.Mapped[Range[datetime]] = orm.mapped_column(TSTZRANGE)
    price: orm.Mapped[Decimal]
    ledger_entry_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("ledger_entry.id"), unique=True)
    ended_at: orm.Mapped[datetime | None]
    noticed_days: orm.Mapped[int | None] = orm.mapped_column(sa.Integer)

    customer: orm.Mapped[Customer] = orm.relationship(viewonly=True)


class NumberEvent(Numbered, Created, TenantOrStaff, Base):
    """History of a number: who took it, when and why."""

    __tablename__ = "number_event"
    __table_args__ = (
        sa.Index("ix_number_event_number_id_id", "number_id", "id"),
        sa.Index("ix_number_event_customer_id", "customer_id"),
    )

    number_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("phone_number.id", ondelete="CASCADE"))
    kind: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    actor: orm.Mapped[str]
    data: orm.Mapped[dict[str, Any]] = orm.mapped_column(JSONB, default=dict)


class NumberDay(Base):
    """Calls from a number on one day (UTC), over all customers: its health is judged by them; only staff reads it."""

    __tablename__ = "number_day"
    __table_args__ = (
        sa.CheckConstraint("answered BETWEEN 0 AND calls", name="answered_of_calls"),
        sa.Index("ix_number_day_day", "day"),
    )

    phone: orm.Mapped[int] = orm.mapped_column(primary_key=True, autoincrement=False)
    day: orm.Mapped[date] = orm.mapped_column(sa.Date, primary_key=True)
    calls: orm.Mapped[int] = orm.mapped_column(sa.Integer)
    answered: orm.Mapped[int] = orm.mapped_column(sa.Integer)
