"""incoming calls."""

import sqlalchemy as sa
from alembic import op

from callcab import policies
from callcab.scope import STAFF_ROLE, TENANT_ROLE

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OUTCOMES = (
    "completed",
    "verified",
    "wrong_digit",
    "no_input",
    "hangup_before_digit",
    "no_answer",
    "busy",
    "rejected",
    "unallocated",
    "unreachable",
    "congestion",
    "machine",
    "request_refused",
    "lost",
)


def choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    op.create_table(
        "inbound_call",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("provider_ref", sa.String(64), nullable=False),
        sa.Column("phone", sa.BigInteger(), nullable=True),
        sa.Column("to_phone", sa.BigInteger(), nullable=True),
        sa.Column("number_id", sa.BigInteger(), nullable=True),
        sa.Column("campaign_id", sa.BigInteger(), nullable=True),
        sa.Column("action", choice("inboundaction", "connect", "menu", "refuse"), nullable=False),
        sa.Column("code", sa.String(48), nullable=False),
        sa.Column("outcome", choice("outcome", *OUTCOMES), nullable=True),
        sa.Column("digits", sa.String(32), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name=op.f("ck_inbound_call_ended_has_outcome")),
        sa.CheckConstraint("action <> 'refuse' OR ended_at IS NOT NULL", name=op.f("ck_inbound_call_refused_is_over")),
        sa.CheckConstraint(
            "(action = 'menu') <= (campaign_id IS NOT NULL)", name=op.f("ck_inbound_call_menu_has_campaign")
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_inbound_call_campaign_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_inbound_call_customer_id")),
        sa.ForeignKeyConstraint(
            ["number_id"], ["phone_number.id"], name=op.f("fk_inbound_call_number_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_call")),
        sa.UniqueConstraint("provider_ref", name=op.f("uq_inbound_call_provider_ref")),
    )
    op.create_index("ix_inbound_call_customer_id_created_at_id", "inbound_call", ["customer_id", "created_at", "id"])
    op.create_index("ix_inbound_call_created_at_id", "inbound_call", ["created_at", "id"])
    for column in ("phone", "to_phone", "campaign_id", "number_id"):
        op.create_index(f"ix_inbound_call_{column}", "inbound_call", [column])
    op.create_index(
        "ix_inbound_call_open_deadline_at",
        "inbound_call",
        ["deadline_at"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    policies.confine("inbound_call")
    # Told by the line alone: a customer only reads, nobody deletes.
    policies.grant(TENANT_ROLE, "SELECT", ("inbound_call",))
    policies.grant(STAFF_ROLE, "SELECT, INSERT, UPDATE", ("inbound_call",))

    op.add_column("call_event", sa.Column("inbound_call_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_call_event_inbound_call_id"), "call_event", "inbound_call", ["inbound_call_id"], ["id"]
    )
    op.create_index(
        "ix_call_event_inbound_call_id",
        "call_event",
        ["inbound_call_id"],
        postgresql_where=sa.text("inbound_call_id IS NOT NULL"),
    )
    op.drop_constraint(op.f("ck_call_event_one_owner"), "call_event", type_="check")
    op.create_check_constraint(
        op.f("ck_call_event_one_owner"), "call_event", "num_nonnulls(call_id, verification_id, inbound_call_id) = 1"
    )
    op.add_column("blacklist_entry", sa.Column("inbound_call_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_blacklist_entry_inbound_call_id"), "blacklist_entry", "inbound_call", ["inbound_call_id"], ["id"]
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_blacklist_entry_inbound_call_id"), "blacklist_entry", type_="foreignkey")
    op.drop_column("blacklist_entry", "inbound_call_id")
    op.execute("DELETE FROM call_event WHERE inbound_call_id IS NOT NULL")
    op.drop_constraint(op.f("ck_call_event_one_owner"), "call_event", type_="check")
    op.drop_index("ix_call_event_inbound_call_id", table_name="call_event")
    op.drop_constraint(op.f("fk_call_event_inbound_call_id"), "call_event", type_="foreignkey")
    op.drop_column("call_event", "inbound_call_id")
    op.create_check_constraint(
        op.f("ck_call_event_one_owner"), "call_event", "(call_id IS NULL) <> (verification_id IS NULL)"
    )
    op.drop_table("inbound_call")
