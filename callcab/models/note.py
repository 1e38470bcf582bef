"""Support's note about a customer; the customer does not see it."""

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import Base
from callcab.models.mixins import Created, Numbered


class Note(Numbered, Created, Base):
    """``about_id`` instead of ``customer_id``: the table belongs to support, so no tenant policy reaches it."""

    __tablename__ = "note"
    __table_args__ = (sa.Index("ix_note_about_id_id", "about_id", "id"),)

    about_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("customer.id"))
    author_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("user.id"))
    author_name: orm.Mapped[str]
    text: orm.Mapped[str]
