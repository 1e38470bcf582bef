"""What commands need: settings with the embedded servers' addresses filled in."""

from dataclasses import replace

import click

from callcab import config
from callcab.config import Settings
from callcab.embedded.postgres import EmbeddedPostgres
from callcab.embedded.valkey import EmbeddedValkey


def resolved(settings: Settings | None = None) -> Settings:
    """The settings with both addresses known: as given, else those of the embedded servers in the data folder."""
    found = settings or config.load()
    if found.embedded_database:
        server = EmbeddedPostgres(found.data_dir)
        found = replace(found, database_url=server.app_url(), database_owner_url=server.owner_url())
    if found.embedded_redis:
        found = replace(found, redis_url=EmbeddedValkey(found.data_dir).url)
    return found


def running() -> Settings:
    """As ``resolved``; a sentence instead of a traceback when the embedded database isn't up."""
    settings = config.load()
    if settings.embedded_database and not EmbeddedPostgres(settings.data_dir).is_ready():
        raise click.ClickException("The database isn't running. Start it first in another window: ./run up")
    return resolved(settings)
