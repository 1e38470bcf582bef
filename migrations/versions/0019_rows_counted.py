"""totals of the rows that were there before anything counted them."""

from callcab import online

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

COUNTED = ("audit_event", "blacklist_entry", "call", "inbound_call", "ledger_entry", "payment")


def upgrade() -> None:
    for table in COUNTED:
        online.count_rows(table)


def downgrade() -> None:
    """Nothing: the totals go with their table."""
