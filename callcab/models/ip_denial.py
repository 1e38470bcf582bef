"""A refusal by the IP allow list («Доступ запрещен»)."""

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import INET

from callcab.db import Base, choice
from callcab.models.customer import Customer
from callcab.models.mixins import Created, Numbered
from callcab.scope import TenantOrStaff


class Door(StrEnum):
    CABINET = "cabinet"
    API = "api"
    ADMIN = "admin"


class IpDenial(Numbered, Created, TenantOrStaff, Base):
    """One row per refused request burst; ``mailed`` says that the owner got a letter for it (rule I6)."""

    __tablename__ = "ip_denial"
    __table_args__ = (
        sa.Index("ix_ip_denial_customer_id_created_at_id", "customer_id", "created_at", "id"),
        sa.Index("ix_ip_denial_created_at_id", "created_at", "id"),
    )

    user_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("user.id"))
    address: orm.Mapped[str] = orm.mapped_column(INET)
    door: orm.Mapped[Door] = choice(Door)
    agent: orm.Mapped[str]
    mailed: orm.Mapped[bool] = orm.mapped_column(default=False)

    customer: orm.Mapped[Customer | None] = orm.relationship(viewonly=True)
