"""Pages of lists as people see them: the whole web stack in this process, beside the same page by hand."""

import io
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import Flask
from werkzeug.datastructures import MultiDict
from werkzeug.test import EnvironBuilder

from callcab import db
from callcab.db import CabSession
from callcab.embedded.postgres import OWNER_ROLE
from callcab.models import BlacklistEntry, Customer
from callcab.scope import Scope
from callcab.services import listing
from callcab.services.specs.blacklist import BLACKLIST, BLACKLIST_SUPPORT
from callcab.services.specs.payment import PAYMENT
from callcab.web.listing.address import CursorSigner
from tests.bench import data, limit
from tests.bench.data import MIDDLE, SUM, TAIL, WHOLE
from tests.bench.house import SECRET, Place, apart, cookie
from tests.bench.meter import Backends, Cost, cost
from tests.bench.table import Row
from tests.statements import hearing

FAR = 5_000
ROUNDS = 4
WEB, BASE, TIMES, GROWS, P95, JUMP = 6.0, 2.0, 6.0, 1.5, 12.0, 25.0
GOAL = f"CPU ≤ {WEB:g} + {BASE:g}, ≤ {TIMES:g} × limit, flat ≤ {GROWS:g}"
SIDES = (("support", "/admin", data.SUPPORT), ("cabinet", "/cabinet", data.OWNER))
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass
class Look:
    """What a page cost on one side, None when it was ``refused``; ``rows`` it showed, ours and the limit's."""

    ours: Cost | None
    limit: Cost | None = None
    rows: tuple[int, int] = (0, 0)
    refused: str = ""

    def __add__(self, more: "Look") -> "Look":
        if self.ours is None or more.ours is None:
            return self if self.refused else more
        limit = self.limit + more.limit if self.limit and more.limit else None
        return Look(self.ours + more.ours, limit, more.rows)


class Refused(Exception):
    """An answer that is no page."""


@dataclass(frozen=True)
class Facts:
    """What addresses are made of: the big customer, far cursors by side, a month of payments, the page they lead to."""

    customer_id: int
    far: dict[str, str]
    after: dict[str, tuple[datetime, int]]
    month: tuple[datetime, datetime]
    page: dict[str, int]


def addresses(side: str, facts: Facts) -> dict[str, str]:
    """The works of one side: name and address below it."""
    month = {
        "created_from": f"{facts.month[0]:%d.%m.%Y}",
        "created_to": f"{facts.month[1] - timedelta(days=1):%d.%m.%Y}",
    }
    payer = {"customer": facts.customer_id} if side == "support" else {}
    found = {
        "first page": "blacklist/",
        "page by keyset": f"blacklist/?{urlencode({'after': facts.far[side]})}",
        "whole number": f"blacklist/?search={WHOLE}",
        "last four digits": f"blacklist/?search=*{TAIL}",
        "four digits": f"blacklist/?search={TAIL}",
        "three digits": f"blacklist/?search={MIDDLE[:3]}",
        "six digits": f"blacklist/?search={MIDDLE}",
        "ten digits": f"blacklist/?search={str(WHOLE)[1:]}",
        "sort by phone": "blacklist/?sort=phone",
        "chip of a source": "blacklist/?source=ivr",
        "counts on chips": "blacklist/facets/",
        "payments": "payments/",
        "payments by sum": "payments/?sort=amount",
        "payments of a month": f"payments/?{urlencode(payer | month)}",
        "payments of a sum": f"payments/?{urlencode({'search': SUM})}",
        "numbers": "numbers/",
        "numbers by digits": "numbers/?search=74950000",
    }
    if side == "support":
        found |= {
            "one customer's list": f"blacklist/?customer={facts.customer_id}",
            "chip of the platform": "blacklist/?list=platform",
        }
        found |= {"customers": "clients/", "customers by name": f"clients/?{urlencode({'search': 'Заря'})}"}
    return found


Looks = dict[tuple[str, str], Look]


def measure(at: Place, beside: bool) -> Looks:
    """One round: every page of both sides, ``beside`` its limit. For a process of its own."""
    app = at.app()
    return dict(once(at, app, find(at), beside))


def more(at: Place) -> list[Row]:
    """Totals and jumps. For a process of its own."""
    app = at.app()
    facts = find(at)
    return [*totals(at, facts), *jumps(at, app, facts)]


def once(at: Place, app: Flask, facts: Facts, beside: bool) -> Iterator[tuple[tuple[str, str], Look]]:
    """Side and name of each page, and what it cost."""
    for side, base, email in SIDES:
        header, backends = cookie(app, email), at.backends()
        owner = facts.customer_id if side == "cabinet" else None
        known = limit.questions(owner, facts.after[side], facts.month, facts.customer_id) if beside else {}
        by_hand = limit.Pages(at.address, known)
        for name, address in addresses(side, facts).items():
            yield (side, name), look(at, app, f"{base}/{address}", header, backends, by_hand, name)
        by_hand.connection.close()


def look(at: Place, app: Flask, url: str, header: str, backends: Backends, by_hand: limit.Pages, name: str) -> Look:
    page, other, least = Caller(app, url, header), None, None
    if name in by_hand.known:
        other = Caller(by_hand, f"/?{name}")
        other.environ["QUERY_STRING"] = name
        least = cost(other, Backends(at.postmaster, OWNER_ROLE), **at.looks)
    try:
        with hearing() as heard:
            page()
        ours = cost(page, backends, **at.looks)
    except Refused as problem:
        return Look(None, least, refused=str(problem))
    ours.statements = len(heard)
    return Look(ours, least, (page.rows, other.rows if other else page.rows))


