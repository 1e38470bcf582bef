"""Invoice for payment («счёт на оплату»): a frozen document."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import JSONB

from callcab.db import Base, Rate, choice
from callcab.models.customer import Customer
from callcab.models.mixins import Created, Numbered
from callcab.models.seller import VatMode
from callcab.scope import TenantOwned


class InvoiceState(StrEnum):
    ISSUED = "issued"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    OVERDUE = "overdue"
    CANCELLED = "cancelled"


class Invoice(Numbered, Created, TenantOwned, Base):
    """Seller and buyer are copies of the day of issue; only state, ``paid_total`` and ``sent_at`` ever change.

    ``issued_on`` and ``due_on`` are days in Moscow, the operator's zone; ``request_key`` makes a doubled form one.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        sa.UniqueConstraint("seller_id", "year", "number"),
        sa.UniqueConstraint("customer_id", "request_key"),
        sa.CheckConstraint("total > 0", name="total_positive"),
        sa.CheckConstraint("paid_total >= 0", name="paid_not_negative"),
        sa.CheckConstraint("(state = 'cancelled') = (cancel_reason IS NOT NULL)", name="cancelled_has_reason"),
        sa.CheckConstraint("(state = 'cancelled') = (cancelled_at IS NOT NULL)", name="cancelled_has_time"),
        sa.CheckConstraint("state <> 'paid' OR paid_total >= total", name="paid_in_full"),
        sa.Index("ix_invoice_customer_id_created_at_id", "customer_id", "created_at", "id"),
        sa.Index("ix_invoice_created_at_id", "created_at", "id"),
        sa.Index("ix_invoice_buyer_inn", "buyer_inn"),
        sa.Index("ix_invoice_number", "number"),
        sa.Index("ix_invoice_total_id", "total", "id"),
        sa.Index("ix_invoice_state_created_at_id", "state", "created_at", "id"),
        sa.Index(
            "ix_invoice_buyer_name_trgm",
            sa.literal_column("(buyer ->> 'name')").label("buyer_name"),
            postgresql_using="gin",
            postgresql_ops={"buyer_name": "gin_trgm_ops"},
        ),
    )

    seller_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("seller.id"))
    year: orm.Mapped[int] = orm.mapped_column(sa.Integer)
    number: orm.Mapped[int]
    issued_on: orm.Mapped[date]
    due_on: orm.Mapped[date]
    seller: orm.Mapped[dict[str, Any]] = orm.mapped_column(JSONB)
    buyer: orm.Mapped[dict[str, Any]] = orm.mapped_column(JSONB)
    buyer_inn: orm.Mapped[str] = orm.mapped_column(sa.String(12))
    basis: orm.Mapped[str] = orm.mapped_column(default="")
    vat_mode: orm.Mapped[VatMode] = choice(VatMode)
    total: orm.Mapped[Decimal]
    vat_total: orm.Mapped[Decimal]
    paid_total: orm.Mapped[Decimal] = orm.mapped_column(default=Decimal("0"))
    paid_at: orm.Mapped[datetime | None]
    sent_at: orm.Mapped[datetime | None]
    state: orm.Mapped[InvoiceState] = choice(InvoiceState, default=InvoiceState.ISSUED)
    cancelled_at: orm.Mapped[datetime | None]
    cancel_reason: orm.Mapped[str | None]
    request_key: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    created_by: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("user.id"))

    customer: orm.Mapped[Customer] = orm.relationship(viewonly=True)
    lines: orm.Mapped[list["InvoiceLine"]] = orm.relationship(order_by="InvoiceLine.position", lazy="selectin")


class InvoiceLine(Numbered, TenantOwned, Base):
    """One service of an invoice; the rate stays as it was on the day of issue (rule F10)."""

    __tablename__ = "invoice_line"
    __table_args__ = (
        sa.UniqueConstraint("invoice_id", "position"),
        sa.CheckConstraint("quantity > 0 AND price >= 0", name="amounts"),
        sa.Index("ix_invoice_line_customer_id", "customer_id"),
    )

    invoice_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("invoice.id"))
    position: orm.Mapped[int] = orm.mapped_column(sa.Integer)
    name: orm.Mapped[str]
    quantity: orm.Mapped[Decimal] = orm.mapped_column(Rate())
    unit: orm.Mapped[str] = orm.mapped_column(default="усл.")
    price: orm.Mapped[Decimal]
    total: orm.Mapped[Decimal]
    vat_rate: orm.Mapped[Decimal | None] = orm.mapped_column(Rate())
    vat: orm.Mapped[Decimal] = orm.mapped_column(default=Decimal("0"))
