"""A person who signs in: of one customer, or of the support team (no customer)."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import JSONB

from callcab.db import Base, choice
from callcab.models.mixins import Created, Numbered, Versioned
from callcab.scope import TenantOrStaff


class UserStatus(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"


class User(Numbered, Created, Versioned, TenantOrStaff, Base):
    """``email`` is stored in lower case and unique over all customers; ``role`` decides by its side (CHECK).

    ``list_settings`` is how the person wants lists drawn: name of a list -> ``{"hidden": [column, …], "dense": bool}``.
    """

    __tablename__ = "user"
    __table_args__ = (
        sa.CheckConstraint(
            "(customer_id IS NULL AND role IN ('agent', 'lead', 'admin')) OR (customer_id IS NOT NULL"
            " AND role IN ('owner', 'manager', 'accountant', 'operator', 'viewer'))",
            name="role_fits_side",
        ),
        sa.CheckConstraint("email = lower(email)", name="email_lower"),
        sa.Index("ix_user_customer_id", "customer_id"),
    )

    email: orm.Mapped[str] = orm.mapped_column(unique=True)
    name: orm.Mapped[str]
    role: orm.Mapped[str] = orm.mapped_column(sa.String(16))
    status: orm.Mapped[UserStatus] = choice(UserStatus, default=UserStatus.ACTIVE)
    password_hash: orm.Mapped[str]
    password_changed_at: orm.Mapped[datetime | None]
    totp_secret: orm.Mapped[str | None]
    totp_last_step: orm.Mapped[int | None]
    language: orm.Mapped[str] = orm.mapped_column(sa.String(2), default="ru")
    list_settings: orm.Mapped[dict[str, Any]] = orm.mapped_column(JSONB, default=dict, server_default=sa.text("'{}'"))

    @property
    def is_staff(self) -> bool:
        return self.customer_id is None
