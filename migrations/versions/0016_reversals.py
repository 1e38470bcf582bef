"""an index of the few entries that reverse others, instead of one of all."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

NEW, OLD, TABLE = "ix_ledger_entry_reverses_id", "uq_ledger_entry_reverses_id", "ledger_entry"


def upgrade() -> None:
    op.create_index(NEW, TABLE, ["reverses_id"], unique=True, postgresql_where=sa.text("reverses_id IS NOT NULL"))
    op.drop_constraint(op.f(OLD), TABLE, type_="unique")


def downgrade() -> None:
    op.create_unique_constraint(op.f(OLD), TABLE, ["reverses_id"])
    op.drop_index(NEW, TABLE)
