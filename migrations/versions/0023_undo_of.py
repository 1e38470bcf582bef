"""find what undoes an operation, or tried to, without reading all operations."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

NAME, TABLE = "ix_operation_undo_of_id", "operation"


def upgrade() -> None:
    op.create_index(NAME, TABLE, ["undo_of_id"], postgresql_where=sa.text("undo_of_id IS NOT NULL"))


def downgrade() -> None:
    op.drop_index(NAME, table_name=TABLE)
