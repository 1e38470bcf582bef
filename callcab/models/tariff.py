"""Price plan of a customer."""

from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import Base, Rate
from callcab.models.mixins import Created, Numbered, Versioned


class Tariff(Numbered, Created, Versioned, Base):
    """What calls and numbers cost; seconds are billed by started intervals (first, then step).

    ``minute_price`` is that of shared numbers; the other kinds have it too unless they have a price of their own.
    ``attempt_price`` is for a call that reached a telephone but nobody, ``machine_price`` for one to a machine.
    """

    __tablename__ = "tariff"
    __table_args__ = (
        sa.CheckConstraint("first_seconds > 0 AND step_seconds > 0", name="intervals"),
        sa.CheckConstraint("minute_price >= 0 AND rental_day_price >= 0", name="prices"),
        sa.CheckConstraint("attempt_price >= 0 AND machine_price >= 0", name="outcome_prices"),
        sa.CheckConstraint(
            "duty_minute_price >= 0 AND personal_minute_price >= 0 AND rented_minute_price >= 0", name="kind_prices"
        ),
    )

    name: orm.Mapped[str] = orm.mapped_column(unique=True)
    first_seconds: orm.Mapped[int] = orm.mapped_column(sa.Integer, default=60)
    step_seconds: orm.Mapped[int] = orm.mapped_column(sa.Integer, default=6)
    minute_price: orm.Mapped[Decimal] = orm.mapped_column(Rate())
    duty_minute_price: orm.Mapped[Decimal | None] = orm.mapped_column(Rate())
    personal_minute_price: orm.Mapped[Decimal | None] = orm.mapped_column(Rate())
    rented_minute_price: orm.Mapped[Decimal | None] = orm.mapped_column(Rate())
    attempt_price: orm.Mapped[Decimal] = orm.mapped_column(Rate(), default=Decimal("0"))
    machine_price: orm.Mapped[Decimal] = orm.mapped_column(Rate(), default=Decimal("0"))
    rental_day_price: orm.Mapped[Decimal] = orm.mapped_column(Rate(), default=Decimal("0"))
    # A campaign prefers a shared number of the region that most of its callees live in.
    match_region: orm.Mapped[bool] = orm.mapped_column(default=False, server_default=sa.false())
    is_default: orm.Mapped[bool] = orm.mapped_column(default=False)
