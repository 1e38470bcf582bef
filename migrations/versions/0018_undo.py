"""operations can be undone: what they deleted or changed is kept for a while."""

import sqlalchemy as sa
from alembic import op

from callcab import policies
from callcab.scope import STAFF_ROLE, TENANT_ROLE

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

MADE = sa.text("operation_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "undo_chunk",
        sa.Column("operation_id", sa.BigInteger(), nullable=False),
        sa.Column("table_name", sa.String(63), nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("rows", sa.JSON(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_undo_chunk_customer_id")),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operation.id"], name=op.f("fk_undo_chunk_operation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("operation_id", "table_name", "first_id", name=op.f("pk_undo_chunk")),
    )
    policies.confine("undo_chunk")
    policies.grant(TENANT_ROLE, "SELECT, INSERT", ["undo_chunk"])
    policies.grant(STAFF_ROLE, "SELECT, INSERT, DELETE", ["undo_chunk"])
    op.add_column("operation", sa.Column("undo_of_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_operation_undo_of_id"), "operation", "operation", ["undo_of_id"], ["id"])
    op.create_index(
        "uq_operation_undo_of_id",
        "operation",
        ["undo_of_id"],
        unique=True,
        postgresql_where=sa.text("undo_of_id IS NOT NULL AND state NOT IN ('failed', 'cancelled')"),
    )
    op.add_column("list_entry", sa.Column("operation_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_list_entry_operation_id"), "list_entry", "operation", ["operation_id"], ["id"])
    op.create_index("ix_list_entry_operation_id_id", "list_entry", ["operation_id", "id"], postgresql_where=MADE)


def downgrade() -> None:
    op.drop_index("ix_list_entry_operation_id_id", table_name="list_entry")
    op.drop_column("list_entry", "operation_id")
    op.drop_index("uq_operation_undo_of_id", table_name="operation")
    op.drop_column("operation", "undo_of_id")
    op.drop_table("undo_chunk")
