"""The process that holds the telephone lines: it hears what the provider tells and passes it on to the rules.

One batch of events, one transaction; a failure leaves them with the provider, who tells them again. As many dialers as
wanted may run: one listens, the others wait to take over.
"""

import gc
import logging
import signal
import sys
import threading
from collections.abc import Collection, Sequence
from types import FrameType

from callcab import logs
from callcab.config import Settings
from callcab.db import unit_of_work
from callcab.jobs import edge
from callcab.providers import telephony
from callcab.providers.telephony.base import Answer, Event, EventKind, Heard, Incoming
from callcab.scope import Scope
from callcab.services import call as calls
from callcab.services import inbound_call, verification

log = logging.getLogger(__name__)
SCOPE = Scope.system("call event")
TURN_SECONDS = 0.0005


class Rules:
    """What the rules say to a provider's news; implements ``base.Listener``."""

    def events(self, events: Sequence[Event]) -> Collection[str]:
        """Give each event to whom it belongs; an unknown reference is noted and left."""
        with unit_of_work(SCOPE) as session:
            heard = calls.on_events(session, events)
            for place, event in enumerate(events):
                if heard[place] is Heard.UNKNOWN:
                    heard[place] = verification.on_event(session, event) or inbound_call.on_event(session, event)
        told = list(zip(events, heard, strict=True))
        for event, how in told:
            if how is Heard.UNKNOWN:
                known = {"reference": event.reference, "kind": event.kind.value}
                log.warning("an event of an unknown call", extra=known)
        return {event.reference for event, how in told if event.kind is EventKind.PLACED and how is Heard.NEWS}

    def incoming(self, call: Incoming) -> Answer:
        """Whom the caller reaches; on record before the line hears it."""
        with unit_of_work(SCOPE) as session:
            return inbound_call.receive(session, call)


def run(settings: Settings) -> None:
    """Listen until SIGTERM or SIGINT."""
    stop = threading.Event()

    def leave(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    logs.configure(as_json=settings.log_json)
    edge.connect(settings)
    # What is imported lives as long as the process: looking through it for garbage again and again costs calls.
    gc.collect()
    gc.freeze()
    # Rules and lines are threads that take turns: each of the rules' many short waits must not cost a long turn.
    sys.setswitchinterval(TURN_SECONDS)
    telephony.provider().listen(Rules(), stop)
