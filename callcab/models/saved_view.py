"""Views of lists that people keep: a search with filters and an order under a name."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import JSONB

from callcab.db import Base
from callcab.models.mixins import Created, Numbered
from callcab.scope import TenantOrStaff


class SavedView(Numbered, Created, TenantOrStaff, Base):
    """``query`` is what the address of the list asks: pairs of an argument and its text, in the order of the list.

    ``owner_id`` sees it, and with ``shared`` everybody of the same customer, or of support (``customer_id`` is empty).
    """

    __tablename__ = "saved_view"
    __table_args__ = (
        sa.UniqueConstraint("owner_id", "list_name", "name"),
        sa.CheckConstraint("name <> ''", name="name_not_empty"),
        sa.CheckConstraint("jsonb_array_length(query) > 0", name="query_not_empty"),
        sa.Index("ix_saved_view_list_name_customer_id", "list_name", "customer_id"),
    )

    list_name: orm.Mapped[str] = orm.mapped_column(sa.String(48))
    name: orm.Mapped[str] = orm.mapped_column(sa.String(60))
    query: orm.Mapped[list[Any]] = orm.mapped_column(JSONB)
    shared: orm.Mapped[bool] = orm.mapped_column(default=False)
    owner_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("user.id"))
