"""Pages that change by themselves: a short stream of server-sent events says when to fetch the moving part again.

The stream carries no data, only ``change`` and ``end``; what a person may see is drawn by the page's own view. Each
stream lasts ten seconds and is then opened anew by the browser, so that the allow list, the session and permissions are
asked again (AC-19) and a stopping server waits no longer. A stream holds a thread: only half of a process's threads may
be taken, whoever comes later is told 204 and the page falls back to asking every few seconds.
"""

import threading
import time
from collections.abc import Callable, Iterator

from flask import Flask, Response, current_app

from callcab.db import CabSession, engine
from callcab.scope import Scope
from callcab.web.listing.access import request_scope

SECONDS = 10.0
PAUSE = 0.3
# A line that means nothing, so that a closed browser is noticed and its thread comes free.
HEARTBEAT = 3.0

# What the page shows in short, read in a fresh transaction of the person's own scope. None: nothing changes any more.
Look = Callable[[CabSession], str | None]


def init_app(app: Flask) -> None:
    app.extensions["live"] = threading.BoundedSemaphore(max(1, app.config["SETTINGS"].web_threads // 2))


def stream(look: Look) -> Response:
    """The answer of a view that tells about changes; nothing of the request is needed after it returned."""
    places: threading.BoundedSemaphore = current_app.extensions["live"]
    if not places.acquire(blocking=False):
        return Response(status=204)
    answer = Response(_tell(request_scope(), look), mimetype="text/event-stream")
    answer.headers["X-Accel-Buffering"] = "no"
    answer.call_on_close(places.release)
    return answer


def _tell(scope: Scope, look: Look) -> Iterator[str]:
    yield "retry: 500\n\n"
    seen: str | None = ""
    end = time.monotonic() + SECONDS
    spoke = time.monotonic()
    while time.monotonic() < end:
        now = _look(scope, look)
        if now != seen:
            seen, spoke = now, time.monotonic()
            yield "event: change\ndata: \n\n"
        if now is None:
            yield "event: end\ndata: \n\n"
            return
        if time.monotonic() - spoke > HEARTBEAT:
            spoke = time.monotonic()
            yield ":\n\n"
        time.sleep(PAUSE)


def _look(scope: Scope, look: Look) -> str | None:
    with CabSession(bind=engine(), scope=scope, read_only=True) as session:
        return look(session)
