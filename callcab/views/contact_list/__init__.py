"""Lists of contacts: the customer makes and fills them, support reads."""

from callcab.views.contact_list.entries import CabinetListEntries, SupportListEntries
from callcab.views.contact_list.lists import CabinetContactLists, SupportContactLists
from callcab.web.listing import ListView


def support_views() -> list[ListView]:
    return [SupportContactLists(), SupportListEntries()]


def cabinet_views() -> list[ListView]:
    return [CabinetContactLists(), CabinetListEntries()]
