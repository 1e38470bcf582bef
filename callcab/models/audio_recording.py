"""A customer's own sound that a campaign plays in place of a written text («аудиозапись»)."""

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import Base
from callcab.models.customer import Customer
from callcab.models.mixins import Created, Numbered
from callcab.models.stored_file import StoredFile
from callcab.scope import TenantOwned


class AudioRecording(Numbered, Created, TenantOwned, Base):
    """``file`` is a WAV file as telephones play it, whatever was uploaded; it never changes.

    ``seconds`` are rounded up.
    ``author_name`` is who uploaded it, as he was called then.
    """

    __tablename__ = "audio_recording"
    __table_args__ = (
        sa.UniqueConstraint("file_id"),
        sa.CheckConstraint("seconds BETWEEN 1 AND 180", name="seconds"),
        sa.Index("ix_audio_recording_customer_id_created_at_id", "customer_id", "created_at", "id"),
        sa.Index("ix_audio_recording_created_at_id", "created_at", "id"),
    )

    name: orm.Mapped[str]
    file_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("stored_file.id"))
    seconds: orm.Mapped[int] = orm.mapped_column(sa.Integer)
    author_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("user.id"))
    author_name: orm.Mapped[str]

    file: orm.Mapped[StoredFile] = orm.relationship(viewonly=True, lazy="joined", innerjoin=True)
    customer: orm.Mapped[Customer] = orm.relationship(viewonly=True)
    # Read by the list alone (services.specs).
    campaigns_count: orm.Mapped[int | None] = orm.query_expression()
