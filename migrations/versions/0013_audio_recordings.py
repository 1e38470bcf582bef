"""sounds that customers upload, played by a campaign in place of its text."""

import sqlalchemy as sa
from alembic import op

from callcab import policies
from callcab.scope import STAFF_ROLE, TENANT_ROLE

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLE = "audio_recording"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=True),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("seconds BETWEEN 1 AND 180", name=op.f("ck_audio_recording_seconds")),
        sa.ForeignKeyConstraint(["author_id"], ["user.id"], name=op.f("fk_audio_recording_author_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_audio_recording_customer_id")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_audio_recording_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audio_recording")),
        sa.UniqueConstraint("file_id", name=op.f("uq_audio_recording_file_id")),
    )
    op.create_index("ix_audio_recording_customer_id_created_at_id", TABLE, ["customer_id", "created_at", "id"])
    op.create_index("ix_audio_recording_created_at_id", TABLE, ["created_at", "id"])
    policies.confine(TABLE)
    for role in (TENANT_ROLE, STAFF_ROLE):
        policies.grant(role, "SELECT, INSERT, UPDATE, DELETE", (TABLE,))
    op.add_column("campaign", sa.Column("recording_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_campaign_recording_id"), "campaign", TABLE, ["recording_id"], ["id"])
    op.create_check_constraint(op.f("ck_campaign_one_message"), "campaign", "(recording_id IS NULL) <> (prompt = '')")
    op.create_index(
        "ix_campaign_recording_id",
        "campaign",
        ["recording_id"],
        postgresql_where=sa.text("recording_id IS NOT NULL"),
    )


def downgrade() -> None:
    # A campaign without words would be silent; what it played is gone.
    op.execute("UPDATE campaign SET recording_id = NULL, prompt = '—' WHERE recording_id IS NOT NULL")
    op.drop_column("campaign", "recording_id")
    op.drop_table(TABLE)
