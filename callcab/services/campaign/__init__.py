"""Call campaigns: drawn up, started, dialled, paused, stopped."""

from callcab.services.campaign.cloning import call_me, clone, test_calls
from callcab.services.campaign.dialling import dial, due, wait_for_lines
from callcab.services.campaign.drafting import Draft, create, read_contacts
from callcab.services.campaign.preflight import Preflight, launch, preflight
from callcab.services.campaign.results import hours, stamp
from callcab.services.campaign.schedule import close_overdue
from callcab.services.campaign.steering import pause, resume, start, stop
from callcab.services.ivr_rule import Rule

__all__ = [
    "Draft",
    "Preflight",
    "Rule",
    "call_me",
    "clone",
    "close_overdue",
    "create",
    "dial",
    "due",
    "hours",
    "launch",
    "pause",
    "preflight",
    "read_contacts",
    "resume",
    "stamp",
    "start",
    "stop",
    "test_calls",
    "wait_for_lines",
]
