"""Row-level security and grants: the third net that keeps customers apart (design §2.1). Called by migrations only.

Two roles without log-in own nothing; the application's log-in role is a member of both and takes one per transaction
(``callcab.db``). Without a role it may do nothing at all.
"""

from collections.abc import Iterable

from alembic import op

from callcab.scope import STAFF_ROLE, TENANT_ROLE

MINE = "customer_id = nullif(current_setting('callcab.customer_id', true), '')::bigint"


def create_roles() -> None:
    """Roles belong to the whole server: another database of it may have made them already."""
    for role in (TENANT_ROLE, STAFF_ROLE):
        op.execute(
            f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN NOINHERIT;"
            " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
        op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")


def confine(table: str, mine: str = MINE, *, readable: str | None = None) -> None:
    """Confine a table to the tenant's rows; support sees all.

    mine      SQL condition of the rows that the tenant may write
    readable  condition of the rows that he may read, if wider
    """
    op.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
    op.execute(f'CREATE POLICY tenant ON "{table}" TO {TENANT_ROLE} USING ({mine}) WITH CHECK ({mine})')
    if readable:
        op.execute(f'CREATE POLICY tenant_reads ON "{table}" FOR SELECT TO {TENANT_ROLE} USING ({readable})')
    op.execute(f'CREATE POLICY staff ON "{table}" TO {STAFF_ROLE} USING (true) WITH CHECK (true)')


def grant(role: str, privileges: str, tables: Iterable[str]) -> None:
    """Give a role the privileges on each table."""
    for table in tables:
        op.execute(f'GRANT {privileges} ON "{table}" TO {role}')
