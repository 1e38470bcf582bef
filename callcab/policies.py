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


_KEEP_TOTAL = """
CREATE OR REPLACE FUNCTION keep_total() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO public.row_total (name, customer_id, rows)
    SELECT TG_TABLE_NAME, customer_id, CASE TG_OP WHEN 'INSERT' THEN count(*) ELSE -count(*) END
    FROM moved GROUP BY customer_id;
  RETURN NULL;
END $$
"""


def create_counting() -> None:
    """The function behind ``count_rows``: it writes what no role of the application may write by itself."""
    op.execute(_KEEP_TOTAL)
    op.execute("REVOKE ALL ON FUNCTION keep_total() FROM PUBLIC")


def count_rows(table: str) -> None:
    """Keep the totals of a table (``models.row_total``) from now on; ``online.count_rows`` adds what is there."""
    for word, seen in (("INSERT", "NEW"), ("DELETE", "OLD")):
        op.execute(
            f"CREATE TRIGGER count_{word.lower()} AFTER {word} ON {table} REFERENCING {seen} TABLE AS moved"
            " FOR EACH STATEMENT EXECUTE FUNCTION keep_total()"
        )


def forget_rows(table: str) -> None:
    """The way back of ``count_rows``."""
    for word in ("insert", "delete"):
        op.execute(f"DROP TRIGGER count_{word} ON {table}")


_REVERSE_PHONE = """
CREATE OR REPLACE FUNCTION reverse_phone() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.phone_reversed := reverse(NEW.phone::text)::bigint;
  RETURN NEW;
END $$
"""


def create_reversing() -> None:
    """The function behind ``reverse_phones``."""
    op.execute(_REVERSE_PHONE)


def reverse_phones(table: str) -> None:
    """Keep ``phone_reversed`` of a table right; a statement that gives it by itself is spared a call per row."""
    op.execute(
        f'CREATE OR REPLACE TRIGGER reverse_phone BEFORE INSERT ON "{table}" FOR EACH ROW'
        " WHEN (NEW.phone_reversed IS NULL) EXECUTE FUNCTION reverse_phone()"
    )
    op.execute(
        f'CREATE OR REPLACE TRIGGER reverse_new_phone BEFORE UPDATE OF phone ON "{table}" FOR EACH ROW'
        " EXECUTE FUNCTION reverse_phone()"
    )
