"""totals of all customers together are kept as parts of their own."""

from alembic import op

from callcab import online, policies

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

COUNTED_BEFORE = """
CREATE OR REPLACE FUNCTION keep_total() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO public.row_total (name, customer_id, rows)
    SELECT TG_TABLE_NAME, customer_id, CASE TG_OP WHEN 'INSERT' THEN count(*) ELSE -count(*) END
    FROM moved GROUP BY customer_id;
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    policies.create_counting()
    online.add_up()


def downgrade() -> None:
    op.execute(COUNTED_BEFORE)
    op.execute("DELETE FROM row_total WHERE name LIKE '*%'")
