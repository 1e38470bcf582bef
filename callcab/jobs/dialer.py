"""The process that holds the telephone lines: it hears what the provider tells and passes it on to the rules.

One event, one transaction; a failure leaves the event with the provider, who tells it again. As many dialers as wanted
may run: one listens, the others wait to take over.
"""

import logging
import signal
import threading
from types import FrameType

from callcab.config import Settings
from callcab.db import unit_of_work
from callcab.jobs import edge
from callcab.providers import telephony
from callcab.providers.telephony.base import Event
from callcab.scope import Scope
from callcab.services import call as calls
from callcab.services import verification

log = logging.getLogger(__name__)
SCOPE = Scope.system("call event")


def handle(event: Event) -> None:
    """Give an event to whom it belongs; an unknown reference is noted and left."""
    with unit_of_work(SCOPE) as session:
        known = verification.on_event(session, event) or calls.on_event(session, event)
    if not known:
        log.warning("an event of an unknown call", extra={"reference": event.reference, "kind": event.kind.value})


def run(settings: Settings) -> None:
    """Listen until SIGTERM or SIGINT."""
    stop = threading.Event()

    def leave(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    edge.prepare(settings)
    telephony.provider().listen(handle, stop)
