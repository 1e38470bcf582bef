"""checks of the ledger are kept, so that a page need not add everything up."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from callcab import policies
from callcab.scope import STAFF_ROLE

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_check",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customers", sa.BigInteger(), nullable=False),
        sa.Column("wrong_count", sa.BigInteger(), nullable=False),
        sa.Column("wrong", postgresql.JSONB(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("wrong_count >= 0", name=op.f("ck_ledger_check_wrong_count")),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_ledger_check_created_by_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_check")),
    )
    policies.grant(STAFF_ROLE, "SELECT, INSERT, UPDATE, DELETE", ("ledger_check",))


def downgrade() -> None:
    op.drop_table("ledger_check")
