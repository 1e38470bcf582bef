"""A movement of money that people speak of («платёж»); the ledger entry beside it is what counts."""

from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import Base, choice
from callcab.models.customer import Customer
from callcab.models.ledger import LedgerEntry
from callcab.models.mixins import Created, Numbered
from callcab.scope import TenantOwned


class PaymentKind(StrEnum):
    CREDIT = "credit"
    DEBIT = "debit"
    REFUND = "refund"
    ADJUSTMENT = "adjustment"


class PaymentMethod(StrEnum):
    CARD = "card"
    SBP = "sbp"
    INVOICE = "invoice"
    PROMO = "promo"
    MANUAL = "manual"


class Payment(Numbered, Created, TenantOwned, Base):
    """``amount`` is signed as it moved the balance. Never edited or deleted: ``reverses_id`` undoes another, once.

    ``kopecks`` is the amount again, written by the database (``callcab.policies.count_kopecks``): under row-level
    security no comparison of NUMERIC may look into an index, for it is not leakproof.
    """

    __tablename__ = "payment"
    __table_args__ = (
        sa.UniqueConstraint("external_id"),
        sa.UniqueConstraint("reverses_id"),
        sa.UniqueConstraint("ledger_entry_id"),
        sa.CheckConstraint("amount <> 0", name="amount_not_zero"),
        sa.CheckConstraint("kind <> 'credit' OR amount > 0 OR reverses_id IS NOT NULL", name="credit_positive"),
        sa.CheckConstraint("kind NOT IN ('debit', 'refund') OR amount < 0", name="debit_negative"),
        sa.CheckConstraint("kind <> 'adjustment' OR reason <> ''", name="adjustment_has_reason"),
        sa.Index("ix_payment_customer_id_created_at_id", "customer_id", "created_at", "id"),
        sa.Index("ix_payment_customer_id_kopecks_id", "customer_id", "kopecks", "id"),
        sa.Index("ix_payment_created_at_id", "created_at", "id"),
        sa.Index("ix_payment_kopecks_id", "kopecks", "id"),
    )

    kind: orm.Mapped[PaymentKind] = choice(PaymentKind)
    method: orm.Mapped[PaymentMethod] = choice(PaymentMethod)
    amount: orm.Mapped[Decimal]
    kopecks: orm.Mapped[int] = orm.mapped_column(server_default=sa.FetchedValue(), server_onupdate=sa.FetchedValue())
    tariff_name: orm.Mapped[str]
    receipt_url: orm.Mapped[str | None]
    reason: orm.Mapped[str] = orm.mapped_column(default="")
    invoice_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("invoice.id"), index=True)
    reverses_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("payment.id"))
    ledger_entry_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("ledger_entry.id"))
    external_id: orm.Mapped[str | None]
    created_by: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("user.id"))
    is_reversed: orm.Mapped[bool] = orm.column_property(
        # The condition that is always true lets PostgreSQL read the few reversals instead of all entries.
        sa.exists().where(LedgerEntry.reverses_id == ledger_entry_id, LedgerEntry.reverses_id.is_not(None))
    )

    customer: orm.Mapped[Customer] = orm.relationship(viewonly=True)
