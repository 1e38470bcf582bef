"""invoices sent by mail: letters with a file, and when an invoice was sent."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NAME = sa.Column("attachment_name", sa.Text(), server_default="", nullable=False)


def upgrade() -> None:
    op.add_column("invoice", sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("mail_message", sa.Column("attachment_id", sa.BigInteger(), nullable=True))
    op.add_column("mail_message", NAME)
    op.create_foreign_key(
        op.f("fk_mail_message_attachment_id_stored_file"),
        "mail_message",
        "stored_file",
        ["attachment_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_index("ix_mail_message_attachment_id", "mail_message", ["attachment_id"])


def downgrade() -> None:
    op.drop_column("mail_message", "attachment_id")
    op.drop_column("mail_message", "attachment_name")
    op.drop_column("invoice", "sent_at")
