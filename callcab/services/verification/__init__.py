"""Proving a personal number: the robot calls, whoever answers presses 1 (rules C5, AC-10, AC-12)."""

from callcab.services.verification.attempt import attempts_left, cancel, request, retry_at, start
from callcab.services.verification.limits import Limit, used_up
from callcab.services.verification.progress import (
    confirm_by_hand,
    expire,
    fail_unavailable,
    on_event,
    placement,
    unplaced,
)
from callcab.services.verification.proof import may_renew

__all__ = [
    "Limit",
    "attempts_left",
    "cancel",
    "confirm_by_hand",
    "expire",
    "fail_unavailable",
    "may_renew",
    "on_event",
    "placement",
    "request",
    "retry_at",
    "start",
    "unplaced",
    "used_up",
]
