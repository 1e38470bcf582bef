"""payments found and ordered by their sum in kopecks, also by customers."""

import sqlalchemy as sa
from alembic import op

from callcab import online, policies

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

TABLE, COLUMN = "payment", "kopecks"
OLD = ("ix_payment_customer_id_amount", "ix_payment_amount")


def upgrade() -> None:
    op.add_column(TABLE, sa.Column(COLUMN, sa.BigInteger(), nullable=True), if_not_exists=True)
    policies.count_kopecks()
    online.fill(TABLE, COLUMN, "(amount * 100)::bigint")
    online.not_null(TABLE, COLUMN)
    online.index("ix_payment_customer_id_kopecks_id", TABLE, ("customer_id", COLUMN, "id"))
    online.index("ix_payment_kopecks_id", TABLE, (COLUMN, "id"))
    for name in OLD:
        online.drop_index(name)


def downgrade() -> None:
    op.create_index("ix_payment_amount", TABLE, ["amount"])
    op.create_index("ix_payment_customer_id_amount", TABLE, ["customer_id", "amount"])
    op.execute("DROP TRIGGER count_kopecks ON payment")
    op.execute("DROP FUNCTION count_kopecks()")
    op.drop_column(TABLE, COLUMN)
