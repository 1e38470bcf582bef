"""The ledger: append-only transfers between a customer's account and one of ours, and reservations before a call."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import Base, choice
from callcab.models.customer import Customer
from callcab.models.mixins import Created, Numbered
from callcab.scope import TenantOwned


class Account(StrEnum):
    """The other side of an entry."""

    BANK = "bank"
    PROMO = "promo"
    REVENUE = "revenue"
    CORRECTION = "correction"


class EntryKind(StrEnum):
    PAYMENT = "payment"
    PROMO = "promo"
    CALL = "call"
    RENTAL = "rental"
    CORRECTION = "correction"
    REVERSAL = "reversal"


class LedgerEntry(Numbered, Created, TenantOwned, Base):
    """One transfer: ``amount`` to the customer, ``-amount`` to ``account``; so every entry sums to zero by itself.

    Only inserted: the application's roles hold no UPDATE or DELETE on this table (AC-60).
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (
        sa.UniqueConstraint("idempotency_key"),
        # Few entries are reversals: so it stays small, and is cheap to write.
        sa.Index(
            "ix_ledger_entry_reverses_id",
            "reverses_id",
            unique=True,
            postgresql_where=sa.text("reverses_id IS NOT NULL"),
        ),
        sa.CheckConstraint("amount <> 0", name="amount_not_zero"),
        sa.CheckConstraint("(kind = 'reversal') = (reverses_id IS NOT NULL)", name="reversal_names_entry"),
        sa.Index("ix_ledger_entry_customer_id_id", "customer_id", "id"),
        sa.Index("ix_ledger_entry_customer_id_created_at", "customer_id", "created_at"),
        sa.Index("ix_ledger_entry_cause", "cause", "cause_id"),
    )

    kind: orm.Mapped[EntryKind] = choice(EntryKind)
    account: orm.Mapped[Account] = choice(Account)
    amount: orm.Mapped[Decimal]
    balance_after: orm.Mapped[Decimal]
    idempotency_key: orm.Mapped[str]
    cause: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    cause_id: orm.Mapped[int | None]
    reverses_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("ledger_entry.id"))

    customer: orm.Mapped[Customer] = orm.relationship(viewonly=True)


class ReservationState(StrEnum):
    OPEN = "open"
    SETTLED = "settled"
    RELEASED = "released"


class Reservation(Numbered, Created, TenantOwned, Base):
    """Money held for a call that is about to be dialled; settled with its price or released, once."""

    __tablename__ = "reservation"
    __table_args__ = (
        sa.UniqueConstraint("idempotency_key"),
        sa.CheckConstraint("amount >= 0", name="amount_not_negative"),
        sa.CheckConstraint("settled_amount >= 0 AND settled_amount <= amount", name="settled_within"),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed_has_time"),
        sa.Index("ix_reservation_customer_id_created_at_id", "customer_id", "created_at", "id"),
        sa.Index(
            "ix_reservation_open_expires_at",
            "expires_at",
            postgresql_where=sa.text("state = 'open'"),
        ),
    )

    amount: orm.Mapped[Decimal]
    settled_amount: orm.Mapped[Decimal] = orm.mapped_column(default=Decimal("0"))
    state: orm.Mapped[ReservationState] = choice(ReservationState, default=ReservationState.OPEN)
    idempotency_key: orm.Mapped[str]
    cause: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    cause_id: orm.Mapped[int | None]
    expires_at: orm.Mapped[datetime]
    closed_at: orm.Mapped[datetime | None]
