"""Where the works are done: PostgreSQL and Valkey of our own as in production, migrated and filled; processes beside.

A kept folder holds its filled databases; one is used again as long as migrations and the way of filling are the same.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import redis
from flask import Flask
from psycopg import sql
from sqlalchemy.engine import make_url

from callcab import config, db, migrate, queue
from callcab.app import create_app
from callcab.config import Settings
from callcab.embedded.postgres import APP_ROLE, EmbeddedPostgres
from callcab.embedded.valkey import EmbeddedValkey
from callcab.jobs import registry
from callcab.jobs.transport import ENTRY_POINT, RqSender
from tests.bench import data, limit
from tests.bench.meter import Backends, family
from tests.client import Browser
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
SECRET = "bench-key-" + "x" * 40
Servers = tuple[EmbeddedPostgres, EmbeddedValkey, Path]
# What a bench of a moment looks at: each page so often.
SHORT = (3, 0.1)
IDLE = 0.5
Result = TypeVar("Result")


@dataclass(frozen=True)
class Place:
    """One filled database and what stands around it; plain values, so that another process gets it as it is.

    ``idle``: nobody else used the machine when the bench began; only then the slowest pages are judged by the clock.
    """

    folder: Path
    scale: float
    plan: data.Plan
    app_url: str
    owner_url: str
    redis_url: str
    postmaster: int
    short: bool = False
    idle: bool = False

    @property
    def address(self) -> str:
        """The owner's, for psycopg."""
        return self.owner_url.replace("postgresql+psycopg", "postgresql")

    @property
    def settings(self) -> Settings:
        return Settings(
            database_url=self.app_url,
            database_owner_url=self.owner_url,
            redis_url=self.redis_url,
            data_dir=self.folder,
            secret_key=SECRET,
        )

    @property
    def environment(self) -> dict[str, str]:
        """For processes of the product."""
        named = {name: str(getattr(self.settings, name)) for name in ("database_url", "redis_url", "data_dir")}
        own = {config.environment_name(name): value for name, value in named.items()}
        found = os.environ | own | {"CALLCAB_SECRET_KEY": SECRET, "PYTHONUNBUFFERED": "1"}
        # Modules are compiled once and kept, as wherever the product runs: compiling them costs memory that stays.
        found.pop("PYTHONDONTWRITEBYTECODE", None)
        return found

    @property
    def looks(self) -> dict[str, Any]:
        return dict(zip(("looks", "seconds"), SHORT, strict=True)) if self.short else {}

    def backends(self) -> Backends:
        return Backends(self.postmaster, APP_ROLE)

    def app(self) -> Flask:
        """The whole application, in this process."""
        return create_app(self.settings)

    def owner(self) -> psycopg.Connection:
        return psycopg.connect(self.address, autocommit=True)


def signed_in(app: Flask, email: str) -> Browser:
    browser = Browser(app)
    browser.sign_in(email, data.PASSWORD, status=None)
    return browser


def cookie(app: Flask, email: str) -> str:
    """The header of somebody who has signed in through the form."""
    held = signed_in(app, email).client.get_cookie("session")
    assert held is not None, f"{email} was not let in"
    return f"session={held.value}"


@contextmanager
def servers(keep: Path | None) -> Iterator[Servers]:
    """Both, in a folder that is kept or goes with them."""
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))
        folder.mkdir(parents=True, exist_ok=True)
        postgres = EmbeddedPostgres(data_dir=folder, profile="server")
        postgres.start()
        stack.callback(postgres.stop)
        valkey = EmbeddedValkey(data_dir=folder, profile="test")
        valkey.start()
        stack.callback(valkey.stop)
        yield postgres, valkey, folder


