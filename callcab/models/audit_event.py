"""Who changed what: every write by support, and the customer's own money, access and deletion actions."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import JSONB

from callcab.db import Base
from callcab.models.customer import Customer
from callcab.models.mixins import Created, Numbered
from callcab.scope import TenantOrStaff


class AuditEvent(Numbered, Created, TenantOrStaff, Base):
    """Only inserted (AC-60). ``customer_id`` is the customer concerned, who can read the row; no foreign key, for the
    log outlives him when the load that made him is undone.

    ``actor_name`` is a copy: the log stays readable when the person is gone.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        sa.Index("ix_audit_event_customer_id_created_at_id", "customer_id", "created_at", "id"),
        sa.Index("ix_audit_event_created_at_id", "created_at", "id"),
        sa.Index("ix_audit_event_object", "object_type", "object_id"),
    )

    customer_id: orm.Mapped[int | None] = orm.mapped_column()
    actor_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("user.id"))
    actor_name: orm.Mapped[str]
    actor_role: orm.Mapped[str] = orm.mapped_column(sa.String(16))
    action: orm.Mapped[str] = orm.mapped_column(sa.String(48))
    object_type: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    object_id: orm.Mapped[int | None]
    before: orm.Mapped[dict[str, Any] | None] = orm.mapped_column(JSONB)
    after: orm.Mapped[dict[str, Any] | None] = orm.mapped_column(JSONB)
    reason: orm.Mapped[str] = orm.mapped_column(default="")
    address: orm.Mapped[str] = orm.mapped_column(default="")
    request_id: orm.Mapped[str] = orm.mapped_column(sa.String(36), default="")

    customer: orm.Mapped[Customer | None] = orm.relationship(
        viewonly=True, primaryjoin=lambda: orm.foreign(AuditEvent.customer_id) == Customer.id
    )
