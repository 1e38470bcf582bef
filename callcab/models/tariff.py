"""Price plan of a customer."""

from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import Base, Rate
from callcab.models.mixins import Created, Numbered, Versioned


class Tariff(Numbered, Created, Versioned, Base):
    """What calls and numbers cost; seconds are billed by started intervals (first, then step)."""

    __tablename__ = "tariff"
    __table_args__ = (
        sa.CheckConstraint("first_seconds > 0 AND step_seconds > 0", name="intervals"),
        sa.CheckConstraint("minute_price >= 0 AND rental_day_price >= 0", name="prices"),
    )

    name: orm.Mapped[str] = orm.mapped_column(unique=True)
    first_seconds: orm.Mapped[int] = orm.mapped_column(sa.Integer, default=60)
    step_seconds: orm.Mapped[int] = orm.mapped_column(sa.Integer, default=6)
    minute_price: orm.Mapped[Decimal] = orm.mapped_column(Rate())
    rental_day_price: orm.Mapped[Decimal] = orm.mapped_column(Rate(), default=Decimal("0"))
    # A campaign prefers a shared number of the region that most of its callees live in.
    match_region: orm.Mapped[bool] = orm.mapped_column(default=False, server_default=sa.false())
    is_default: orm.Mapped[bool] = orm.mapped_column(default=False)
