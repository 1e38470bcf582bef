"""The tenant: a company that calls."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import Base, choice
from callcab.models.mixins import LABEL_WHOLE, Created, Labelled, Numbered, Versioned
from callcab.models.tariff import Tariff
from callcab.scope import TenantItself


class CustomerStatus(StrEnum):
    ACTIVE = "active"
    BLOCKED = "blocked"


class Customer(Numbered, Created, Versioned, Labelled, TenantItself, Base):
    """Balance and reserve move only through ``services.ledger``; the CHECK is the last wall (AC-52).

    ``operation_id`` is the load that alone wanted him: undone, he goes if nothing happened since.
    """

    __tablename__ = "customer"
    __table_args__ = (
        sa.CheckConstraint("(status = 'blocked') = (block_reason IS NOT NULL)", name="block_has_reason"),
        sa.CheckConstraint("reserved >= 0", name="reserved_not_negative"),
        sa.CheckConstraint("credit_limit >= 0", name="credit_limit_not_negative"),
        sa.CheckConstraint("lines > 0 AND calls_per_second > 0", name="call_limits"),
        sa.CheckConstraint("balance - reserved >= -credit_limit", name="within_credit_limit"),
        sa.CheckConstraint(LABEL_WHOLE, name="label_whole"),
        sa.CheckConstraint("char_length(label_text) <= 32", name="label_text_length"),
        sa.Index("ix_customer_created_at_id", "created_at", "id"),
        sa.Index(
            "ix_customer_operation_id_id", "operation_id", "id", postgresql_where=sa.text("operation_id IS NOT NULL")
        ),
        sa.Index("ix_customer_name_trgm", "name", postgresql_using="gin", postgresql_ops={"name": "gin_trgm_ops"}),
    )

    id: orm.Mapped[int] = orm.mapped_column(sa.BigInteger, sa.Identity(always=False), primary_key=True, sort_order=-2)
    name: orm.Mapped[str]
    inn: orm.Mapped[str | None] = orm.mapped_column(index=True)
    email: orm.Mapped[str]
    status: orm.Mapped[CustomerStatus] = choice(CustomerStatus, default=CustomerStatus.ACTIVE)
    block_reason: orm.Mapped[str | None]
    tariff_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("tariff.id"))
    balance: orm.Mapped[Decimal] = orm.mapped_column(default=Decimal("0"))
    reserved: orm.Mapped[Decimal] = orm.mapped_column(default=Decimal("0"))
    credit_limit: orm.Mapped[Decimal] = orm.mapped_column(default=Decimal("0"))
    # Most calls at once and most begun in a second; empty = as many as the platform allows.
    lines: orm.Mapped[int | None] = orm.mapped_column(sa.Integer)
    calls_per_second: orm.Mapped[int | None] = orm.mapped_column(sa.Integer)
    zone: orm.Mapped[str] = orm.mapped_column(default="Europe/Moscow")
    manager_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("user.id", use_alter=True), index=True)
    ip_open_until: orm.Mapped[datetime | None]
    last_login_at: orm.Mapped[datetime | None]
    operation_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("operation.id", use_alter=True))

    tariff: orm.Mapped[Tariff] = orm.relationship(lazy="joined")
    # Filled by the list of customers only; None elsewhere.
    numbers_count: orm.Mapped[int | None] = orm.query_expression()

    @property
    def available(self) -> Decimal:
        """What may still be spent, the credit limit included."""
        return self.balance - self.reserved + self.credit_limit
