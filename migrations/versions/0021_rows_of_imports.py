"""rows that an import made, in the order of their ids: undoing it asks for them in chunks."""

from alembic import op

from callcab import online

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TABLE = "blacklist_entry"
OLD, NEW = "ix_blacklist_entry_operation_id", "ix_blacklist_entry_operation_id_id"


def upgrade() -> None:
    online.index(NEW, TABLE, ("operation_id", "id"), where="operation_id IS NOT NULL")
    online.drop_index(OLD)


def downgrade() -> None:
    op.create_index(OLD, TABLE, ["operation_id"])
    op.drop_index(NEW, table_name=TABLE)
