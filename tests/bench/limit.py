"""The limit: the same pages by hand, with nothing that a product needs besides.

Bare WSGI, psycopg as the owner, lean copies of the tables with the best index for each question, one plain template.
No log-in, no policies, no permissions, no languages.
"""

import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from jinja2 import Environment

from tests.bench.data import MIDDLE, SUM, TAIL, WHOLE

MOSCOW = ZoneInfo("Europe/Moscow")
PAGE = 50
TABLES = """
CREATE SCHEMA lean;
CREATE TABLE lean.entry AS SELECT e.id, e.customer_id, e.phone, c.name, e.source, e.reason, e.created_at, e.author_name
  FROM blacklist_entry AS e LEFT JOIN customer AS c ON c.id = e.customer_id ORDER BY e.id;
CREATE INDEX ON lean.entry (created_at, id);
CREATE INDEX ON lean.entry (customer_id, created_at, id);
CREATE INDEX ON lean.entry (phone, id);
CREATE INDEX ON lean.entry (customer_id, phone, id);
CREATE INDEX ON lean.entry ((phone % 10000), created_at, id);
CREATE INDEX ON lean.entry (customer_id, (phone % 10000), created_at, id);
CREATE INDEX ON lean.entry (source, created_at, id);
CREATE INDEX ON lean.entry (customer_id, source, created_at, id);
CREATE INDEX ON lean.entry USING gin ((phone::text) gin_trgm_ops);
CREATE TABLE lean.payment AS SELECT p.id, p.customer_id, p.created_at, c.name, p.amount, p.kind, p.method,
  p.tariff_name, p.receipt_url FROM payment AS p JOIN customer AS c ON c.id = p.customer_id ORDER BY p.id;
CREATE INDEX ON lean.payment (created_at, id);
CREATE INDEX ON lean.payment (customer_id, created_at, id);
CREATE INDEX ON lean.payment (amount, created_at, id);
CREATE INDEX ON lean.payment (customer_id, amount, created_at, id);
CREATE TABLE lean.blocked (customer_id bigint REFERENCES customer, phone bigint, PRIMARY KEY (customer_id, phone));
INSERT INTO lean.blocked SELECT DISTINCT customer_id, phone FROM lean.entry WHERE customer_id IS NOT NULL;
CREATE TABLE lean.total (name text, customer_id bigint, rows bigint, PRIMARY KEY (name, customer_id));
INSERT INTO lean.total SELECT 'entry', coalesce(customer_id, 0), count(*) FROM lean.entry GROUP BY 2;
INSERT INTO lean.total SELECT 'payment', customer_id, count(*) FROM lean.payment GROUP BY 2;
INSERT INTO lean.total SELECT name, -1, sum(rows) FROM lean.total GROUP BY name;
"""
TEMPLATE = Environment(autoescape=True).from_string("""<!doctype html><html lang="ru"><title>Список</title>
<h1>Список</h1><form><input name="search"><button>Поиск</button></form><p>Всего найдено: {{ total }}</p>
<table><thead><tr><th>№</th></tr></thead><tbody>
{%- for row in rows %}<tr><td><input type="checkbox" name="id" value="{{ row[0] }}"></td>
{%- for cell in row[1:] %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor -%}
</tbody></table><a href="?after={{ after }}">Дальше</a></html>""")


@dataclass(frozen=True)
class Question:
    """A page by hand: what of which table, in which order; ``count`` is a statement of its own, or a capped count."""

    table: str
    where: str = "true"
    order: str = "created_at DESC, id DESC"
    values: dict[str, Any] = field(default_factory=dict)
    kept: bool = False
    # Rare rows are found by their own index, then narrowed to these and ordered, whatever the planner thinks.
    among: str = ""

    @property
    def rows(self) -> str:
        columns = "id, phone, name, source, reason, created_at, author_name"
        if self.table == "payment":
            columns = "id, created_at, name, amount, kind, method, tariff_name, receipt_url"
        if self.among:
            return (
                f"{self._found} SELECT {columns} FROM found WHERE {self.among} ORDER BY {self.order} LIMIT {PAGE + 1}"
            )
        return f"SELECT {columns} FROM lean.{self.table} WHERE {self.where} ORDER BY {self.order} LIMIT {PAGE + 1}"

    @property
    def count(self) -> str:
        if self.kept:
            return "SELECT rows FROM lean.total WHERE name = %(name)s AND customer_id = %(owner)s"
        if self.among:
            return f"{self._found} SELECT count(*) FROM found WHERE {self.among}"
        return f"SELECT count(*) FROM (SELECT 1 FROM lean.{self.table} WHERE {self.where} LIMIT 10001) AS counted"

    @property
    def _found(self) -> str:
        return f"WITH found AS MATERIALIZED (SELECT * FROM lean.{self.table} WHERE {self.where})"


