"""A signed-in browser, kept on the server so that it can be ended at once (AC-22)."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import Base
from callcab.models.mixins import Created, Numbered
from callcab.scope import TenantOrStaff


class SessionRecord(Numbered, Created, TenantOrStaff, Base):
    """The cookie holds the token, the table only its SHA-256."""

    __tablename__ = "session_record"
    __table_args__ = (sa.Index("ix_session_record_user_id", "user_id"),)

    user_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("user.id"))
    token_hash: orm.Mapped[str] = orm.mapped_column(sa.String(64), unique=True)
    address: orm.Mapped[str]
    agent: orm.Mapped[str]
    last_seen_at: orm.Mapped[datetime]
    expires_at: orm.Mapped[datetime]
    revoked_at: orm.Mapped[datetime | None]
