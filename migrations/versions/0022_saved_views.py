"""views of lists that people keep."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from callcab import policies
from callcab.scope import STAFF_ROLE, TENANT_ROLE

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TABLE = "saved_view"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("list_name", sa.String(length=48), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("query", JSONB(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_saved_view_name_not_empty")),
        sa.CheckConstraint("jsonb_array_length(query) > 0", name=op.f("ck_saved_view_query_not_empty")),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_saved_view_owner_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_saved_view_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
        sa.UniqueConstraint("owner_id", "list_name", "name", name=op.f("uq_saved_view_owner_id_list_name_name")),
    )
    op.create_index("ix_saved_view_list_name_customer_id", TABLE, ["list_name", "customer_id"])
    policies.confine(TABLE)
    for role in (TENANT_ROLE, STAFF_ROLE):
        policies.grant(role, "SELECT, INSERT, UPDATE, DELETE", (TABLE,))


def downgrade() -> None:
    op.drop_table(TABLE)
