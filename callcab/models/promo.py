"""Promo codes: batches, codes, activations, failed tries."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import Base, choice
from callcab.models.customer import Customer
from callcab.models.ledger import LedgerEntry
from callcab.models.mixins import Created, Numbered, Versioned
from callcab.scope import TenantOwned


class PromoState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"


class PromoBatch(Numbered, Created, Versioned, Base):
    """Codes issued together with one amount, limit and expiry; support only. A doubled form is one ``request_key``."""

    __tablename__ = "promo_batch"
    __table_args__ = (
        sa.CheckConstraint("amount > 0", name="amount_positive"),
        sa.CheckConstraint("uses_per_code > 0", name="uses_positive"),
        sa.Index("ix_promo_batch_created_at_id", "created_at", "id"),
    )

    name: orm.Mapped[str]
    amount: orm.Mapped[Decimal]
    uses_per_code: orm.Mapped[int] = orm.mapped_column(sa.Integer, default=1)
    codes_count: orm.Mapped[int] = orm.mapped_column(sa.Integer, default=0)
    activations_count: orm.Mapped[int] = orm.mapped_column(sa.Integer, default=0)
    expires_at: orm.Mapped[datetime | None]
    state: orm.Mapped[PromoState] = choice(PromoState, default=PromoState.ACTIVE)
    created_by: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("user.id"))
    request_key: orm.Mapped[str | None] = orm.mapped_column(sa.String(64), unique=True)


class PromoCode(Numbered, Created, Base):
    """``code`` in normal form (capital Latin letters and digits, no dashes); the CHECK holds the limit (AC-20).

    ``operation_id`` is the load that alone wanted it, for undoing.
    """

    __tablename__ = "promo_code"
    __table_args__ = (
        sa.CheckConstraint("used_count >= 0 AND used_count <= uses_limit", name="within_limit"),
        sa.Index("ix_promo_code_batch_id_id", "batch_id", "id"),
        sa.Index("ix_promo_code_created_at_id", "created_at", "id"),
        sa.Index(
            "ix_promo_code_operation_id_id",
            "operation_id",
            "id",
            postgresql_where=sa.text("operation_id IS NOT NULL"),
        ),
    )

    batch_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("promo_batch.id"))
    code: orm.Mapped[str] = orm.mapped_column(sa.String(32), unique=True)
    uses_limit: orm.Mapped[int] = orm.mapped_column(sa.Integer)
    used_count: orm.Mapped[int] = orm.mapped_column(sa.Integer, default=0)
    operation_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("operation.id"))

    batch: orm.Mapped[PromoBatch] = orm.relationship(lazy="joined")


class PromoActivation(Numbered, Created, TenantOwned, Base):
    """A customer took a code: once per code, each with its own ledger entry.

    Never edited: ``reversed_at`` is told by the entry that took the money back. The code stays taken then, by him and
    in the counts, so that nobody gets it twice.
    """

    __tablename__ = "promo_activation"
    __table_args__ = (
        sa.UniqueConstraint("code_id", "customer_id"),
        sa.UniqueConstraint("ledger_entry_id"),
        sa.Index("ix_promo_activation_customer_id_created_at_id", "customer_id", "created_at", "id"),
    )

    code_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("promo_code.id"))
    code: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    amount: orm.Mapped[Decimal]
    ledger_entry_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("ledger_entry.id"))
    user_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("user.id"))
    reversed_at: orm.Mapped[datetime | None] = orm.column_property(
        sa.select(LedgerEntry.created_at).where(LedgerEntry.reverses_id == ledger_entry_id).scalar_subquery()
    )

    customer: orm.Mapped[Customer] = orm.relationship(viewonly=True)


class PromoAttempt(Numbered, Created, TenantOwned, Base):
    """A refused code; counted to stop guessing (AC-48). The typed text is not kept."""

    __tablename__ = "promo_attempt"
    __table_args__ = (sa.Index("ix_promo_attempt_customer_id_created_at", "customer_id", "created_at"),)

    reason: orm.Mapped[str] = orm.mapped_column(sa.String(32))
