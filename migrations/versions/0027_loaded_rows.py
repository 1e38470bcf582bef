"""numbers and promo codes that came from a file, so that loading them can be undone."""

import sqlalchemy as sa
from alembic import op

from callcab import online

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

TABLES = ("phone_number", "promo_code")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("operation_id", sa.BigInteger(), nullable=True), if_not_exists=True)
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS fk_{table}_operation_id")
        op.create_foreign_key(f"fk_{table}_operation_id", table, "operation", ["operation_id"], ["id"])
        online.index(f"ix_{table}_operation_id_id", table, ("operation_id", "id"), where="operation_id IS NOT NULL")


def downgrade() -> None:
    for table in TABLES:
        op.drop_index(f"ix_{table}_operation_id_id", table)
        op.drop_column(table, "operation_id")
