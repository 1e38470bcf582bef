"""Outgoing numbers: the customer's list and his verification card, the pool of support."""

from callcab.views.phone_number.cabinet import CabinetNumber
from callcab.views.phone_number.support import SupportNumber


def support_views() -> list[SupportNumber]:
    return [SupportNumber()]


def cabinet_views() -> list[CabinetNumber]:
    return [CabinetNumber()]
