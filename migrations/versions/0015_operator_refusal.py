"""numbers whose subscribers refused mass calls at their operator."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

NAME, TABLE = "ck_blacklist_entry_blacklistsource", "blacklist_entry"


def upgrade() -> None:
    op.drop_constraint(op.f(NAME), TABLE, type_="check")
    op.create_check_constraint(op.f(NAME), TABLE, "source IN ('hand', 'clipboard', 'file', 'ivr', 'api', 'operator')")


def downgrade() -> None:
    op.execute("UPDATE blacklist_entry SET source = 'hand' WHERE source = 'operator'")
    op.drop_constraint(op.f(NAME), TABLE, type_="check")
    op.create_check_constraint(op.f(NAME), TABLE, "source IN ('hand', 'clipboard', 'file', 'ivr', 'api')")
