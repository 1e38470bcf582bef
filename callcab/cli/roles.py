"""The production roles behind the pages, one process each: worker, tick, dialer."""

import click

from callcab.cli.context import resolved
from callcab.jobs import dialer as dialer_loop
from callcab.jobs import tick as tick_loop
from callcab.jobs import worker as worker_loop


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
