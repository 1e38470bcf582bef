"""Voice menus: transfers, requests to be called back, what is said when nothing fits."""

import sqlalchemy as sa
from alembic import op

from callcab import policies
from callcab.scope import STAFF_ROLE, TENANT_ROLE

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

OLD = ("play", "blacklist", "repeat", "hangup")
NEW = (*OLD, "transfer", "callback")


def _actions(allowed: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_ivr_rule_ivraction"), "ivr_rule", type_="check")
    names = ", ".join(f"'{name}'" for name in allowed)
    op.create_check_constraint(op.f("ck_ivr_rule_ivraction"), "ivr_rule", f"action IN ({names})")


def upgrade() -> None:
    # Campaigns of before said their prompt once.
    op.add_column("campaign", sa.Column("menu_tries", sa.Integer(), nullable=False, server_default="1"))
    op.alter_column("campaign", "menu_tries", server_default=None)
    for name in ("unheard", "unknown"):
        op.add_column("campaign", sa.Column(name, sa.Text(), nullable=False, server_default=""))
        op.alter_column("campaign", name, server_default=None)
    op.create_check_constraint(op.f("ck_campaign_menu_tries"), "campaign", "menu_tries BETWEEN 1 AND 3")
    _actions(NEW)
    op.add_column("ivr_rule", sa.Column("transfer_to", sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_ivr_rule_transfer_has_number"), "ivr_rule", "(action = 'transfer') = (transfer_to IS NOT NULL)"
    )
    op.create_table(
        "callback_request",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("call_id", sa.BigInteger(), nullable=True),
        sa.Column("inbound_call_id", sa.BigInteger(), nullable=True),
        sa.Column("phone", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("new", "done", name="callbackstate", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.BigInteger(), nullable=True),
        sa.Column("done_name", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name=op.f("ck_callback_request_done_has_time")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_callback_request_campaign_id")),
        sa.CheckConstraint("(call_id IS NULL) <> (inbound_call_id IS NULL)", name=op.f("ck_callback_request_one_call")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_callback_request_call_id")),
        sa.ForeignKeyConstraint(
            ["inbound_call_id"], ["inbound_call.id"], name=op.f("fk_callback_request_inbound_call_id")
        ),
        sa.ForeignKeyConstraint(["done_by"], ["user.id"], name=op.f("fk_callback_request_done_by")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_callback_request_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callback_request")),
        sa.UniqueConstraint("call_id", name=op.f("uq_callback_request_call_id")),
        sa.UniqueConstraint("inbound_call_id", name=op.f("uq_callback_request_inbound_call_id")),
    )
    for columns in (("customer_id", "created_at", "id"), ("created_at", "id"), ("campaign_id",), ("phone",)):
        op.create_index(f"ix_callback_request_{'_'.join(columns)}", "callback_request", list(columns))
    policies.confine("callback_request")
    for role in (TENANT_ROLE, STAFF_ROLE):
        policies.grant(role, "SELECT, INSERT, UPDATE, DELETE", ("callback_request",))


def downgrade() -> None:
    op.drop_table("callback_request")
    # What a menu of before can't do: the digit ends the call.
    op.execute("UPDATE ivr_rule SET action = 'hangup', transfer_to = NULL WHERE action IN ('transfer', 'callback')")
    op.drop_constraint(op.f("ck_ivr_rule_transfer_has_number"), "ivr_rule", type_="check")
    op.drop_column("ivr_rule", "transfer_to")
    _actions(OLD)
    op.drop_constraint(op.f("ck_campaign_menu_tries"), "campaign", type_="check")
    for name in ("unknown", "unheard", "menu_tries"):
        op.drop_column("campaign", name)
