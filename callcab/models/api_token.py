"""A key of a customer's program."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import ARRAY

from callcab.db import Base
from callcab.models.mixins import Created, Numbered
from callcab.scope import TenantOwned


class ApiToken(Numbered, Created, TenantOwned, Base):
    """Shown once; only the prefix (to recognise it) and the SHA-256 are kept."""

    __tablename__ = "api_token"
    __table_args__ = (sa.Index("ix_api_token_customer_id_created_at_id", "customer_id", "created_at", "id"),)

    name: orm.Mapped[str]
    prefix: orm.Mapped[str] = orm.mapped_column(sa.String(12))
    token_hash: orm.Mapped[str] = orm.mapped_column(sa.String(64), unique=True)
    scopes: orm.Mapped[list[str]] = orm.mapped_column(ARRAY(sa.Text))
    created_by: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("user.id"))
    expires_at: orm.Mapped[datetime | None]
    last_used_at: orm.Mapped[datetime | None]
    revoked_at: orm.Mapped[datetime | None]
