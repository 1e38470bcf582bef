"""A customer's lists of people to call («Список контактов»), kept apart from the campaigns that call them."""

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import JSONB

from callcab.db import Base
from callcab.models.customer import Customer
from callcab.models.mixins import Created, Numbered, Versioned
from callcab.scope import TenantOwned


class ContactList(Numbered, Created, Versioned, TenantOwned, Base):
    """``consent_source`` and ``consent_on`` are how and when these people agreed to be called (rule C1), both or none.

    ``variables`` are the names of the entries' values in the order they came in, ``entries`` the number of entries.
    """

    __tablename__ = "contact_list"
    __table_args__ = (
        sa.CheckConstraint("(consent_source = '') = (consent_on IS NULL)", name="consent_is_whole"),
        sa.CheckConstraint("entries >= 0", name="entries_not_negative"),
        sa.Index("ix_contact_list_customer_id_created_at_id", "customer_id", "created_at", "id"),
        sa.Index("ix_contact_list_created_at_id", "created_at", "id"),
    )

    name: orm.Mapped[str]
    consent_source: orm.Mapped[str] = orm.mapped_column(default="")
    consent_on: orm.Mapped[date | None]
    variables: orm.Mapped[list[str]] = orm.mapped_column(JSONB, default=list)
    entries: orm.Mapped[int] = orm.mapped_column(default=0)
    created_by: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("user.id"))

    customer: orm.Mapped[Customer] = orm.relationship(viewonly=True)

    @property
    def has_consent(self) -> bool:
        return self.consent_on is not None


class ListEntry(Numbered, Created, TenantOwned, Base):
    """A person on a list: the number as digits with the country code (79…), and values by the names of variables.

    ``operation_id`` is the operation that alone wanted the entry: empty as soon as the number was added once more.
    """

    __tablename__ = "list_entry"
    __table_args__ = (
        sa.UniqueConstraint("contact_list_id", "phone"),
        sa.Index("ix_list_entry_contact_list_id_created_at_id", "contact_list_id", "created_at", "id"),
        sa.Index("ix_list_entry_customer_id_created_at_id", "customer_id", "created_at", "id"),
        sa.Index(
            "ix_list_entry_operation_id_id", "operation_id", "id", postgresql_where=sa.text("operation_id IS NOT NULL")
        ),
    )

    contact_list_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("contact_list.id", ondelete="CASCADE"))
    phone: orm.Mapped[int]
    variables: orm.Mapped[dict[str, Any]] = orm.mapped_column(JSONB, default=dict)
    operation_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("operation.id"))

    contact_list: orm.Mapped[ContactList] = orm.relationship(viewonly=True)
