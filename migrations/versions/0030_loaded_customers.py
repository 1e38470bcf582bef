"""customers that came from a file, so that loading them can be undone; the log outlives whom it speaks of."""

import sqlalchemy as sa
from alembic import op

from callcab import online, policies

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

INDEX = "ix_customer_operation_id_id"
# Tables that keep the number of a customer who is gone.
OUTLIVING = ("audit_event", "row_total")


def upgrade() -> None:
    op.add_column("customer", sa.Column("operation_id", sa.BigInteger(), nullable=True), if_not_exists=True)
    op.execute("ALTER TABLE customer DROP CONSTRAINT IF EXISTS fk_customer_operation_id")
    op.create_foreign_key("fk_customer_operation_id", "customer", "operation", ["operation_id"], ["id"])
    for table in OUTLIVING:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS fk_{table}_customer_id")
    policies.create_forgetting()
    online.index(INDEX, "customer", ("operation_id", "id"), where="operation_id IS NOT NULL")


def downgrade() -> None:
    op.execute("DROP FUNCTION forget_customers(bigint[])")
    for table in OUTLIVING:
        op.create_foreign_key(f"fk_{table}_customer_id", table, "customer", ["customer_id"], ["id"])
    op.drop_index(INDEX, "customer")
    op.drop_column("customer", "operation_id")
