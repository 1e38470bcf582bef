"""How much of an invoice is paid: counted up by a payment, down by its reversal (rule F15).

Apart from ``invoice`` and ``payment``, because both need it and the first records through the second.
"""

from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.models import Invoice, InvoiceState

# Documents carry the operator's day, wherever the customer is.
MOSCOW = ZoneInfo("Europe/Moscow")


def moscow_day() -> date:
    """Today, as documents count it."""
    return clock.now().astimezone(MOSCOW).date()


def lock(session: CabSession, invoice_id: int) -> Invoice:
    """The invoice, read anew and locked; always before its customer, so that two payments never wait in a ring."""
    statement = sa.select(Invoice).where(Invoice.id == invoice_id).with_for_update(of=Invoice)
    found: Invoice = session.scalars(statement.execution_options(populate_existing=True)).one()
    return found


def count(session: CabSession, invoice: Invoice, amount: Decimal) -> None:
    """Count ``amount`` roubles, negative for a reversal, towards a locked invoice. Flushed."""
    invoice.paid_total = max(Decimal("0.00"), invoice.paid_total + amount)
    if invoice.paid_total >= invoice.total:
        invoice.state = InvoiceState.PAID
        invoice.paid_at = invoice.paid_at or clock.now()
    else:
        invoice.paid_at = None
        unpaid = InvoiceState.OVERDUE if invoice.due_on < moscow_day() else InvoiceState.ISSUED
        invoice.state = InvoiceState.PARTLY_PAID if invoice.paid_total else unpaid
    session.flush()
