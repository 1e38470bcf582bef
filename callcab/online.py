"""Changes of a filled schema that is in use meanwhile. Called by migrations only.

Nothing here holds a lock for longer than a moment: rows are filled in by small transactions, indexes are made beside
the writers, constraints are checked after they hold for new rows. So these steps leave the migration's transaction, and
one that was cut off is begun again from the start: each step bears its own repetition.
"""

import time
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

BATCH = 20_000
_ADD_UP = """
INSERT INTO row_total (name, rows)
SELECT '*' || ltrim(name, '*'), sum(CASE WHEN name LIKE '*%' THEN -rows ELSE rows END)
FROM row_total GROUP BY ltrim(name, '*') HAVING sum(CASE WHEN name LIKE '*%' THEN -rows ELSE rows END) <> 0
"""


def fill(table: str, column: str, expression: str) -> None:
    """Give the rows without a value in a new column theirs, by id, BATCH ids to a transaction."""
    rows = sa.table(table, sa.column("id"), sa.column(column))
    step = sa.update(rows).where(rows.c[column].is_(None)).values({column: sa.text(expression)})
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        low, high = connection.execute(sa.select(sa.func.min(rows.c.id), sa.func.max(rows.c.id))).one()
        for start in range(low, high + 1, BATCH) if low is not None else ():
            connection.execute(step.where(rows.c.id >= start, rows.c.id < start + BATCH))


def count_rows(table: str) -> None:
    """Write down how many rows a table has that its triggers did not see come.

    Rows and kept totals are read in one statement, which sees one moment, so nobody has to stop writing. As
    ``services.row_total.repair``, which knows today's tables only.
    """
    counted = sa.table(table, sa.column("customer_id"))
    totals = sa.table("row_total", sa.column("name"), sa.column("customer_id"), sa.column("rows"))
    seen = sa.union_all(
        sa.select(counted.c.customer_id, sa.literal(1).label("rows")),
        sa.select(totals.c.customer_id, -totals.c.rows).where(totals.c.name == table),
    ).subquery()
    missing = sa.func.sum(seen.c.rows)
    unseen = sa.select(sa.literal(table), seen.c.customer_id, missing).group_by(seen.c.customer_id).having(missing != 0)
    with op.get_context().autocommit_block():
        op.execute(sa.insert(totals).from_select(["name", "customer_id", "rows"], unseen))
    add_up()


def add_up() -> None:
    """Make the totals of all customers together the sum of each one's, once all transactions that run now are over.

    Their triggers may still be those that a migration has just replaced. Totals are read in one statement, as above.
    """
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        before = connection.scalar(sa.text("SELECT pg_current_xact_id()::text::bigint"))
        while connection.scalar(sa.text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")) <= before:
            time.sleep(0.05)
        op.execute(_ADD_UP)


def index(name: str, table: str, columns: Sequence[str], *, where: str = "") -> None:
    """An index that is made while others write; what a cut-off attempt left is thrown away first."""
    drop_index(name)
    some = f" WHERE {where}" if where else ""
    _at_leisure(f'CREATE INDEX CONCURRENTLY {name} ON "{table}" ({", ".join(columns)}){some}')


def drop_index(name: str) -> None:
    """An index that nobody needs any more goes as soon as nobody reads by it."""
    _at_leisure(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def _at_leisure(statement: str) -> None:
    """Nobody waits for it, so it may wait for others as long as it takes."""
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        names = ("statement_timeout", "lock_timeout")
        limits = [connection.scalar(sa.text("SELECT current_setting(:name)"), {"name": name}) for name in names]
        for name in names:
            op.execute(f"SET {name} = 0")
        op.execute(statement)
        for name, limit in zip(names, limits, strict=True):
            op.execute(f"SET {name} = '{limit}'")


def check(table: str, name: str, condition: str) -> None:
    """A constraint that holds for new rows at once, and for the others as soon as they have been looked at."""
    with op.get_context().autocommit_block():
        op.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT IF EXISTS {name}')
        op.execute(f'ALTER TABLE "{table}" ADD CONSTRAINT {name} CHECK ({condition}) NOT VALID')
        op.execute(f'ALTER TABLE "{table}" VALIDATE CONSTRAINT {name}')


def not_null(table: str, column: str) -> None:
    """NOT NULL without a look at the whole table under a lock: a checked constraint is proof enough."""
    proof = f"{column}_there"
    check(table, proof, f"{column} IS NOT NULL")
    op.alter_column(table, column, nullable=False)
    op.drop_constraint(proof, table)
