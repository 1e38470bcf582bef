"""Row-level security and grants: the third net that keeps customers apart (design §2.1). Called by migrations only.

Two roles without log-in own nothing; the application's log-in role is a member of both and takes one per transaction
(``callcab.db``). Without a role it may do nothing at all.
"""

from collections.abc import Iterable, Mapping

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
  WITH each AS (
    SELECT customer_id, CASE TG_OP WHEN 'INSERT' THEN count(*) ELSE -count(*) END AS rows
    FROM moved GROUP BY customer_id
  )
  INSERT INTO public.row_total (name, customer_id, rows)
    SELECT TG_TABLE_NAME, customer_id, rows FROM each
    UNION ALL SELECT '*' || TG_TABLE_NAME, NULL, sum(rows) FROM each HAVING count(*) > 0;
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


_COUNT_KOPECKS = """
CREATE OR REPLACE FUNCTION count_kopecks() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.kopecks := (NEW.amount * 100)::bigint;
  RETURN NEW;
END $$
"""


def count_kopecks() -> None:
    """Keep ``payment.kopecks`` right, whoever writes the row."""
    op.execute(_COUNT_KOPECKS)
    op.execute(
        "CREATE OR REPLACE TRIGGER count_kopecks BEFORE INSERT OR UPDATE OF amount, kopecks ON payment FOR EACH ROW"
        " EXECUTE FUNCTION count_kopecks()"
    )


_PARENT_THERE = """
  IF EXISTS (
    SELECT FROM (SELECT DISTINCT {column} AS id FROM arrived WHERE {column} IS NOT NULL) AS wanted
      LEFT JOIN LATERAL (SELECT true AS there FROM public."{parent}" AS p WHERE p.id = wanted.id FOR KEY SHARE) AS held
      ON true
    WHERE held.there IS NULL
  ) THEN
    RAISE foreign_key_violation USING MESSAGE = 'no such row in {parent}', TABLE = TG_TABLE_NAME, COLUMN = '{column}';
  END IF;"""

_PARENTS_THERE = """
CREATE OR REPLACE FUNCTION {table}_parents() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN{lookups}
  RETURN NULL;
END $$
"""

# Another level of isolation would not show the trigger what others have committed meanwhile.
_NO_CHILDREN = """
CREATE OR REPLACE FUNCTION {table}_children() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found boolean;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE feature_not_supported USING MESSAGE = 'what {table} refers to goes in READ COMMITTED only';
  END IF;
  IF TG_OP = 'TRUNCATE' THEN
    EXECUTE format('SELECT EXISTS (SELECT FROM public.{table} WHERE %I IS NOT NULL)', TG_ARGV[0]) INTO found;
  ELSE
    EXECUTE format('SELECT EXISTS (SELECT FROM public.{table} WHERE %I = $1)', TG_ARGV[0]) INTO found USING OLD.id;
  END IF;
  IF found THEN
    RAISE foreign_key_violation USING MESSAGE = 'rows of {table} refer to it', TABLE = '{table}', COLUMN = TG_ARGV[0];
  END IF;
  RETURN NULL;
END $$
"""


def refer(table: str, parents: Mapping[str, str]) -> None:
    """Foreign keys of a table that is written in bulk: column -> the table whose ``id`` it holds (docs/adr/0015).

    Each parent is looked up and locked once per statement, as a foreign key would do for every row; one that rows refer
    to can't go or change its id.
    """
    lookups = "".join(_PARENT_THERE.format(column=column, parent=parent) for column, parent in parents.items())
    op.execute(_PARENTS_THERE.format(table=table, lookups=lookups))
    op.execute(_NO_CHILDREN.format(table=table))
    for function in ("parents", "children"):
        op.execute(f"REVOKE ALL ON FUNCTION {table}_{function}() FROM PUBLIC")
    for word in ("INSERT", "UPDATE"):
        op.execute(
            f"CREATE TRIGGER parents_{word.lower()} AFTER {word} ON {table} REFERENCING NEW TABLE AS arrived"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {table}_parents()"
        )
    for column, parent in parents.items():
        for name, event, each in (("kept", "DELETE OR UPDATE OF id", "ROW"), ("whole", "TRUNCATE", "STATEMENT")):
            op.execute(
                f'CREATE TRIGGER {table}_{column}_{name} AFTER {event} ON "{parent}"'
                f" FOR EACH {each} EXECUTE FUNCTION {table}_children('{column}')"
            )


