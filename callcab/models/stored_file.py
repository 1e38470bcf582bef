"""A file that somebody may fetch: export, import, invoice PDF."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import Base
from callcab.models.mixins import Created, Numbered
from callcab.scope import TenantOrStaff


class StoredFile(Numbered, Created, TenantOrStaff, Base):
    """``key`` is the random name in the storage (160 bits); the bytes live there until ``expires_at``."""

    __tablename__ = "stored_file"
    __table_args__ = (
        sa.Index("ix_stored_file_customer_id", "customer_id"),
        sa.Index("ix_stored_file_expires_at", "expires_at"),
    )

    key: orm.Mapped[str] = orm.mapped_column(sa.String(64), unique=True)
    name: orm.Mapped[str]
    content_type: orm.Mapped[str] = orm.mapped_column(sa.String(100))
    size: orm.Mapped[int]
    sha256: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    expires_at: orm.Mapped[datetime | None]
    created_by: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("user.id"))
    downloads: orm.Mapped[int] = orm.mapped_column(sa.Integer, default=0)
