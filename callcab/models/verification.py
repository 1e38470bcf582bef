"""The robot's call that proves a personal number: the callee presses 1."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import Base, choice
from callcab.models.customer import Customer
from callcab.models.mixins import Created, Numbered
from callcab.scope import TenantOwned


class VerificationState(StrEnum):
    QUEUED = "queued"
    DIALLING = "dialling"
    RINGING = "ringing"
    ANSWERED = "answered"
    VERIFIED = "verified"
    FAILED = "failed"

    @property
    def is_open(self) -> bool:
        return self not in (VerificationState.VERIFIED, VerificationState.FAILED)


OPEN_STATES = "state IN ('queued', 'dialling', 'ringing', 'answered')"


class Verification(Numbered, Created, TenantOwned, Base):
    """One attempt. ``outcome`` is a call outcome (models.call.Outcome), or ``expired``, ``by_hand``,
    ``cancelled``, ``unavailable`` (no call was made), ``taken`` (the number became somebody else's meanwhile).

    At most one open attempt per phone over all customers (AC-10); only an event of its own call confirms it (AC-12).
    """

    __tablename__ = "verification"
    __table_args__ = (
        sa.Index("uq_verification_open", "phone", unique=True, postgresql_where=sa.text(OPEN_STATES)),
        sa.CheckConstraint("(state IN ('verified', 'failed')) = (finished_at IS NOT NULL)", name="finished_has_time"),
        sa.CheckConstraint("(state IN ('verified', 'failed')) = (outcome IS NOT NULL)", name="finished_has_outcome"),
        sa.Index("ix_verification_customer_id_created_at_id", "customer_id", "created_at", "id"),
        sa.Index("ix_verification_created_at_id", "created_at", "id"),
        sa.Index("ix_verification_number_id", "number_id"),
        sa.Index("ix_verification_phone_created_at", "phone", "created_at"),
    )

    # An attempt outlives its number: a deleted and re-created number must not begin with fresh limits.
    number_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("phone_number.id", ondelete="SET NULL"))
    phone: orm.Mapped[int]
    attempt: orm.Mapped[int] = orm.mapped_column(sa.Integer)
    state: orm.Mapped[VerificationState] = choice(VerificationState, default=VerificationState.QUEUED)
    outcome: orm.Mapped[str | None] = orm.mapped_column(sa.String(32))
    digits: orm.Mapped[str] = orm.mapped_column(sa.String(32), default="")
    provider_ref: orm.Mapped[str | None] = orm.mapped_column(sa.String(64), unique=True)
    started_at: orm.Mapped[datetime | None]
    answered_at: orm.Mapped[datetime | None]
    deadline_at: orm.Mapped[datetime]
    finished_at: orm.Mapped[datetime | None]
    confirmed_by: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("user.id"))
    reason: orm.Mapped[str] = orm.mapped_column(default="")

    customer: orm.Mapped[Customer] = orm.relationship(viewonly=True)
