"""what blacklist entries refer to is looked up once per statement, no longer once per row."""

from alembic import op

from callcab import policies

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

TABLE = "blacklist_entry"
PARENTS = {
    "customer_id": "customer",
    "author_id": "user",
    "operation_id": "operation",
    "call_id": "call",
    "inbound_call_id": "inbound_call",
}


def upgrade() -> None:
    policies.refer(TABLE, PARENTS)
    for column in PARENTS:
        op.drop_constraint(f"fk_{TABLE}_{column}", TABLE, type_="foreignkey")


def downgrade() -> None:
    for column, parent in PARENTS.items():
        op.create_foreign_key(f"fk_{TABLE}_{column}", TABLE, parent, [column], ["id"])
    policies.forget_parents(TABLE, PARENTS)
