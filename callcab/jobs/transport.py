"""From ``callcab.queue`` to RQ. Nothing outside ``callcab.jobs`` names RQ."""

import logging
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue

from callcab.jobs import registry

log = logging.getLogger(__name__)

# A request waits so long for the queue at most (F-08); its row is in the database, so the sweep brings it later.
SOCKET_SECONDS = 2
ENTRY_POINT = "callcab.jobs.registry.run"
# States and results live in PostgreSQL; a failed job's traceback is kept for a day.
RESULT_SECONDS = 0
FAILURE_SECONDS = 86_400


def connect(redis_url: str, *, seconds: float = SOCKET_SECONDS) -> Redis:
    """A client that gives up after ``seconds`` instead of waiting for a server that hangs."""
    return Redis.from_url(
        redis_url, socket_timeout=seconds, socket_connect_timeout=seconds, retry=Retry(NoBackoff(), 0)
    )


class RqSender:
    """What ``callcab.queue.set_sender`` takes. Connects when the first job leaves."""

    def __init__(self, redis_url: str) -> None:
        self._redis = connect(redis_url)
        self._queues: dict[str, Queue] = {}

    def __call__(self, job: str, ids: dict[str, Any]) -> None:
        """Put a job into its queue. Raises redis.RedisError within seconds when the server is away, slow or full."""
        entry = registry.entry(job)
        self.queue(entry.queue).enqueue_call(
            ENTRY_POINT,
            args=(job, ids),
            timeout=entry.timeout,
            result_ttl=RESULT_SECONDS,
            failure_ttl=FAILURE_SECONDS,
            description=f"{job} {ids}",
        )

    def queue(self, name: str) -> Queue:
        if name not in self._queues:
            self._queues[name] = Queue(name, connection=self._redis, serializer="json")
        return self._queues[name]

    def close(self) -> None:
        """Let go of the connections."""
        self._redis.close()
