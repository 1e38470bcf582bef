"""``callcab demo``: believable data for a look around, made in one transaction.

It is the same each time (a fixed seed), but for the moment of today and the password, which is new each time and kept
only in the data folder.
"""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import sqlalchemy as sa

from callcab import queue
from callcab.cli.connection import connected
from callcab.cli.context import running
from callcab.cli.demo import (
    calls,
    companies,
    contact_lists,
    dice,
    incoming,
    journal,
    lists,
    money,
    mornings,
    numbers,
    papers,
    promos,
)
from callcab.cli.demo.people import World, settle
from callcab.cli.demo.timeline import Timeline
from callcab.cli.demo_logins import DEMO_PASSWORD_FILE
from callcab.config import Settings
from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.lib.storage import LocalStorage
from callcab.models import Customer
from callcab.providers.company import DEMO_FILE
from callcab.scope import Scope
from callcab.services import stored_file
from callcab.services.lock import take_turn

# Each part notes its deeds in the timeline; mornings write what money and calls have noted before, and
# who calls back was called in one.
PARTS = (
    numbers.plan,
    money.plan,
    calls.plan,
    journal.plan,
    lists.plan,
    contact_lists.plan,
    promos.plan,
    papers.plan,
    mornings.plan,
    incoming.plan,
)


@click.command()
@click.option("--if-empty", is_flag=True, help="Do nothing when there are customers already.")
def demo(if_empty: bool) -> None:
    """Fill an empty database with invented customers, money, numbers and calls."""
    settings = running()
    with connected(settings):
        made = fill(settings)
    if made:
        click.echo(f"Made demo data: {made} customers. The password of all logins is in {DEMO_PASSWORD_FILE}.")
    elif if_empty:
        click.echo("There are customers already; nothing was changed.")
    else:
        raise click.ClickException("There are customers already; demo data goes into an empty database only.")


def fill(settings: Settings) -> int:
    """Make everything, or nothing when there are customers; returns how many customers were made.

    What is asked to be done later is dropped: demo calls are history, nobody is to be rung or written to.
    """
    queue.set_sender(lambda job, ids: None)
    stored_file.use(LocalStorage(settings.storage_dir))
    secret_path = settings.data_dir / DEMO_PASSWORD_FILE
    with _no_collecting(), unit_of_work(Scope.system("demo")) as session:
        take_turn(session, "demo")
        if session.scalar(sa.select(Customer.id).limit(1)):
            return 0
        secret = dice.password()
        world = World(session, Timeline(clock.now()))
        settle(world, secret)
        for part in PARTS:
            part(world)
        world.timeline.run()
        session.flush()
        companies.write_register(settings.data_dir / DEMO_FILE)
        write_secret(secret_path, secret)
    return len(world.customers)


@contextmanager
def _no_collecting() -> Iterator[None]:
    """Nothing becomes garbage before the transaction ends; looking for it again and again took a third of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def write_secret(path: Path, secret: str) -> None:
    """Keep the password for its owner's eyes only."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(secret + "\n")