class Caller:
    """Asks a WSGI application for one address again and again, as a server would."""

    def __init__(self, app: Wsgi, url: str, header: str = "") -> None:
        path, _, query = url.partition("?")
        headers = {"Cookie": header, "User-Agent": "bench", "Accept-Language": "ru"}
        self.app, self.url = app, url
        self.environ = EnvironBuilder(
            path, query_string=query, headers=headers, environ_base={"REMOTE_ADDR": "127.0.0.1"}
        ).get_environ()
        self.body = b""

    def __call__(self) -> None:
        status: list[str] = []
        begun = time.perf_counter()
        answer = self.app(
            {**self.environ, "wsgi.input": io.BytesIO()}, lambda line, headers, error=None: status.append(line)
        )
        self.body = b"".join(answer)
        close = getattr(answer, "close", None)
        if close is not None:
            close()
        if not status[0].startswith("200"):
            raise Refused(f"answered {status[0]} after {time.perf_counter() - begun:.1f} s")

    @property
    def rows(self) -> int:
        """Rows of the table that came."""
        return self.body.partition(b"<tbody")[2].partition(b"</tbody>")[0].count(b"<tr")


def find(at: Place) -> Facts:
    """The first customer, a page far down each list, and a month a year ago."""
    signer = CursorSigner(SECRET)
    with CabSession(bind=db.engine(), scope=Scope.system("bench"), read_only=True) as session:
        first = session.scalar(sa.select(sa.func.min(Customer.id))) or 0
        newest = session.scalar(
            sa.select(sa.func.max(BlacklistEntry.created_at)).where(BlacklistEntry.customer_id == first)
        )
        assert newest is not None
    far, after, page = {}, {}, {}
    for side, spec, rows, owner in (
        ("support", BLACKLIST_SUPPORT, at.plan.entries, None),
        ("cabinet", BLACKLIST, at.plan.big, first),
    ):
        page[side] = max(min(FAR, rows // limit.PAGE // 2), 2)
        asked = listing.parse(spec, MultiDict({"page": str(page[side] - 1)}), zone=limit.MOSCOW)
        scope = Scope.tenant(owner) if owner else Scope.staff()
        with CabSession(bind=db.engine(), scope=scope, read_only=True) as session:
            before = listing.fetch_page(session, spec, asked, signer=signer, customer_id=owner)
            far[side] = before.next
            after[side] = (before.rows[-1].created_at, before.rows[-1].id)
    local = (newest - timedelta(days=300)).astimezone(limit.MOSCOW)
    low = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    high = (low + timedelta(days=32)).replace(day=1)
    return Facts(first, far, after, (low, high), page)


def rows(at: Place, flat: Place) -> list[Row]:
    """Both databases in turn, in ROUNDS, and the verdict: what the machine does beside is then in both, and no page has
    only one moment of it."""
    big: Looks = {}
    small: Looks = {}
    for _ in range(1 if at.short else ROUNDS):
        _add(big, apart(measure, at, True))
        _add(small, {} if at.short else apart(measure, flat, False))
    beside = big if at.short else small
    found = [_row(f"{side}: {name}", each, beside[side, name], idle=at.idle) for (side, name), each in big.items()]
    return found + apart(more, at)


def _add(found: Looks, one_round: Looks) -> None:
    for key, each in one_round.items():
        found[key] = found[key] + each if key in found else each


def _row(work: str, each: Look, small: Look, *, idle: bool) -> Row:
    goal = f"{GOAL}, p95 ≤ {P95:g}" if idle else GOAL
    if each.ours is None or small.ours is None:
        return Row(work, each.refused or small.refused, each.limit.words() if each.limit else "", None, goal, False)
    grows = each.ours.cpu / small.ours.cpu
    ratio = each.ours.cpu / each.limit.cpu if each.limit else None
    ok = each.ours.web <= WEB and each.ours.base <= BASE and grows <= GROWS and (ratio is None or ratio <= TIMES)
    ok = ok and (not idle or each.ours.p95 <= P95)
    words = f"{each.ours.words()}; flat {grows:.2f}"
    if each.rows[0] != each.rows[1]:
        words += f"; {each.rows[0]} rows, by hand {each.rows[1]}"
    return Row(work, words, each.limit.words() if each.limit else "", ratio, goal, ok)


def totals(at: Place, facts: Facts) -> list[Row]:
    """«Всего найдено»: of a customer's whole list, and under a filter."""
    backends, first, found = at.backends(), facts.customer_id, []
    for name, spec, args in (
        ("total of a customer's blacklist", BLACKLIST, {}),
        ("total of a customer's payments", PAYMENT, {}),
        ("total under a filter", BLACKLIST, {"source": "file"}),
    ):
        state = listing.parse(spec, MultiDict(args), zone=limit.MOSCOW)
        with CabSession(bind=db.engine(), scope=Scope.tenant(first), read_only=True) as session:

            def go(session=session, spec=spec, state=state):
                return listing.count_matching(session, spec, state, customer_id=first, cap=spec.count_cap)

            shown, spent = go(), cost(go, backends, **at.looks)
        text = f"{shown.value:,}{'+' if shown.capped else ''}; PostgreSQL {spent.base:.2f} ms"
        right = spent.base <= 1 and (not shown.capped or bool(args))
        found.append(Row(name, text, goal="exact (10 000+ under a filter), ≤ 1 ms", ok=right))
    return found


def jumps(at: Place, app: Flask, facts: Facts) -> list[Row]:
    """By the number of a page."""
    found = []
    for side, base, email in SIDES:
        page = facts.page[side]
        far = Caller(app, f"{base}/blacklist/?page={page}", cookie(app, email))
        spent = cost(far, at.backends(), **at.looks)
        found.append(Row(f"{side}: jump to page {page}", spent.words(), goal=f"≤ {JUMP:g} ms", ok=spent.wall <= JUMP))
    return found
