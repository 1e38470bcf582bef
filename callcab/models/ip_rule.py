"""IP allow list entry («белый список IP») of a customer, or of the support team."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import CIDR

from callcab.db import Base
from callcab.models.customer import Customer
from callcab.models.mixins import Created, Numbered
from callcab.scope import TenantOrStaff


class IpRule(Numbered, Created, TenantOrStaff, Base):
    """``network`` in canonical form (rule I1); unique per customer by the index (rule I4)."""

    __tablename__ = "ip_rule"
    __table_args__ = (
        sa.UniqueConstraint("customer_id", "network", postgresql_nulls_not_distinct=True),
        sa.Index("ix_ip_rule_customer_id_created_at_id", "customer_id", "created_at", "id"),
        sa.Index("ix_ip_rule_created_at_id", "created_at", "id"),
    )

    network: orm.Mapped[str] = orm.mapped_column(CIDR)
    note: orm.Mapped[str] = orm.mapped_column(default="")
    created_by: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("user.id"))
    last_used_at: orm.Mapped[datetime | None]

    customer: orm.Mapped[Customer | None] = orm.relationship(viewonly=True)
