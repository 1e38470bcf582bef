"""files that come by themselves."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from callcab import policies
from callcab.scope import STAFF_ROLE, TENANT_ROLE

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

TABLE = "export_schedule"
PERIODS = ("daily", "weekly", "monthly")


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("saved_view_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "period",
            sa.Enum(*PERIODS, name="period", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("day", sa.SmallInteger(), nullable=True),
        sa.Column("hour", sa.SmallInteger(), nullable=False),
        sa.Column("params", JSONB(), nullable=False),
        sa.Column("only_new", sa.Boolean(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("stopped", sa.String(length=64), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_operation_id", sa.BigInteger(), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("hour BETWEEN 0 AND 23", name=op.f("ck_export_schedule_hour")),
        sa.CheckConstraint(
            "CASE period WHEN 'daily' THEN day IS NULL WHEN 'weekly' THEN day BETWEEN 1 AND 7"
            " ELSE day BETWEEN 1 AND 31 END AND (period = 'daily' OR day IS NOT NULL)",
            name=op.f("ck_export_schedule_day_fits_period"),
        ),
        sa.ForeignKeyConstraint(["saved_view_id"], ["saved_view.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_export_schedule_owner_id")),
        sa.ForeignKeyConstraint(["last_operation_id"], ["operation.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_export_schedule_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_schedule")),
    )
    op.create_index("ix_export_schedule_customer_id_created_at_id", TABLE, ["customer_id", "created_at", "id"])
    op.create_index("ix_export_schedule_saved_view_id", TABLE, ["saved_view_id"])
    op.create_index("ix_export_schedule_due", TABLE, ["next_at"], postgresql_where=sa.text("NOT paused"))
    policies.confine(TABLE)
    for role in (TENANT_ROLE, STAFF_ROLE):
        policies.grant(role, "SELECT, INSERT, UPDATE, DELETE", (TABLE,))


def downgrade() -> None:
    op.drop_table(TABLE)
