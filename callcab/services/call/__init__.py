"""Calls of campaigns: placed, told by events, settled."""

from callcab.services.call.ending import overdue, reap, why_free
from callcab.services.call.events import on_event
from callcab.services.call.placing import give_up, placement, unplaced

__all__ = ["give_up", "on_event", "overdue", "placement", "reap", "unplaced", "why_free"]
