"""Small works: hooks of a request, decisions, the check before a launch, jobs, a worker's memory."""

import time
from datetime import UTC, datetime

import sqlalchemy as sa
from flask import Flask

from callcab import db
from callcab.db import CabSession
from callcab.models import BlacklistEntry, Customer
from callcab.scope import Scope
from callcab.services import decision
from callcab.services.campaign.drafting import MOST_FROM_LISTS
from callcab.web.access import requires
from tests.bench import preflight
from tests.bench.batch import MILLION, allowed
from tests.bench.data import OWNER
from tests.bench.house import Beside, Errands, Place, cookie
from tests.bench.meter import cost, memory
from tests.bench.pages import Caller
from tests.bench.table import Row

HOOKS, DECIDED, PER_SECOND, FIRST, WORKER = 1.5, 0.5, 90, 25.0, 90
SYSTEM = Scope.system("bench")


def hooks(at: Place) -> list[Row]:
    """An empty page for somebody who is signed in, less an empty page of bare Flask."""
    app, path = at.app(), "/cabinet/nothing"
    app.add_url_rule(path, "cabinet_nothing", requires("blacklist.read")(lambda: "nothing"))
    bare = Flask("bare")
    bare.add_url_rule(path, "nothing", lambda: "nothing")
    backends = at.backends()
    looks = at.looks or {"looks": 400, "seconds": 3.0}
    ours, least = (
        cost(Caller(app, path, cookie(app, OWNER)), backends, **looks),
        cost(Caller(bare, path), backends, **looks),
    )
    spent = ours.cpu - least.cpu
    text = f"CPU {ours.web:.2f} + {ours.base:.2f} ms"
    return [Row("hooks of a request", text, f"CPU {least.web:.2f} ms", None, f"≤ {HOOKS} ms more", spent <= HOOKS)]


def decisions(at: Place) -> list[Row]:
    """One number, on the list and not, against everything that forbids calls; asked as a worker does who is about to
    dial it, in a transaction that may write."""
    db.connect(at.app_url, pool_size=2)
    backends, now = at.backends(), datetime.now(UTC)
    with CabSession(bind=db.engine(), scope=SYSTEM) as session:
        first = session.scalar(sa.select(sa.func.min(Customer.id))) or 0
        listed = session.scalar(sa.select(BlacklistEntry.phone).where(BlacklistEntry.customer_id == first).limit(1))
        found = []
        for name, phone in (("a number on the blacklist", listed or 0), ("a number on no list", 79_260_000_001)):

            def go(phone: int = phone) -> decision.Decision:
                session.expire_all()
                return decision.decide(session, customer_id=first, phone=phone, campaign=None, now=now)

            spent = cost(go, backends, **(at.looks or {"looks": 400, "seconds": 3.0}))
            text = f"{spent.wall:.2f} ms; PostgreSQL {spent.base:.2f} ms"
            found.append(Row(f"decision: {name}", text, goal=f"≤ {DECIDED} ms of PostgreSQL", ok=spent.base <= DECIDED))
    return found


def launches(at: Place) -> list[Row]:
    """The check before a launch (preflight.py), in a database of its own."""
    entries = max(int(MILLION * at.scale), 100)
    contacts = min(entries, MOST_FROM_LISTS)
    made, looks = preflight.measure(at.app_url, contacts, entries)
    limit, full = allowed(5, contacts), allowed(10, contacts, 100_000)
    best = min(looks)
    name = f"campaign of {contacts:,} contacts"
    return [
        Row(f"{name} against a blacklist of {entries:,}", f"{best:.2f} s", goal=f"≤ {limit:.1f} s", ok=best <= limit),
        Row(
            f"{name}: made and checked before launch",
            f"{made:.2f} + {looks[0]:.2f} s",
            goal=f"≤ {full:.1f} s (100,000 in 10 s)",
            ok=made + looks[0] <= full,
        ),
    ]


def jobs(at: Place) -> list[Row]:
    """Jobs that look into the database and find nothing to do, through a real worker."""
    errands, many = Errands(at), 30 if at.short else 400
    with Beside(at, "worker") as worker:
        errands.run()
        firsts = []
        for _ in range(3 if at.short else 20):
            begun = time.perf_counter()
            errands.run(nap=0.0005)
            firsts.append(1000 * (time.perf_counter() - begun))
        keys = [errands.send() for _ in range(many)]
        left, begun = errands.waiting(), time.perf_counter()
        errands.wait(keys[-1], nap=0.002)
        rate = left / (time.perf_counter() - begun)
        held = [memory(pid) for pid in worker.pids]
    first, (largest, kind) = sorted(firsts)[len(firsts) // 2], max(held)
    return [
        Row("small jobs/s of a worker", f"{rate:.0f}", goal=f"≥ {PER_SECOND}", ok=rate >= PER_SECOND),
        Row("first result of a job", f"{first:.1f} ms", goal=f"≤ {FIRST:g} ms", ok=first <= FIRST),
        Row("memory of a worker", f"{largest:.0f} MB {kind}", goal=f"≤ {WORKER} MB", ok=largest <= WORKER),
    ]
