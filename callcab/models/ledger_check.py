"""A check of the ledger: does every balance equal its entries? Asked for, carried out by a job, kept."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import JSONB

from callcab.db import Base
from callcab.models.mixins import Created, Numbered


class LedgerCheck(Numbered, Created, Base):
    """``created_at`` is when it was asked for; the row is its own outbox. ``wrong`` holds the first few customers."""

    __tablename__ = "ledger_check"
    __table_args__ = (sa.CheckConstraint("wrong_count >= 0", name="wrong_count"),)

    finished_at: orm.Mapped[datetime | None]
    customers: orm.Mapped[int] = orm.mapped_column(default=0)
    wrong_count: orm.Mapped[int] = orm.mapped_column(default=0)
    wrong: orm.Mapped[list[dict[str, Any]]] = orm.mapped_column(JSONB, default=list)
    created_by: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("user.id"))
