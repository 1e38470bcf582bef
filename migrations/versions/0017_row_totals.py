"""totals of long lists, kept by triggers."""

import sqlalchemy as sa
from alembic import op

from callcab import policies
from callcab.scope import STAFF_ROLE, TENANT_ROLE

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLE = "row_total"
COUNTED = ("audit_event", "blacklist_entry", "call", "inbound_call", "ledger_entry", "payment")


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_row_total_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_row_total")),
    )
    op.create_index("ix_row_total_name_customer_id", TABLE, ["name", "customer_id"])
    policies.confine(TABLE)
    policies.grant(TENANT_ROLE, "SELECT", (TABLE,))
    policies.grant(STAFF_ROLE, "SELECT, INSERT, DELETE", (TABLE,))
    policies.create_counting()
    for table in COUNTED:
        policies.count_rows(table)


def downgrade() -> None:
    for table in COUNTED:
        policies.forget_rows(table)
    op.execute("DROP FUNCTION keep_total()")
    op.drop_table(TABLE)
