"""A letter to be sent: the row is the outbox, a job sends it."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import Base, choice
from callcab.models.customer import Customer
from callcab.models.mixins import Created, Numbered
from callcab.scope import TenantOrStaff


class MailState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class MailMessage(Numbered, Created, TenantOrStaff, Base):
    """Retried for at least a day (security.md F-13). ``secret`` letters (reset links) are blanked once sent.

    ``attachment_name`` stays when the file itself is gone: such a letter is not sent without it.
    """

    __tablename__ = "mail_message"
    __table_args__ = (
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_has_time"),
        sa.Index("ix_mail_message_customer_id_created_at_id", "customer_id", "created_at", "id"),
        sa.Index("ix_mail_message_created_at_id", "created_at", "id"),
        sa.Index("ix_mail_message_attachment_id", "attachment_id"),
        sa.Index("ix_mail_message_due", "next_at", postgresql_where=sa.text("state = 'queued'")),
    )

    recipient: orm.Mapped[str]
    kind: orm.Mapped[str] = orm.mapped_column(sa.String(32))
    subject: orm.Mapped[str]
    text: orm.Mapped[str]
    html: orm.Mapped[str] = orm.mapped_column(default="")
    secret: orm.Mapped[bool] = orm.mapped_column(default=False)
    state: orm.Mapped[MailState] = choice(MailState, default=MailState.QUEUED)
    attempts: orm.Mapped[int] = orm.mapped_column(sa.Integer, default=0)
    next_at: orm.Mapped[datetime]
    sent_at: orm.Mapped[datetime | None]
    attachment_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("stored_file.id", ondelete="SET NULL"))
    attachment_name: orm.Mapped[str] = orm.mapped_column(default="", server_default="")
    error: orm.Mapped[str] = orm.mapped_column(default="")

    customer: orm.Mapped[Customer | None] = orm.relationship(viewonly=True)
