"""A customer with a queue, and workers that end with the test."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa

from callcab import queue
from callcab.config import Settings
from callcab.jobs.transport import RqSender
from callcab.scope import Actor
from tests.blacklists import PHONE, owner_of
from tests.jobs.workers import ROWS, Spawn, kill

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def owner(connected: sa.Engine, settings: Settings) -> Iterator[Actor]:
    with redis.Redis.from_url(str(settings.redis_url)) as client:
        client.flushdb()
    sender = RqSender(str(settings.redis_url))
    queue.set_sender(sender)
    yield owner_of(range(PHONE, PHONE + ROWS))
    sender.close()


@pytest.fixture
def spawn(settings: Settings) -> Iterator[Spawn]:
    """Start worker processes of our own; whatever still runs is ended afterwards, with its children."""
    made: list[subprocess.Popen[bytes]] = []
    environ = {
        **{key: value for key, value in os.environ.items() if not key.startswith("CALLCAB_")},
        "CALLCAB_DATABASE_URL": str(settings.database_url),
        "CALLCAB_REDIS_URL": str(settings.redis_url),
        "CALLCAB_DATA_DIR": str(settings.data_dir),
        "CALLCAB_SECRET_KEY": str(settings.secret_key),
    }

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.jobs.worker_with_traps", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=environ, start_new_session=True)
        made.append(process)
        return process

    yield start
    for process in made:
        kill(process)
