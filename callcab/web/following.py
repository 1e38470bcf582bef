"""Files that a person fetches while they are still being written: what is there goes out at once, the rest as it comes.

No transaction is held meanwhile. Such an answer holds a thread, so only a quarter of a process's threads may be taken,
and for ten minutes at most; whoever comes later is told to wait for the whole file. Nobody may take a part for the
whole: when the operation fails, is stopped or starts afresh, the connection breaks before the end is said. That needs
the chunks of HTTP/1.1; to an older client or proxy the end of the connection is the end of the file.
"""

import threading
import time
from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import quote

from flask import Flask, Response, current_app, request

from callcab.db import CabSession, engine, unit_of_work
from callcab.lib.errors import DomainError, Unavailable
from callcab.scope import Actor, Scope
from callcab.services import operation as operations
from callcab.services import stored_file
from callcab.web.listing.access import request_actor, request_scope

SECONDS = 600.0
PAUSE = 0.1
BLOCK = 1 << 18


def init_app(app: Flask) -> None:
    app.extensions["following"] = threading.BoundedSemaphore(max(1, app.config["SETTINGS"].web_threads // 4))


def stream(operation_id: int, file: operations.Unfinished) -> Response:
    """The answer of a view that hands the file out; it is written down who took it before the first byte leaves.

    Unavailable ``file.unfinished`` when it can't be handed out like that, here and now.
    """
    places: threading.BoundedSemaphore = current_app.extensions["following"]
    if request.environ["SERVER_PROTOCOL"] == "HTTP/1.0" or not places.acquire(blocking=False):
        raise Unavailable("file.unfinished")
    try:
        source = stored_file.follow(file.key)
    except DomainError as problem:
        places.release()
        raise Unavailable("file.unfinished") from problem
    told = _tell(source, request_scope(), request_actor(), operation_id, file.key)
    answer = Response(told, content_type=file.content_type)
    answer.call_on_close(source.close)
    answer.call_on_close(places.release)
    named = {"filename*": f"UTF-8''{quote(file.name, safe='')}"}
    answer.headers.set("Content-Disposition", "attachment", **named)
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


def _tell(source: BinaryIO, scope: Scope, actor: Actor, operation_id: int, key: str) -> Iterator[bytes]:
    with unit_of_work(scope) as session:
        found = operations.get(session, operation_id, customer_id=actor.customer_id)
        operations.note_download(session, found, actor=actor)
    sent, whole = 0, None
    end = time.monotonic() + SECONDS
    while whole is None or sent < whole.size:
        if time.monotonic() > end:
            raise operations.BrokenOff("it took too long")
        if block := source.read(BLOCK):
            sent += len(block)
            yield block
        elif whole is not None:
            raise operations.BrokenOff("the file is shorter than it should be")
        else:
            with CabSession(bind=engine(), scope=scope, read_only=True) as session:
                whole = operations.whole(session, operation_id, key)
            if whole is None:
                time.sleep(PAUSE)
    with unit_of_work(scope) as session:
        stored_file.count_download(session, whole)
