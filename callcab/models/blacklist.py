"""Numbers that must not be called: a customer's own list, and the platform's."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import Base, choice
from callcab.models.customer import Customer
from callcab.models.mixins import TURNED_RIGHT, Created, Numbered, PhoneReversed
from callcab.models.user import User
from callcab.scope import TenantOrStaff


class BlacklistSource(StrEnum):
    """How a number came in; ``operator``: its subscriber refused mass calls at his operator (domain.md C2), which no
    code of the line tells us: somebody writes it down or imports the operator's list."""

    HAND = "hand"
    CLIPBOARD = "clipboard"
    FILE = "file"
    IVR = "ivr"
    API = "api"
    OPERATOR = "operator"


class BlacklistEntry(Numbered, Created, PhoneReversed, TenantOrStaff, Base):
    """``customer_id`` empty = the platform's list. ``phone`` is the number as digits with the country code (79…).

    ``author_name`` stays empty for support's entries in a customer's list: he is told that it was support, not who.
    ``call_id`` or ``inbound_call_id`` is the call in which the person asked for it himself. ``operation_id`` is the
    operation that alone wanted the entry: empty as soon as the number was added once more.

    The rows that it refers to are looked up by triggers, once per statement (``callcab.policies.refer``): a foreign key
    would look at each row, which took a quarter of an import's time.
    """

    __tablename__ = "blacklist_entry"
    __table_args__ = (
        sa.UniqueConstraint("customer_id", "phone", postgresql_nulls_not_distinct=True),
        sa.Index("ix_blacklist_entry_customer_id_created_at_id", "customer_id", "created_at", "id"),
        sa.Index("ix_blacklist_entry_customer_id_source_created_at_id", "customer_id", "source", "created_at", "id"),
        sa.Index("ix_blacklist_entry_created_at_id", "created_at", "id"),
        sa.Index("ix_blacklist_entry_phone", "phone"),
        sa.Index("ix_blacklist_entry_segment_phone_reversed", sa.text("(id >> 22)"), "phone_reversed"),
        sa.Index("ix_blacklist_entry_customer_id_phone_reversed", "customer_id", "phone_reversed"),
        sa.CheckConstraint(TURNED_RIGHT, name="turned_right"),
        sa.Index(
            "ix_blacklist_entry_operation_id_id",
            "operation_id",
            "id",
            postgresql_where=sa.text("operation_id IS NOT NULL"),
        ),
    )

    @orm.declared_attr
    def customer_id(cls) -> orm.Mapped[int | None]:
        return orm.mapped_column(nullable=True)

    phone: orm.Mapped[int]
    source: orm.Mapped[BlacklistSource] = choice(BlacklistSource)
    reason: orm.Mapped[str] = orm.mapped_column(default="")
    author_id: orm.Mapped[int | None]
    author_name: orm.Mapped[str] = orm.mapped_column(default="")
    operation_id: orm.Mapped[int | None]
    call_id: orm.Mapped[int | None]
    inbound_call_id: orm.Mapped[int | None]
    expires_at: orm.Mapped[datetime | None]

    customer: orm.Mapped[Customer | None] = orm.relationship(
        primaryjoin=lambda: orm.foreign(BlacklistEntry.customer_id) == Customer.id, viewonly=True
    )
    author: orm.Mapped[User | None] = orm.relationship(
        primaryjoin=lambda: orm.foreign(BlacklistEntry.author_id) == User.id, viewonly=True
    )

    @staticmethod
    def segment_of(row: Any) -> sa.ColumnElement[int]:
        """The segment that a row (the class or an alias of it) lies in: four million ids that follow each other.

        Reversed numbers are kept segment by segment for support: what is added goes to the last one, however long the
        table is (docs/adr/0020-segments.md). Written as in the index, or PostgreSQL would not see that it is the same.
        """
        segment: sa.ColumnElement[int] = row.id.bitwise_rshift(sa.literal_column("22", sa.Integer))
        return segment
