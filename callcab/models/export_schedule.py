"""Files that come by themselves: a saved view written out daily, weekly or monthly."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import JSONB

from callcab.db import Base, choice
from callcab.models.customer import Customer
from callcab.models.mixins import Created, Numbered
from callcab.models.operation import Operation
from callcab.models.saved_view import SavedView
from callcab.models.user import User
from callcab.scope import TenantOrStaff


class Period(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class ExportSchedule(Numbered, Created, TenantOrStaff, Base):
    """``day`` is a day of the week from 1 (Monday), or of the month (a shorter month: its last one); ``hour`` is of the
    customer's zone. ``owner_id`` gets the letters, and the file holds what he may see. ``params`` go to the operation.

    ``stopped`` is the code of the refusal for which the timetable paused it; empty when a person did.
    """

    __tablename__ = "export_schedule"
    __table_args__ = (
        sa.CheckConstraint("hour BETWEEN 0 AND 23", name="hour"),
        sa.CheckConstraint(
            "CASE period WHEN 'daily' THEN day IS NULL WHEN 'weekly' THEN day BETWEEN 1 AND 7"
            " ELSE day BETWEEN 1 AND 31 END AND (period = 'daily' OR day IS NOT NULL)",
            name="day_fits_period",
        ),
        sa.Index("ix_export_schedule_customer_id_created_at_id", "customer_id", "created_at", "id"),
        sa.Index("ix_export_schedule_saved_view_id", "saved_view_id"),
        sa.Index("ix_export_schedule_due", "next_at", postgresql_where=sa.text("NOT paused")),
    )

    saved_view_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("saved_view.id", ondelete="CASCADE"))
    owner_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("user.id"))
    period: orm.Mapped[Period] = choice(Period)
    day: orm.Mapped[int | None] = orm.mapped_column(sa.SmallInteger)
    hour: orm.Mapped[int] = orm.mapped_column(sa.SmallInteger)
    params: orm.Mapped[dict[str, Any]] = orm.mapped_column(JSONB)
    only_new: orm.Mapped[bool] = orm.mapped_column(default=False)
    paused: orm.Mapped[bool] = orm.mapped_column(default=False)
    stopped: orm.Mapped[str] = orm.mapped_column(sa.String(64), default="")
    next_at: orm.Mapped[datetime]
    last_operation_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("operation.id", ondelete="SET NULL"))

    customer: orm.Mapped[Customer | None] = orm.relationship(viewonly=True)
    owner: orm.Mapped[User] = orm.relationship(viewonly=True)
    view: orm.Mapped[SavedView] = orm.relationship(viewonly=True)
    last_operation: orm.Mapped[Operation | None] = orm.relationship(viewonly=True)
