"""A worker process: takes jobs off the queues, each in a child of its own.

The child may die of anything (memory, a bug in C, kill -9) without taking the worker along, and gives its memory back.
What makes a fork quick enough is that everything is imported before it; the child then only drops the pool that it
inherited. State is in PostgreSQL: RQ's own retries, results and scheduler are not used.
"""

import gc
import logging
from typing import Any

from redis import Redis
from rq import Queue, Worker

from callcab import db
from callcab.config import Settings
from callcab.jobs import edge, registry

log = logging.getLogger(__name__)

# Seconds after which a silent worker counts as dead in RQ's own books; the work itself is swept by the database.
WORKER_SECONDS = 30
MAINTENANCE_SECONDS = 60


class CabWorker(Worker):
    """Forks per job; the child never uses its parent's database connections."""

    def main_work_horse(self, job: Any, queue: Any) -> None:
        db.engine().dispose(close=False)
        super().main_work_horse(job, queue)


def make(settings: Settings) -> CabWorker:
    """A worker over all queues, with everything that a job may need imported and connected."""
    edge.prepare(settings)
    connection = Redis.from_url(str(settings.redis_url), socket_connect_timeout=5)
    queues = [Queue(name, connection=connection, serializer="json") for name in registry.QUEUES]
    return CabWorker(
        queues,
        connection=connection,
        serializer="json",
        worker_ttl=WORKER_SECONDS,
        maintenance_interval=MAINTENANCE_SECONDS,
        default_result_ttl=0,
        log_job_description=False,
    )


def run(settings: Settings, *, burst: bool = False) -> None:
    """Work until told to stop (SIGTERM lets the running job end); ``burst`` stops when the queues are empty."""
    worker = make(settings)
    gc.collect()
    gc.freeze()
    worker.work(burst=burst, with_scheduler=False, logging_level="WARNING")
