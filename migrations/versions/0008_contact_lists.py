"""lists of contacts of their own, and which of them a campaign was made from."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from callcab import policies
from callcab.scope import STAFF_ROLE, TENANT_ROLE

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = ("contact_list", "list_entry")


def upgrade() -> None:
    op.create_table(
        "contact_list",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("consent_source", sa.Text(), nullable=False),
        sa.Column("consent_on", sa.Date(), nullable=True),
        sa.Column("variables", postgresql.JSONB(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(consent_source = '') = (consent_on IS NULL)", name=op.f("ck_contact_list_consent_is_whole")
        ),
        sa.CheckConstraint("entries >= 0", name=op.f("ck_contact_list_entries_not_negative")),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_contact_list_created_by")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_contact_list_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_list")),
    )
    op.create_index("ix_contact_list_customer_id_created_at_id", "contact_list", ["customer_id", "created_at", "id"])
    op.create_index("ix_contact_list_created_at_id", "contact_list", ["created_at", "id"])
    op.create_table(
        "list_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contact_list_id", sa.BigInteger(), nullable=False),
        sa.Column("phone", sa.BigInteger(), nullable=False),
        sa.Column("variables", postgresql.JSONB(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_list_id"], ["contact_list.id"], name=op.f("fk_list_entry_contact_list_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_list_entry_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_list_entry")),
        sa.UniqueConstraint("contact_list_id", "phone", name=op.f("uq_list_entry_contact_list_id_phone")),
    )
    op.create_index(
        "ix_list_entry_contact_list_id_created_at_id", "list_entry", ["contact_list_id", "created_at", "id"]
    )
    op.create_index("ix_list_entry_customer_id_created_at_id", "list_entry", ["customer_id", "created_at", "id"])
    for table in TABLES:
        policies.confine(table)
    for role in (TENANT_ROLE, STAFF_ROLE):
        policies.grant(role, "SELECT, INSERT, UPDATE, DELETE", TABLES)
    op.add_column("campaign", sa.Column("lists", postgresql.JSONB(), server_default="[]", nullable=False))
    op.alter_column("campaign", "lists", server_default=None)


def downgrade() -> None:
    op.drop_column("campaign", "lists")
    op.drop_table("list_entry")
    op.drop_table("contact_list")
