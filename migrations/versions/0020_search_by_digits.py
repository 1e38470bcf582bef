"""numbers read from behind, to be found by their last digits; sources of a customer's blacklist in order."""

import sqlalchemy as sa
from alembic import op

from callcab import online, policies

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TABLES = ("blacklist_entry", "call", "phone_number")
# Numbers of the pool are few, and customers see those of nobody as well.
OWNED = ("blacklist_entry", "call")
COLUMN, BY_SOURCE = "phone_reversed", "ix_blacklist_entry_customer_id_source_created_at_id"


def upgrade() -> None:
    policies.create_reversing()
    for table in TABLES:
        op.add_column(table, sa.Column(COLUMN, sa.BigInteger(), nullable=True), if_not_exists=True)
        policies.reverse_phones(table)
    for table in TABLES:
        online.fill(table, COLUMN, "reverse(phone::text)::bigint")
        online.check(table, f"ck_{table}_turned_right", "phone_reversed = reverse(phone::text)::bigint")
        online.not_null(table, COLUMN)
        online.index(f"ix_{table}_phone_reversed", table, (COLUMN,))
    for table in OWNED:
        online.index(f"ix_{table}_customer_id_phone_reversed", table, ("customer_id", COLUMN))
    online.index(BY_SOURCE, "blacklist_entry", ("customer_id", "source", "created_at", "id"))


def downgrade() -> None:
    op.drop_index(BY_SOURCE, "blacklist_entry")
    for table in TABLES:
        op.execute(f'DROP TRIGGER reverse_phone ON "{table}"')
        op.execute(f'DROP TRIGGER reverse_new_phone ON "{table}"')
        op.drop_column(table, COLUMN)
    op.execute("DROP FUNCTION reverse_phone()")