def place(found: Servers, scale: float, plan: data.Plan, *, short: bool) -> Place:
    """The database of this plan, filled now unless it is there already."""
    postgres, valkey, folder = found
    name = f"bench_{_digest(plan)}"
    place = Place(
        folder=folder,
        scale=scale,
        plan=plan,
        app_url=postgres.app_url(name),
        owner_url=postgres.owner_url(name),
        redis_url=valkey.url,
        postmaster=int((postgres.cluster / "postmaster.pid").read_text(encoding="ascii").split()[0]),
        short=short,
        idle=os.getloadavg()[0] < IDLE,
    )
    if not _is_filled(postgres, name):
        begun = time.monotonic()
        fresh(postgres, name)
        apart(_fill, place)
        if not short:
            print(f"{plan.entries + plan.payments:,} rows made in {time.monotonic() - begun:.0f} s", flush=True)
    return place


def elsewhere(postgres: EmbeddedPostgres, at: Place, name: str) -> Place:
    """An empty database with our schema beside the filled one."""
    fresh(postgres, name)
    migrate.upgrade(postgres.owner_url(name), app_url=postgres.app_url(name))
    return replace(at, app_url=postgres.app_url(name), owner_url=postgres.owner_url(name))


def fresh(postgres: EmbeddedPostgres, name: str) -> None:
    """An empty database of this name, whatever was there."""
    with psycopg.connect(_address(postgres, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    postgres.ensure_database(name)


def _digest(plan: data.Plan) -> str:
    made_by = [migrate.FOLDER / "HEAD", Path(data.__file__), Path(limit.__file__)]
    text = b"".join(path.read_bytes() for path in made_by) + repr(plan).encode()
    return hashlib.sha256(text).hexdigest()[:12]


def _is_filled(postgres: EmbeddedPostgres, name: str) -> bool:
    """The comment on a database is written last."""
    with psycopg.connect(_address(postgres, "postgres")) as connection:
        found = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", (name,)
        ).fetchone()
    return found == ("filled",)


def _address(postgres: EmbeddedPostgres, name: str) -> str:
    return postgres.owner_url(name).replace("postgresql+psycopg", "postgresql")


def _fill(at: Place) -> None:
    migrate.upgrade(at.owner_url, app_url=at.app_url)
    db.connect(at.app_url, pool_size=2)
    queue.set_sender(lambda job, ids: None)
    data.fill(at.owner_url, at.plan)
    with at.owner() as connection:
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute(limit.TABLES)
        connection.execute("VACUUM (ANALYZE)")
        name = make_url(at.owner_url).database or ""
        connection.execute("CHECKPOINT")
        connection.execute(sql.SQL("COMMENT ON DATABASE {} IS 'filled'").format(sql.Identifier(name)))


def apart(work: Callable[..., Result], *arguments: Any) -> Result:
    """Do it in a process of its own: its memory and connections are nobody else's. Imports are shared."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.bench.lists"])
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(work, *arguments).result()


class Beside:
    """A process of the product, ``callcab NAME``, until the block ends."""

    def __init__(self, at: Place, *command: str, **environment: str) -> None:
        self.command, self.environment = command, at.environment | environment
        self.log = at.folder / f"{command[0]}.log"

    def __enter__(self) -> "Beside":
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "callcab", *self.command], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        return self

    def __exit__(self, *error: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def pids(self) -> list[int]:
        return family(self.process.pid)


class Errands:
    """Jobs that look into the database and find nothing to do."""

    def __init__(self, at: Place) -> None:
        registry.load()
        self._sender = RqSender(at.redis_url)
        self._store = redis.Redis.from_url(at.redis_url)
        self._entry = registry.entry("operation.run")

    def send(self) -> str:
        """The key that is gone as soon as it is done."""
        found = self._sender.queue(self._entry.queue).enqueue_call(
            ENTRY_POINT, args=(self._entry.name, {"operation_id": 0}), timeout=60, result_ttl=0, failure_ttl=60
        )
        return f"rq:job:{found.id}"

    def wait(self, key: str, *, nap: float = 0.05) -> None:
        assert wait_for(lambda: not self._store.exists(key), 120, nap=nap), "no worker does it"

    def run(self, *, nap: float = 0.05) -> None:
        """One of them; the first shows that there is a worker."""
        self.wait(self.send(), nap=nap)

    def waiting(self) -> int:
        return int(self._store.llen(f"rq:queue:{self._entry.queue}"))
