"""Call campaigns: drawn up, started, dialled, paused, stopped."""

from callcab.services.campaign.dialling import dial, due, wait_for_lines
from callcab.services.campaign.drafting import Draft, Preflight, create, preflight, read_contacts
from callcab.services.campaign.steering import pause, resume, start, stop
from callcab.services.ivr_rule import Rule

__all__ = [
    "Draft",
    "Preflight",
    "Rule",
    "create",
    "dial",
    "due",
    "pause",
    "preflight",
    "read_contacts",
    "resume",
    "start",
    "stop",
    "wait_for_lines",
]
