"""Outgoing numbers: the pool, personal numbers, leases to campaigns, rentals to customers."""

from callcab.services.phone_number.labelling import set_label, set_note
from callcab.services.phone_number.lease import Caller, find_caller, lease, release_campaign
from callcab.services.phone_number.personal import create_personal, delete_personal, mark_verified
from callcab.services.phone_number.pool import add_to_pool, block, change_kind, delete, keep, release, unblock
from callcab.services.phone_number.renewal import end_rentals, set_prolonging
from callcab.services.phone_number.rental import Seen, rent, rent_price
from callcab.services.phone_number.resting import rest, wake
from callcab.services.phone_number.stuck import release_stuck

__all__ = [
    "Caller",
    "Seen",
    "add_to_pool",
    "block",
    "change_kind",
    "create_personal",
    "delete",
    "delete_personal",
    "end_rentals",
    "find_caller",
    "keep",
    "lease",
    "mark_verified",
    "release",
    "release_campaign",
    "release_stuck",
    "rent",
    "rent_price",
    "rest",
    "set_label",
    "set_note",
    "set_prolonging",
    "unblock",
    "wake",
]