def forget_parents(table: str, parents: Mapping[str, str]) -> None:
    """The way back of ``refer``."""
    for word in ("insert", "update"):
        op.execute(f"DROP TRIGGER parents_{word} ON {table}")
    for column, parent in parents.items():
        for name in ("kept", "whole"):
            op.execute(f'DROP TRIGGER {table}_{column}_{name} ON "{parent}"')
    for function in ("parents", "children"):
        op.execute(f"DROP FUNCTION {table}_{function}()")


_SESSION_HOLDER = """
CREATE OR REPLACE FUNCTION session_holder(asked_hash text, asked_at timestamptz, asked_from inet)
RETURNS TABLE (session_id bigint, last_seen_at timestamptz, user_id bigint, email text, name text, role text,
  language text, customer_id bigint, list_settings jsonb, viewed_lists text[], has_second_factor boolean,
  customer_name text, zone text, balance numeric, ip_open_until timestamptz,
  rules bigint, rule_id bigint, rule_used_at timestamptz)
LANGUAGE plpgsql STABLE ROWS 1 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT s.id, s.last_seen_at, u.id, u.email::text, u.name::text, u.role::text, u.language::text, u.customer_id,
    u.list_settings,
    ARRAY(SELECT DISTINCT v.list_name::text FROM public.saved_view AS v
      WHERE v.customer_id IS NOT DISTINCT FROM u.customer_id AND (v.owner_id = u.id OR v.shared)),
    u.totp_secret IS NOT NULL AND u.totp_last_step IS NOT NULL,
    c.name::text, c.zone::text, c.balance, c.ip_open_until, door.rules, door.rule_id, door.used_at
  FROM public.session_record AS s
  JOIN public."user" AS u ON u.id = s.user_id
  LEFT JOIN public.customer AS c ON c.id = u.customer_id
  CROSS JOIN LATERAL (
    SELECT count(*) AS rules, max(r.id) FILTER (WHERE r.network >>= asked_from) AS rule_id,
      max(r.last_used_at) FILTER (WHERE r.network >>= asked_from) AS used_at
    FROM public.ip_rule AS r WHERE r.customer_id = u.customer_id OR (r.customer_id IS NULL AND u.customer_id IS NULL)
  ) AS door
  WHERE s.token_hash = asked_hash AND s.revoked_at IS NULL AND s.expires_at > asked_at
    AND u.status = 'active' AND (c.id IS NULL OR c.status = 'active');
END $$
"""


def create_session_holder() -> None:
    """Who holds a session's token, in one exchange before each request: no transaction, no role.

    Everybody who may log in to the database may ask it: only who has the token's hash learns anything.
    """
    op.execute(_SESSION_HOLDER)


_FORGET_CUSTOMERS = """
CREATE OR REPLACE FUNCTION forget_customers(wanted bigint[]) RETURNS SETOF bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  one bigint;
BEGIN
  FOREACH one IN ARRAY wanted LOOP
    BEGIN
      DELETE FROM public."user" WHERE customer_id = one AND version = 1 AND password_changed_at IS NULL;
      DELETE FROM public.customer WHERE id = one AND version = 1 AND operation_id IS NOT NULL;
      IF NOT FOUND THEN
        RAISE foreign_key_violation;
      END IF;
      RETURN NEXT one;
    EXCEPTION WHEN foreign_key_violation THEN
      NULL;
    END;
  END LOOP;
END $$
"""


def create_forgetting() -> None:
    """``forget_customers(ids)`` deletes those that a load has made and nobody has touched since, and gives their ids.

    Whatever refers to a customer or his owner keeps both: a letter, a log-in, an address, money. No role may delete
    customers by itself.
    """
    op.execute(_FORGET_CUSTOMERS)
    op.execute("REVOKE ALL ON FUNCTION forget_customers(bigint[]) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION forget_customers(bigint[]) TO {STAFF_ROLE}")
