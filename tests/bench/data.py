"""Rows by the million as years of use would leave them: phones, sources, reasons, dates, money that agrees.

Written by the owner of the tables with INSERT … SELECT, in the order of time; plain indexes are made afterwards. What
the application would refuse is not there: entries and balances agree, and so do the totals that it keeps.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import sqlalchemy as sa

from callcab.db import CabSession, unit_of_work
from callcab.lib import clock
from callcab.models import BlacklistEntry, Customer, NumberKind, NumberState, Payment, PhoneNumber
from callcab.scope import Scope
from callcab.services import ledger, listing, password
from callcab.services.specs.blacklist import BLACKLIST
from callcab.services.specs.payment import PAYMENT
from tests import factories

PASSWORD = "correct horse bench"
SUPPORT, OWNER, IMPORTER = "support@bench.example", "owner@bench.example", "importer@bench.example"
SYSTEM = Scope.system("bench")
# So many numbers end with TAIL and hold MIDDLE, so that a search finds a full page in any number of rows.
PLANTED, TAIL, MIDDLE = 60, "4477", "944447"
WHOLE = 79259444477
# A sum that so many payments have.
SUM = "1234.56"
YEARS = timedelta(days=730)


@dataclass(frozen=True)
class Plan:
    """How many: ``big`` rows of the first customer, ``each`` of ``others``; payments, of which ``paid`` are his."""

    big: int
    others: int
    each: int
    customers: int
    payments: int
    paid: int
    numbers: int

    @property
    def entries(self) -> int:
        return self.big + self.others * self.each


def plan(scale: float) -> Plan:
    """Scale 1 is 10,000,000 rows in the blacklist and 5,000,000 payments."""
    payments = int(5_000_000 * scale)
    return Plan(
        big=int(1_000_000 * scale),
        others=900,
        each=max(int(10_000 * scale), 1),
        customers=1_000,
        payments=payments,
        paid=min(5_000, payments // 2),
        numbers=int(100_000 * scale),
    )


# The same pages over 10,000 rows, all of one customer.
FLAT = Plan(big=10_000, others=0, each=0, customers=60, payments=5_000, paid=5_000, numbers=1_000)


def fill(owner_url: str, wanted: Plan) -> None:
    """Fill a fresh schema. The process-wide engine is connected to it already."""
    with unit_of_work(SYSTEM) as session:
        people(session, wanted)
    with unit_of_work(SYSTEM) as session:
        numbers(session, wanted)
    address = owner_url.replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET maintenance_work_mem = '512MB'")
        for table, write in (("blacklist_entry", entries), ("ledger_entry", charges), ("payment", payments)):
            with indexes_later(connection, table):
                write(connection, wanted)
        connection.execute("VACUUM (ANALYZE)")
    with unit_of_work(SYSTEM) as session:
        check(session)


def people(session: CabSession, wanted: Plan) -> None:
    """Customers from two years ago on, the first has the big lists; somebody of support, and owners of two."""
    tariff, begun = factories.tariff(session), clock.now() - YEARS
    step = YEARS / wanted.customers
    session.execute(
        sa.insert(Customer),
        [
            {
                "name": f"ООО «Заря {number}»" if number % 3 else f"ИП Смирнов {number}",
                "email": f"office{number}@zarya.example",
                "inn": f"77{number:08}",
                "tariff_id": tariff.id,
                "created_at": begun + step * number,
            }
            for number in range(wanted.customers)
        ],
    )
    first, last = session.execute(sa.select(sa.func.min(Customer.id), sa.func.max(Customer.id))).one()
    secret = password.hash_password(PASSWORD)
    factories.user(session, None, "admin", email=SUPPORT, name="Саша Поддержка", password_hash=secret)
    for email, customer_id in ((OWNER, first), (IMPORTER, last)):
        owner = session.get_one(Customer, customer_id)
        factories.user(session, owner, "owner", email=email, name="Ольга Владелец", password_hash=secret)


def numbers(session: CabSession, wanted: Plan) -> None:
    """A pool of shared numbers, some of the platform's own, personal ones of many customers, many of the first."""
    now = clock.now()
    ids = session.scalars(sa.select(Customer.id).order_by(Customer.id)).all()
    rows = []
    for number in range(wanted.numbers):
        kind = (NumberKind.PERSONAL, NumberKind.DUTY, *[NumberKind.SHARED] * 6)[number % 8]
        personal = kind is NumberKind.PERSONAL
        owner = ids[0] if number % 16 == 0 and number < 16_000 else ids[number % len(ids)]
        state = NumberState.VERIFIED if personal else NumberState.BLOCKED if number % 50 == 1 else NumberState.FREE
        phone = 74950000000 + number
        created = now - YEARS + YEARS * number / wanted.numbers
        values = {"phone": phone, "kind": kind, "state": state, "created_at": created}
        rows.append({**values, "customer_id": owner if personal else None})
    for start in range(0, len(rows), 10_000):
        session.execute(sa.insert(PhoneNumber), rows[start : start + 10_000])


