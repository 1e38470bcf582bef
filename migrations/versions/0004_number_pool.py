"""the pool of numbers: history without overlaps, rest, rentals that go on by themselves, health, regions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from callcab import policies
from callcab.scope import STAFF_ROLE

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

HEALTH = sa.Enum(
    "unknown", "good", "falling", name="numberhealth", native_enum=False, create_constraint=True, length=32
)


def upgrade() -> None:
    op.add_column("tariff", sa.Column("match_region", sa.Boolean(), server_default=sa.false(), nullable=False))
    _columns()
    _leases()
    op.create_table(
        "number_day",
        sa.Column("phone", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.CheckConstraint("answered BETWEEN 0 AND calls", name=op.f("ck_number_day_answered_of_calls")),
        sa.PrimaryKeyConstraint("phone", "day", name=op.f("pk_number_day")),
    )
    op.create_index("ix_number_day_day", "number_day", ["day"])
    policies.grant(STAFF_ROLE, "SELECT, INSERT, UPDATE, DELETE", ["number_day"])


def _columns() -> None:
    op.add_column("phone_number", sa.Column("rests_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("phone_number", sa.Column("prolong_days", sa.Integer(), nullable=True))
    op.add_column("phone_number", sa.Column("health", HEALTH, server_default="unknown", nullable=False))
    op.add_column("phone_number", sa.Column("health_data", postgresql.JSONB(), nullable=True))
    op.add_column("phone_number", sa.Column("health_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("number_rental", sa.Column("noticed_days", sa.Integer(), nullable=True))
    op.create_check_constraint(
        op.f("ck_phone_number_prolong_needs_rental"),
        "phone_number",
        "prolong_days IS NULL OR (rented_until IS NOT NULL AND prolong_days BETWEEN 1 AND 366)",
    )
    op.create_index(
        "ix_phone_number_rented_until",
        "phone_number",
        ["rented_until"],
        postgresql_where=sa.text("rented_until IS NOT NULL"),
    )
    op.create_index("ix_phone_number_falling", "phone_number", ["id"], postgresql_where=sa.text("health = 'falling'"))


def _leases() -> None:
    # Two machines' clocks could have made an old lease end after the next one began, or before its own start.
    op.execute("UPDATE number_lease SET released_at = taken_at WHERE released_at < taken_at")
    op.execute(
        "UPDATE number_lease SET released_at = later.taken_at FROM (SELECT number_id, taken_at, lag(id) OVER"
        " (PARTITION BY number_id ORDER BY taken_at, id) AS previous FROM number_lease) AS later"
        " WHERE number_lease.id = later.previous AND number_lease.released_at > later.taken_at"
    )
    op.create_check_constraint(op.f("ck_number_lease_released_after_taken"), "number_lease", "released_at >= taken_at")
    op.execute(
        "ALTER TABLE number_lease ADD CONSTRAINT excl_number_lease_time"
        " EXCLUDE USING gist (number_id WITH =, tstzrange(taken_at, released_at) WITH &&)"
    )


def downgrade() -> None:
    op.drop_table("number_day")
    op.execute("ALTER TABLE number_lease DROP CONSTRAINT excl_number_lease_time")
    op.execute("ALTER TABLE number_lease DROP CONSTRAINT ck_number_lease_released_after_taken")
    op.drop_column("number_rental", "noticed_days")
    for name in ("health_at", "health_data", "health", "prolong_days", "rests_until"):
        op.drop_column("phone_number", name)
    op.execute("DROP INDEX IF EXISTS ix_phone_number_rented_until")
    op.drop_column("tariff", "match_region")