def questions(
    customer_id: int | None, after: tuple[datetime, int] | None, month: tuple[datetime, datetime], payer: int
):
    """The works of ``pages`` that have a limit, by name, for one customer or for all."""
    mine = "true" if customer_id is None else "customer_id = %(owner)s"
    owner = {"owner": -1 if customer_id is None else customer_id}

    def entry(where: str = "true", order: str = "created_at DESC, id DESC", *, kept=False, **values):
        return Question("entry", f"{mine} AND {where}", order, owner | {"name": "entry"} | values, kept)

    def payment(where: str = "true", order: str = "created_at DESC, id DESC", *, kept=False, **values):
        return Question("payment", f"{mine} AND {where}", order, owner | {"name": "payment"} | values, kept)

    at, row_id = after or (None, None)
    like = "phone::text LIKE %(like)s"
    return {
        "first page": entry(kept=True),
        "page by keyset": entry("(created_at, id) < (%(at)s, %(id)s)", kept=True, at=at, id=row_id),
        "whole number": entry("phone = %(phone)s", phone=WHOLE),
        "last four digits": entry("phone %% 10000 = %(tail)s", tail=int(TAIL)),
        "four digits": Question("entry", like, values=owner | {"like": f"%{TAIL}%"}, among=mine),
        "three digits": entry(like, like=f"%{MIDDLE[:3]}%"),
        "six digits": Question("entry", like, values=owner | {"like": f"%{MIDDLE}%"}, among=mine),
        "ten digits": entry("phone = %(phone)s", phone=WHOLE),
        "sort by phone": entry(order="phone, id", kept=True),
        "chip of a source": entry("source = 'ivr'"),
        "one customer's list": Question(
            "entry", "customer_id = %(owner)s", values={"name": "entry", "owner": payer}, kept=True
        ),
        "payments": payment(kept=True),
        "payments by sum": payment(order="amount, id", kept=True),
        "payments of a month": payment(
            "customer_id = %(payer)s AND created_at >= %(low)s AND created_at < %(high)s",
            payer=payer,
            low=month[0],
            high=month[1],
        ),
        "payments of a sum": payment("amount = %(sum)s", sum=Decimal(SUM)),
    }


class Pages:
    """The WSGI application: a page for each name."""

    def __init__(self, address: str, known: dict[str, Question]) -> None:
        self.connection = psycopg.connect(address, autocommit=True)
        self.connection.prepare_threshold = 1
        self.known = known

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        asked = self.known[environ["QUERY_STRING"]]
        rows = self.connection.execute(asked.rows, asked.values).fetchall()
        found = self.connection.execute(asked.count, asked.values).fetchone()
        total = found[0] if found else 0
        text = TEMPLATE.render(
            rows=[[words(cell) for cell in row] for row in rows[:PAGE]],
            total="10 000+" if total > 10_000 and not asked.kept else f"{total:,}".replace(",", "\u00a0"),
            after=rows[PAGE - 1][0] if len(rows) > PAGE else "",
        )
        body = text.encode()
        start("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))])
        return [body]


def words(value: Any) -> Any:
    """Russian forms by hand."""
    if isinstance(value, datetime):
        return value.astimezone(MOSCOW).strftime("%d.%m.%Y %H:%M")
    if isinstance(value, Decimal):
        return f"{value:,.2f} ₽".replace(",", "\u00a0").replace(".", ",")
    if isinstance(value, int) and value > 70_000_000_000:
        text = str(value)
        return f"+7({text[1:4]}){text[4:7]}-{text[7:9]}-{text[9:]}"
    return "—" if value is None or value == "" else value


def served(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """The same for a server of its own; each thread has its connection."""
    pages: Pages | None = getattr(_own, "pages", None)
    if pages is None:
        pages = _own.pages = Pages(os.environ["LIMIT_ADDRESS"], {"first": Question("entry", values=FIRST, kept=True)})
    return pages(environ, start)


FIRST = {"name": "entry", "owner": -1}
_own = threading.local()
