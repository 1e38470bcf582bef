"""Dialling: speed and lines, prices by outcome and kind of number, the terms that a call was begun under."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from callcab import policies
from callcab.scope import STAFF_ROLE

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KINDS = ("duty_minute_price", "personal_minute_price", "rented_minute_price")
OUTCOMES = ("attempt_price", "machine_price")
OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    for name in KINDS:
        op.add_column("tariff", sa.Column(name, sa.Numeric(12, 4), nullable=True))
    for name in OUTCOMES:
        op.add_column("tariff", sa.Column(name, sa.Numeric(12, 4), nullable=False, server_default="0"))
    op.create_check_constraint(op.f("ck_tariff_outcome_prices"), "tariff", "attempt_price >= 0 AND machine_price >= 0")
    op.create_check_constraint(op.f("ck_tariff_kind_prices"), "tariff", " AND ".join(f"{name} >= 0" for name in KINDS))
    op.add_column("customer", sa.Column("lines", sa.Integer(), nullable=True))
    op.add_column("customer", sa.Column("calls_per_second", sa.Integer(), nullable=True))
    op.create_check_constraint(op.f("ck_customer_call_limits"), "customer", "lines > 0 AND calls_per_second > 0")
    op.add_column("campaign", sa.Column("calls_per_second", sa.Integer(), nullable=True))
    op.add_column("campaign", sa.Column("dial_asked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("campaign", sa.Column("dialled_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_constraint(op.f("ck_campaign_lines"), "campaign", type_="check")
    op.create_check_constraint(op.f("ck_campaign_lines"), "campaign", "lines BETWEEN 1 AND 1000")
    op.create_check_constraint(op.f("ck_campaign_calls_per_second"), "campaign", "calls_per_second BETWEEN 1 AND 1000")
    op.add_column("call", sa.Column("terms", postgresql.JSONB(), nullable=True))
    op.create_index("ix_call_open_lines", "call", ["customer_id", "campaign_id"], postgresql_where=OPEN)
    op.drop_index("ix_call_event_verification_id", "call_event")
    op.create_index(
        "ix_call_event_verification_id",
        "call_event",
        ["verification_id"],
        postgresql_where=sa.text("verification_id IS NOT NULL"),
    )
    op.create_table(
        "dial_rate",
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("tokens", sa.Numeric(12, 4), nullable=False),
        sa.Column("filled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_dial_rate")),
    )
    policies.grant(STAFF_ROLE, "SELECT, INSERT, UPDATE, DELETE", ("dial_rate",))


def downgrade() -> None:
    op.drop_table("dial_rate")
    op.drop_index("ix_call_event_verification_id", "call_event")
    op.create_index("ix_call_event_verification_id", "call_event", ["verification_id"])
    op.drop_index("ix_call_open_lines", "call")
    op.drop_column("call", "terms")
    op.drop_constraint(op.f("ck_campaign_calls_per_second"), "campaign", type_="check")
    op.drop_constraint(op.f("ck_campaign_lines"), "campaign", type_="check")
    op.execute("UPDATE campaign SET lines = least(lines, 200)")
    op.create_check_constraint(op.f("ck_campaign_lines"), "campaign", "lines BETWEEN 1 AND 200")
    for name in ("dialled_at", "dial_asked_at", "calls_per_second"):
        op.drop_column("campaign", name)
    op.drop_constraint(op.f("ck_customer_call_limits"), "customer", type_="check")
    for name in ("calls_per_second", "lines"):
        op.drop_column("customer", name)
    for name in ("kind_prices", "outcome_prices"):
        op.drop_constraint(op.f(f"ck_tariff_{name}"), "tariff", type_="check")
    for name in (*OUTCOMES, *KINDS):
        op.drop_column("tariff", name)
