"""Somebody whom the robot called wants to be called by a person («заявка на звонок»)."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import Base, choice
from callcab.models.campaign import Campaign
from callcab.models.customer import Customer
from callcab.models.mixins import Created, Numbered
from callcab.scope import TenantOwned


class CallbackState(StrEnum):
    NEW = "new"
    DONE = "done"


class CallbackRequest(Numbered, Created, TenantOwned, Base):
    """One for a call, ours or incoming, however often the digit is pressed. ``done_name`` is who called back, as he was
    called then."""

    __tablename__ = "callback_request"
    __table_args__ = (
        sa.UniqueConstraint("call_id"),
        sa.UniqueConstraint("inbound_call_id"),
        sa.CheckConstraint("(call_id IS NULL) <> (inbound_call_id IS NULL)", name="one_call"),
        sa.CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name="done_has_time"),
        sa.Index("ix_callback_request_customer_id_created_at_id", "customer_id", "created_at", "id"),
        sa.Index("ix_callback_request_created_at_id", "created_at", "id"),
        sa.Index("ix_callback_request_campaign_id", "campaign_id"),
        sa.Index("ix_callback_request_phone", "phone"),
    )

    campaign_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("campaign.id"))
    call_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("call.id"))
    inbound_call_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("inbound_call.id"))
    phone: orm.Mapped[int]
    state: orm.Mapped[CallbackState] = choice(CallbackState, default=CallbackState.NEW)
    done_at: orm.Mapped[datetime | None]
    done_by: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("user.id"))
    done_name: orm.Mapped[str] = orm.mapped_column(default="")

    campaign: orm.Mapped[Campaign] = orm.relationship(viewonly=True)
    customer: orm.Mapped[Customer] = orm.relationship(viewonly=True)
