"""The operator's own requisites: who invoices."""

from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import Base, Rate, choice
from callcab.models.mixins import Created, Numbered, Versioned


class VatMode(StrEnum):
    NONE = "none"
    INSIDE = "inside"
    ON_TOP = "on_top"


class Seller(Numbered, Created, Versioned, Base):
    """Frozen into each invoice; a later change shows on new invoices only (rule F12)."""

    __tablename__ = "seller"
    __table_args__ = (
        sa.CheckConstraint("(vat_mode = 'none') = (vat_rate IS NULL)", name="vat_rate_with_mode"),
        sa.CheckConstraint("vat_rate IN (0, 5, 7, 10, 20, 22)", name="vat_rate_known"),
        sa.Index("uq_seller_default", "is_default", unique=True, postgresql_where=sa.text("is_default")),
    )

    name: orm.Mapped[str]
    inn: orm.Mapped[str] = orm.mapped_column(sa.String(12), unique=True)
    kpp: orm.Mapped[str] = orm.mapped_column(sa.String(9), default="")
    ogrn: orm.Mapped[str] = orm.mapped_column(sa.String(15), default="")
    address: orm.Mapped[str]
    bank_name: orm.Mapped[str]
    bik: orm.Mapped[str] = orm.mapped_column(sa.String(9))
    corr_account: orm.Mapped[str] = orm.mapped_column(sa.String(20))
    account: orm.Mapped[str] = orm.mapped_column(sa.String(20))
    head: orm.Mapped[str]
    accountant: orm.Mapped[str]
    vat_mode: orm.Mapped[VatMode] = choice(VatMode)
    vat_rate: orm.Mapped[Decimal | None] = orm.mapped_column(Rate())
    service_name: orm.Mapped[str]
    due_days: orm.Mapped[int] = orm.mapped_column(sa.Integer, default=5)
    attention: orm.Mapped[str] = orm.mapped_column(default="")
    is_default: orm.Mapped[bool] = orm.mapped_column(default=False)


class InvoiceCounter(Base):
    """Last number given per seller and year; the locked row makes numbers gap-free (rule F12)."""

    __tablename__ = "invoice_counter"

    seller_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("seller.id"), primary_key=True)
    year: orm.Mapped[int] = orm.mapped_column(sa.Integer, primary_key=True)
    last_number: orm.Mapped[int] = orm.mapped_column(default=0)
