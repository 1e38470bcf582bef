"""Invoices: the customer's own page and that of support."""

from callcab.views.invoice.lists import CabinetInvoices, SupportInvoices
from callcab.web.listing import ListView


def support_views() -> list[ListView]:
    return [SupportInvoices()]


def cabinet_views() -> list[ListView]:
    return [CabinetInvoices()]
