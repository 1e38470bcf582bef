"""Invoices as files for other people: sent by mail one by one, or many in one archive."""

import io
from datetime import timedelta
from typing import Any

from callcab.db import CabSession
from callcab.lib import clock, money
from callcab.lib.errors import Conflict, Invalid, Unavailable
from callcab.lib.pdf import PdfError
from callcab.models import Invoice, InvoiceState
from callcab.scope import Actor
from callcab.services import audit, invoice, mail, operation, stored_file
from callcab.services.operation import RowResult

# Longer than a letter is tried, so that a failed one can be sent again.
KEPT_FOR = timedelta(days=30)
TEXT_LIMIT = 5_000
# A PDF takes a good part of a second to draw.
INLINE_ROWS = 3


def send(session: CabSession, invoice_id: int, *, recipient: str, subject: str, text: str, actor: Actor) -> Invoice:
    """Send the PDF of an invoice; flushed, the letter leaves after the commit.

    recipient  empty: the customer's own address
    subject    and ``text`` may hold {number}, {date}, {due} and {total}
    raises     NotFound ``invoice.not_found``; Conflict ``invoice.cancelled``; Invalid ``mail.recipient``,
               ``mail.subject``, ``field.too_long``; Unavailable ``invoice.pdf``, ``file.no_room``
    """
    row = invoice.find(session, invoice_id, customer_id=None, lock=True)
    if row.state is InvoiceState.CANCELLED:
        raise Conflict("invoice.cancelled")
    address = recipient.strip() or row.customer.email
    if not mail.is_address(address):
        raise Invalid("mail.recipient", field="recipient")
    if len(text) > TEXT_LIMIT:
        raise Invalid("field.too_long", field="text", limit=TEXT_LIMIT)
    name, content = as_file(session, row)
    file = stored_file.upload(
        session,
        io.BytesIO(content),
        name=name,
        content_type="application/pdf",
        customer_id=row.customer_id,
        created_by=actor.user_id,
        lifetime=KEPT_FOR,
    )
    mail.send(
        session,
        # Each invoice has an hour of its own: letters of several are never merged into one.
        kind=f"invoice.{row.id}",
        recipient=address,
        subject=_filled(subject, row),
        text=_filled(text, row),
        customer_id=row.customer_id,
        attachment=file,
    )
    row.sent_at = clock.now()
    audit.record(
        session,
        "invoice.send",
        actor=actor,
        customer_id=row.customer_id,
        object_type="invoice",
        object_id=row.id,
        after={"number": row.number, "recipient": address},
    )
    session.flush()
    return row


def as_file(session: CabSession, row: Invoice) -> tuple[str, bytes]:
    """Name and bytes of the PDF. Unavailable ``invoice.pdf``."""
    try:
        content, name, _plain = invoice.pdf_file(row)
    except PdfError as problem:
        raise Unavailable("invoice.pdf") from problem
    return name, content


def _filled(text: str, row: Invoice) -> str:
    values = {
        "{number}": str(row.number),
        "{date}": f"{row.issued_on:%d.%m.%Y}",
        "{due}": f"{row.due_on:%d.%m.%Y}",
        "{total}": f"{money.format_amount(row.total)} \u20bd",
    }
    for sign, value in values.items():
        text = text.replace(sign, value)
    return text


def _send(session: CabSession, row: Invoice, params: dict[str, Any], actor: Actor) -> RowResult:
    values = {name: str(params.get(name) or "") for name in ("recipient", "subject", "text")}
    sent = send(session, row.id, **values, actor=actor)
    return RowResult(sent.id, text=str(sent.number))


operation.register("invoice.send", operation.per_row(_send), permission="invoice.send", chunk=10, inline=INLINE_ROWS)
operation.register_archive("invoice.archive", as_file, permission="invoice.export")
