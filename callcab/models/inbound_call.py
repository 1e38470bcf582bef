"""Somebody called one of our numbers: what was decided, what was done, how it ended."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import Base, choice
from callcab.models.call import Outcome
from callcab.models.campaign import Campaign
from callcab.models.customer import Customer
from callcab.models.mixins import Created, Numbered
from callcab.scope import TenantOrStaff


class InboundAction(StrEnum):
    """What the provider was told to do."""

    CONNECT = "connect"
    MENU = "menu"
    REFUSE = "refuse"


class InboundCall(Numbered, Created, TenantOrStaff, Base):
    """One incoming call. Its customer is the one whose number or campaign was reached; nobody's: only support sees it.

    ``phone``     who calls; empty when hidden or no Russian number
    ``to_phone``  our number as it was dialled; empty when the line told none that can be read
    ``code``      which rule decided (services.inbound_call)
    """

    __tablename__ = "inbound_call"
    __table_args__ = (
        sa.CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="ended_has_outcome"),
        sa.CheckConstraint("action <> 'refuse' OR ended_at IS NOT NULL", name="refused_is_over"),
        sa.CheckConstraint("(action = 'menu') <= (campaign_id IS NOT NULL)", name="menu_has_campaign"),
        sa.Index("ix_inbound_call_customer_id_created_at_id", "customer_id", "created_at", "id"),
        sa.Index("ix_inbound_call_created_at_id", "created_at", "id"),
        sa.Index("ix_inbound_call_phone", "phone"),
        sa.Index("ix_inbound_call_to_phone", "to_phone"),
        sa.Index("ix_inbound_call_campaign_id", "campaign_id"),
        sa.Index("ix_inbound_call_number_id", "number_id"),
        sa.Index("ix_inbound_call_open_deadline_at", "deadline_at", postgresql_where=sa.text("ended_at IS NULL")),
    )

    provider_ref: orm.Mapped[str] = orm.mapped_column(sa.String(64), unique=True)
    phone: orm.Mapped[int | None]
    to_phone: orm.Mapped[int | None]
    number_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("phone_number.id", ondelete="SET NULL"))
    campaign_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("campaign.id"))
    action: orm.Mapped[InboundAction] = choice(InboundAction)
    code: orm.Mapped[str] = orm.mapped_column(sa.String(48))
    outcome: orm.Mapped[Outcome | None] = choice(Outcome)
    digits: orm.Mapped[str] = orm.mapped_column(sa.String(32), default="")
    answered_at: orm.Mapped[datetime | None]
    ended_at: orm.Mapped[datetime | None]
    deadline_at: orm.Mapped[datetime]
    seconds: orm.Mapped[int] = orm.mapped_column(sa.Integer, default=0)

    customer: orm.Mapped[Customer | None] = orm.relationship(viewonly=True)
    campaign: orm.Mapped[Campaign | None] = orm.relationship(viewonly=True)
