"""when a campaign calls, how often it tries again, what it does at a machine, and who was left out of its list."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MACHINE = sa.Enum("play", "hangup", "later", name="machineaction", native_enum=False, create_constraint=True, length=32)
# With the default of the campaigns that exist.
FILLED = (
    sa.Column("days", sa.String(7), nullable=False, server_default="1234567"),
    sa.Column("retries", postgresql.JSONB(), nullable=False, server_default="{}"),
    sa.Column("left_out", postgresql.JSONB(), nullable=False, server_default="{}"),
    sa.Column("machine_action", MACHINE, nullable=False, server_default="play"),
)


def upgrade() -> None:
    for column in FILLED:
        op.add_column("campaign", column)
        op.alter_column("campaign", column.name, server_default=None)
    op.add_column("campaign", sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("campaign", sa.Column("last_day", sa.Date(), nullable=True))
    op.create_check_constraint(op.f("ck_campaign_days"), "campaign", "days ~ '^1?2?3?4?5?6?7?$' AND days <> ''")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_campaign_days"), "campaign", type_="check")
    for name in ("last_day", "starts_at", "machine_action", "left_out", "retries", "days"):
        op.drop_column("campaign", name)
