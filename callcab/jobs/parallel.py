"""Carries an import out by two threads, each with a transaction of its own (``services.operation.parallel``).

Nothing but time is won by it: where a thread meets an obstacle both stop, and the next chunk is written by itself: that
waits, succeeds or says what is wrong.
"""

import logging
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context

from callcab.db import unit_of_work
from callcab.scope import Scope
from callcab.services import operation as operations

log = logging.getLogger(__name__)

# A third one waited for the two others, on two cores and on an import's indexes.
THREADS = 2


def write(scope: Scope, operation_id: int, current: operations.Run) -> bool:
    """Write chunks of an import in parallel, as far as it goes; whether it is worth trying again after one chunk."""
    with unit_of_work(scope) as session:
        chunks = operations.chunks_left(session, operation_id, current)
    if chunks is None:
        return False
    with ThreadPoolExecutor(THREADS) as threads:
        running = [
            threads.submit(copy_context().run, _write_in_turn, scope, operation_id, chunks) for _ in range(THREADS)
        ]
        try:
            wait(running)
        finally:
            chunks.stop()
    return True


def _write_in_turn(scope: Scope, operation_id: int, chunks: operations.Chunks) -> None:
    try:
        while (chunk := chunks.take()) is not None:
            with unit_of_work(scope) as session:
                tally = operations.write_chunk(session, operation_id, chunk)
                chunks.wait_for(chunk)
                operations.count_chunk(session, operation_id, chunk, tally)
            chunks.committed(chunk)
    except Exception as obstacle:
        chunks.stop()
        log.info("chunks are written one by one: %s", type(obstacle).__name__, extra={"operation_id": operation_id})
