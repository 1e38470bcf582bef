"""Outgoing numbers: the pool, personal numbers, leases to campaigns, rentals to customers."""

from callcab.services.phone_number.lease import Caller, find_caller, lease, release_campaign
from callcab.services.phone_number.personal import create_personal, delete_personal, mark_verified
from callcab.services.phone_number.pool import add_to_pool, block, change_kind, delete, release, unblock
from callcab.services.phone_number.rental import end_rentals, rent, rent_price

__all__ = [
    "Caller",
    "add_to_pool",
    "block",
    "change_kind",
    "create_personal",
    "delete",
    "delete_personal",
    "end_rentals",
    "find_caller",
    "lease",
    "mark_verified",
    "release",
    "release_campaign",
    "rent",
    "rent_price",
    "unblock",
]