@contextmanager
def indexes_later(connection: psycopg.Connection, table: str) -> Iterator[None]:
    """Take the plain indexes away and make them again at the end; keys and unique ones stay."""
    plain = connection.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = %s::regclass AND NOT indisunique",
        (table,),
    ).fetchall()
    for name, _ in plain:
        connection.execute(f"DROP INDEX {name}")
    yield
    for _, definition in plain:
        connection.execute(definition)


_ENTRIES = """
INSERT INTO blacklist_entry (customer_id, phone, source, reason, author_name, created_at, expires_at)
SELECT customer_id, phone, source,
  CASE source WHEN 'ivr' THEN '' WHEN 'api' THEN 'Заявка с сайта' WHEN 'operator' THEN 'Отказ у оператора'
    ELSE (ARRAY['Просил не звонить', 'Жалоба', 'Бывший клиент', 'Отписка от рассылки', ''])[1 + n %% 5] END,
  CASE source WHEN 'ivr' THEN '' WHEN 'api' THEN 'Ключ: CRM' ELSE 'Ольга Владелец' END,
  %(begun)s + %(years)s * (n::float8 / %(total)s),
  CASE WHEN n %% 50 = 7 THEN %(begun)s + %(years)s * 1.5 END
FROM (
  SELECT n, customer_id,
    CASE WHEN planted > 0 THEN 79009444477 + planted * 10000000
      ELSE 79000000000 + (place * 618033989) %% 1000000000 END AS phone,
    (ARRAY['file', 'ivr', 'file', 'api', 'file', 'ivr', 'clipboard', 'file', 'hand', 'file', 'ivr', 'operator'])
      [1 + (n / 10) %% 12] AS source
  FROM (
    SELECT n,
      CASE WHEN n %% %(share)s = 0 THEN %(first)s ELSE %(first)s + 1 + k %% greatest(%(others)s, 1) END AS customer_id,
      CASE WHEN n %% %(share)s = 0 THEN 500000000::bigint + n / %(share)s
        ELSE k / greatest(%(others)s, 1) + (k %% 300) * %(each)s END AS place,
      CASE WHEN n %% (%(share)s::bigint * %(stride)s) = 0 THEN n / (%(share)s::bigint * %(stride)s) + 1
        ELSE 0 END AS planted
    FROM (SELECT n, n - n / %(share)s - 1 AS k FROM generate_series(0::bigint, %(total)s - 1) AS n) AS numbered
  ) AS owned
) AS known ORDER BY n
ON CONFLICT DO NOTHING
"""
_PLATFORM = """
INSERT INTO blacklist_entry (customer_id, phone, source, reason, author_name, created_at)
SELECT NULL, 79990000000 + n, 'hand', 'Решение поддержки', 'Лида Старшая', now() - n * interval '5 hours'
FROM generate_series(1, 100) AS n
"""


