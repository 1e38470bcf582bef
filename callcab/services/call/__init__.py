"""Calls of campaigns: placed, told by events, settled."""

from callcab.services.call.ending import overdue, reap, why_free
from callcab.services.call.events import on_events
from callcab.services.call.placing import give_up, placements, unplaced

__all__ = ["give_up", "on_events", "overdue", "placements", "reap", "unplaced", "why_free"]
