"""The production roles, one process each: web, worker, tick, dialer, and the migration step before them."""

import os
import sys
from pathlib import Path

import click

from callcab import migrate as migrations
from callcab.cli.context import resolved, running
from callcab.jobs import dialer as dialer_loop
from callcab.jobs import tick as tick_loop
from callcab.jobs import worker as worker_loop

ROOT = Path(__file__).resolve().parent.parent.parent


@click.command()
def migrate() -> None:
    """Bring the database to the newest schema (as the owner of the tables)."""
    settings = running()
    owner = settings.database_owner_url or settings.database_url
    migrations.upgrade(str(owner), app_url=settings.database_url)
    click.echo("The database is up to date.")


@click.command()
def web() -> None:
    """Serve pages and API with gunicorn on CALLCAB_HOST and CALLCAB_PORT."""
    settings = resolved()
    os.environ["CALLCAB_DATABASE_URL"] = str(settings.database_url)
    os.environ["CALLCAB_REDIS_URL"] = str(settings.redis_url)
    # gunicorn drops headers with underscores, which the IP allow list relies on (ADR 0007).
    argv = ["gunicorn", "wsgi:app", "--chdir", str(ROOT), "--bind", f"{settings.host}:{settings.port}"]
    argv += ["--worker-class", "gthread", "--workers", str(settings.web_workers)]
    argv += ["--threads", str(settings.web_threads), "--preload", "--no-control-socket", "--graceful-timeout", "20"]
    os.execv(sys.executable, [sys.executable, "-m", *argv])  # noqa: S606


@click.command()
def worker() -> None:
    """Carry out jobs of the queue."""
    worker_loop.run(resolved())


@click.command()
def tick() -> None:
    """Keep the timetable: deadlines, repeats, what the queue lost."""
    tick_loop.run(resolved())


@click.command()
def dialer() -> None:
    """Hold the telephone lines and pass on their events."""
    dialer_loop.run(resolved())