def entries(connection: psycopg.Connection, wanted: Plan) -> None:
    """Every ``share``-th row in time is the big customer's; three others at a time have the same numbers."""
    share = wanted.entries // wanted.big
    values = {"total": wanted.big * share, "share": share, "stride": max(wanted.big // PLANTED, 1)}
    numbers = {"others": wanted.others, "each": wanted.each, "first": _first(connection)}
    connection.execute(_ENTRIES, values | numbers | {"begun": clock.now() - YEARS, "years": YEARS})
    connection.execute(_PLATFORM)


# Numbered in the order of time; every so many the first customer's, the rest everybody's in turn.
_MONEY = """
CREATE TEMPORARY TABLE paying AS
SELECT n, customer_id, amount, method, created_at,
  sum(amount) OVER (PARTITION BY customer_id ORDER BY n) AS balance
FROM (
  SELECT n,
    CASE WHEN n %% %(share)s = 0 AND n / %(share)s <= %(paid)s THEN %(first)s
      ELSE %(first)s + 1 + n %% (%(customers)s - 1) END AS customer_id,
    CASE WHEN n %% (%(share)s::bigint * %(stride)s) = 0 THEN %(sum)s
      WHEN n %% (23 * %(share)s::bigint) = 0 THEN -(50 + n %% 900)
      WHEN n %% 23 = 0 THEN 50 + n %% 900 ELSE (ARRAY[500, 1000, 3000, 5000, 1500, 10000])[1 + n %% 6]
      + CASE WHEN n %% 4 = 0 THEN (n %% 9973) / 100.0 ELSE 0 END END::numeric(14, 2) AS amount,
    CASE WHEN n %% (%(share)s::bigint * %(stride)s) = 0 THEN 'card' WHEN n %% 23 = 0 THEN 'manual' WHEN n %% 17 = 0
      THEN 'promo' ELSE (ARRAY['card', 'sbp', 'sbp', 'invoice'])[1 + n %% 4] END AS method,
    %(begun)s + %(years)s * (n::float8 / %(total)s) AS created_at
  FROM generate_series(1::bigint, %(total)s) AS n
) AS money
"""
_CHARGES = """
INSERT INTO ledger_entry (id, customer_id, kind, account, amount, balance_after, idempotency_key, cause, created_at)
SELECT n, customer_id,
  CASE method WHEN 'manual' THEN 'correction' WHEN 'promo' THEN 'promo' ELSE 'payment' END,
  CASE method WHEN 'manual' THEN 'correction' WHEN 'promo' THEN 'promo' ELSE 'bank' END,
  amount, balance, 'payment:' || n, 'payment', created_at
FROM paying ORDER BY n
"""
_PAYMENTS = """
INSERT INTO payment (id, customer_id, kind, method, amount, tariff_name, receipt_url, reason, ledger_entry_id,
  external_id, created_at)
SELECT n, customer_id, CASE method WHEN 'manual' THEN 'adjustment' ELSE 'credit' END, method, amount, 'Базовый',
  CASE WHEN n % 3 = 0 THEN 'https://check.example/' || n END, CASE method WHEN 'manual' THEN 'Сверка' ELSE '' END, n,
  'bank:' || n, created_at
FROM paying ORDER BY n
"""
_BALANCES = """
UPDATE customer SET balance = paid.total FROM (
  SELECT customer_id, sum(amount) AS total FROM paying GROUP BY customer_id) AS paid WHERE id = customer_id
"""


def charges(connection: psycopg.Connection, wanted: Plan) -> None:
    share = wanted.payments // wanted.paid
    values = {"total": wanted.payments, "share": share, "paid": wanted.paid, "customers": wanted.customers}
    more = {"stride": max(wanted.paid // PLANTED, 1), "first": _first(connection), "sum": SUM}
    connection.execute(_MONEY, values | more | {"begun": clock.now() - YEARS, "years": YEARS})
    connection.execute(_CHARGES)
    connection.execute(_BALANCES)
    connection.execute("SELECT setval(pg_get_serial_sequence('ledger_entry', 'id'), max(id)) FROM ledger_entry")


def payments(connection: psycopg.Connection, wanted: Plan) -> None:
    connection.execute(_PAYMENTS)
    connection.execute("SELECT setval(pg_get_serial_sequence('payment', 'id'), max(id)) FROM payment")


def _first(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT min(id) FROM customer").fetchone()
    assert row is not None
    return int(row[0])


def check(session: CabSession) -> None:
    """What the nightly check looks at, and the totals that lists keep."""
    assert ledger.discrepancies(session) == []
    assert session.scalar(sa.select(sa.func.sum(Payment.amount))) == session.scalar(
        sa.select(sa.func.sum(Customer.balance))
    )
    first = session.scalar(sa.select(sa.func.min(Customer.id)))
    for spec, model in ((BLACKLIST, BlacklistEntry), (PAYMENT, Payment)):
        counted = session.scalar(sa.select(sa.func.count()).select_from(model).where(model.customer_id == first))
        shown = listing.count_matching(session, spec, listing.ListState(), customer_id=first)
        assert shown.value == counted and counted, f"{spec.name}: {shown.value} shown, {counted} there"
