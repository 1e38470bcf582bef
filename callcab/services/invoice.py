"""Invoices for payment: frozen when composed, numbered without gaps, then paid, overdue or cancelled (rules F9-F15)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from callcab.db import CabSession
from callcab.lib import clock, invoice_text, money, pdf
from callcab.lib.errors import Conflict, Invalid, NotFound
from callcab.models import (
    Customer,
    Invoice,
    InvoiceCounter,
    InvoiceLine,
    InvoiceState,
    Payment,
    PaymentMethod,
    Seller,
)
from callcab.scope import Actor
from callcab.services import audit, bulk, company, operation, payment, settlement
from callcab.services.company import Buyer
from callcab.services.lock import take_turn
from callcab.services.operation import ExportColumn

BASIS_LIMIT = 300
REASON_LIMIT = 200
KEY_LIMIT = 64
# An invoice never asks for more than the ledger takes at once.
LARGEST = Decimal("1000000000.00")
OPEN_STATES = (InvoiceState.ISSUED, InvoiceState.PARTLY_PAID, InvoiceState.OVERDUE)
SELLER_FIELDS = (
    "name", "inn", "kpp", "ogrn", "address", "bank_name", "bik", "corr_account", "account",
    "head", "accountant", "attention",
)  # fmt: skip


def issue(
    session: CabSession,
    *,
    customer_id: int,
    buyer: Buyer,
    amount: Decimal,
    basis: str,
    request_key: str,
    actor: Actor,
) -> Invoice:
    """Compose an invoice for ``amount`` roubles by the default seller; flushed, and the payer is remembered.

    request_key  the same key of the same customer again gives back the first invoice (F-20)
    raises       Invalid with its field: ``inn.*``, ``kpp.*``, ``ogrn.*``, ``amount.*``, ``field.*``;
                 NotFound ``customer.not_found``; Conflict ``seller.missing``
    """
    if not 0 < len(request_key) <= KEY_LIMIT:
        raise Invalid("invoice.request_key")
    take_turn(session, "invoice", customer_id, request_key)
    known = session.scalar(
        sa.select(Invoice).where(Invoice.customer_id == customer_id, Invoice.request_key == request_key)
    )
    if known is not None:
        return known
    if session.scalar(sa.select(Customer.id).where(Customer.id == customer_id)) is None:
        raise NotFound("customer.not_found")
    buyer = company.check(buyer)
    basis = company.one_line(basis, "basis", BASIS_LIMIT)
    seller = default_seller(session)
    lines = _lines(seller, check_amount(amount))
    company.remember(session, customer_id, buyer)
    made = _frozen(seller, buyer, lines, customer_id=customer_id, basis=basis)
    made.request_key = request_key
    made.created_by = actor.user_id
    # The last thing that can wait or fail: from here on the counter's row is locked until the commit (rule F12).
    made.number = _next_number(session, seller.id, made.year)
    session.add(made)
    session.flush()
    after = {"number": made.number, "total": made.total, "buyer_inn": buyer.inn}
    _note(session, "invoice.issue", made, actor, after=after)
    return made


def read_amount(text: str) -> Decimal:
    """A sum as people type it (rule P2). Raises Invalid ``amount.<reason>``."""
    try:
        return check_amount(money.parse_amount(text))
    except money.AmountError as problem:
        raise Invalid(f"amount.{problem.reason}", field="amount", limit=LARGEST) from None


def check_amount(amount: Decimal) -> Decimal:
    """The sum itself, when an invoice may ask for it. Raises Invalid ``amount.<reason>``."""
    if not amount.is_finite() or amount != money.to_kopecks(amount):
        raise Invalid("amount.not_a_number", field="amount")
    if amount == 0:
        raise Invalid("amount.zero", field="amount")
    if amount < 0:
        raise Invalid("amount.negative", field="amount")
    if amount > LARGEST:
        raise Invalid("amount.too_large", field="amount", limit=LARGEST)
    return amount


def default_seller(session: CabSession) -> Seller:
    """Who invoices. Raises Conflict ``seller.missing`` as long as support named nobody."""
    found: Seller | None = session.scalar(sa.select(Seller).where(Seller.is_default))
    if found is None:
        raise Conflict("seller.missing")
    return found


def find(session: CabSession, invoice_id: int, *, customer_id: int | None, lock: bool = False) -> Invoice:
    """The invoice of the customer; of anybody when ``customer_id`` is None. Raises NotFound ``invoice.not_found``.

    ``lock`` reads it anew and keeps others from changing it until the transaction ends.
    """
    statement = sa.select(Invoice).where(Invoice.id == invoice_id)
    if customer_id is not None:
        statement = statement.where(Invoice.customer_id == customer_id)
    if lock:
        statement = statement.with_for_update(of=Invoice).execution_options(populate_existing=True)
    found: Invoice | None = session.scalar(statement)
    if found is None:
        raise NotFound("invoice.not_found")
    return found


def cancel(session: CabSession, invoice_id: int, *, customer_id: int | None, reason: str, actor: Actor) -> Invoice:
    """Cancel an unpaid invoice; its number stays taken. Flushed.

    raises  NotFound ``invoice.not_found``; Conflict ``invoice.cancelled``, ``invoice.has_money``; Invalid
            ``field.required``, ``field.too_long``
    """
    why = company.one_line(reason, "reason", REASON_LIMIT, required=True)
    invoice = find(session, invoice_id, customer_id=customer_id, lock=True)
    if invoice.state is InvoiceState.CANCELLED:
        raise Conflict("invoice.cancelled")
    if invoice.paid_total > 0:
        raise Conflict("invoice.has_money")
    before = {"state": invoice.state.value}
    invoice.state = InvoiceState.CANCELLED
    invoice.cancelled_at = clock.now()
    invoice.cancel_reason = why
    session.flush()
    _note(session, "invoice.cancel", invoice, actor, before=before, after={"state": "cancelled"}, reason=why)
    return invoice


def mark_paid(
    session: CabSession, invoice_id: int, *, amount: Decimal, actor: Actor, external_id: str | None = None
) -> Invoice:
    """Credit what a bank transfer brought for the invoice; partly paid or paid afterwards. Flushed.

    external_id  the bank's name of the transfer, or ``form:<key>``; the same one again moves nothing (rule P6)
    raises       NotFound ``invoice.not_found``; Conflict ``invoice.cancelled``, ``invoice.paid``; Invalid ``amount.*``,
                 ``invoice.too_much`` (more than is left: the rest of such a transfer is a payment of its own);
                 as ``payment.record``
    """
    check_amount(amount)
    invoice = find(session, invoice_id, customer_id=None, lock=True)
    if external_id and _paid_by(session, invoice, external_id):
        return invoice
    if invoice.state is InvoiceState.CANCELLED:
        raise Conflict("invoice.cancelled")
    if invoice.state is InvoiceState.PAID:
        raise Conflict("invoice.paid")
    if amount > left(invoice):
        raise Invalid("invoice.too_much", field="amount", left=left(invoice))
    before = {"state": invoice.state.value, "paid_total": invoice.paid_total}
    payment.record(
        session,
        customer_id=invoice.customer_id,
        amount=amount,
        method=PaymentMethod.INVOICE,
        actor=actor,
        invoice_id=invoice.id,
        external_id=external_id,
    )
    settlement.count(session, invoice, amount)
    after = {"state": invoice.state.value, "paid_total": invoice.paid_total}
    _note(session, "invoice.paid", invoice, actor, before=before, after=after)
    return invoice


def _paid_by(session: CabSession, invoice: Invoice, external_id: str) -> bool:
    statement = sa.select(Payment.id).where(Payment.invoice_id == invoice.id, Payment.external_id == external_id)
    return session.scalar(statement) is not None


def left(invoice: Invoice) -> Decimal:
    """What is still to be paid."""
    return max(Decimal("0.00"), invoice.total - invoice.paid_total)


def sweep_overdue(session: CabSession) -> int:
    """Turn unpaid invoices overdue the day after their due date; returns how many (rule F15)."""
    today = settlement.moscow_day()
    done = session.execute(
        sa.update(Invoice)
        .where(Invoice.state == InvoiceState.ISSUED, Invoice.due_on < today)
        .values(state=InvoiceState.OVERDUE)
        .execution_options(synchronize_session=False)
    )
    return bulk.written(done)


def document(invoice: Invoice) -> pdf.InvoiceDocument:
    """What the paper says, from the frozen copy only: nothing that changed since shows (rule F12, AC-51)."""
    seller, buyer = invoice.seller, invoice.buyer
    mode: money.VatMode = invoice.vat_mode.value
    lines = tuple(_printed(line) for line in invoice.lines)
    number = str(invoice.number)
    return pdf.InvoiceDocument(
        number=number,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        seller=pdf.Seller(
            name=seller["name"],
            inn=seller["inn"],
            kpp=seller["kpp"],
            address=seller["address"],
            bank_name=seller["bank_name"],
            bik=seller["bik"],
            account=seller["account"],
            correspondent_account=seller["corr_account"],
            head=seller["head"],
            accountant=seller["accountant"],
        ),
        buyer=pdf.Buyer(name=buyer["name"], inn=buyer["inn"], kpp=buyer["kpp"], address=buyer["address"]),
        lines=lines,
        vat_mode=mode,
        totals=money.invoice_totals(lines, mode),
        purpose=invoice_text.payment_purpose(number, invoice.issued_on, lines, mode),
        basis=invoice.basis,
        attention=seller["attention"],
    )


def pdf_file(invoice: Invoice) -> tuple[bytes, str, str]:
    """The PDF, its name and an ASCII name for old clients (rule F13). Raises ``lib.pdf.PdfError``."""
    name, plain = invoice_text.file_names(str(invoice.number), invoice.issued_on)
    return pdf.invoice_pdf(document(invoice)), name, plain


def _lines(seller: Seller, amount: Decimal) -> tuple[money.InvoiceLine, ...]:
    rate = None if seller.vat_rate is None else int(seller.vat_rate)
    item = money.InvoiceItem(seller.service_name, 1, "усл.", amount, rate)
    try:
        return money.invoice_lines([item], seller.vat_mode.value)
    except money.InvoiceLineError as problem:
        raise Invalid(f"invoice.line_{problem.reason}", field="amount") from problem


def _frozen(
    seller: Seller, buyer: Buyer, lines: tuple[money.InvoiceLine, ...], *, customer_id: int, basis: str
) -> Invoice:
    """The invoice without a number: copies of both sides as they stand today (rule F12)."""
    totals = money.invoice_totals(lines, seller.vat_mode.value)
    today = settlement.moscow_day()
    return Invoice(
        customer_id=customer_id,
        seller_id=seller.id,
        year=today.year,
        issued_on=today,
        due_on=today + timedelta(days=seller.due_days),
        seller={name: getattr(seller, name) for name in SELLER_FIELDS},
        buyer={name: getattr(buyer, name) for name in Buyer.__slots__},
        buyer_inn=buyer.inn,
        basis=basis,
        vat_mode=seller.vat_mode,
        total=totals.payable,
        vat_total=totals.vat,
        state=InvoiceState.ISSUED,
        lines=[_stored(place, line, customer_id) for place, line in enumerate(lines, 1)],
    )


def _stored(place: int, line: money.InvoiceLine, customer_id: int) -> InvoiceLine:
    return InvoiceLine(
        customer_id=customer_id,
        position=place,
        name=line.name,
        quantity=line.quantity,
        unit=line.unit,
        price=line.price,
        total=line.amount,
        vat_rate=None if line.vat_rate is None else Decimal(line.vat_rate),
        vat=line.vat_amount,
    )


def _printed(line: InvoiceLine) -> money.InvoiceLine:
    rate = None if line.vat_rate is None else int(line.vat_rate)
    return money.InvoiceLine(line.name, line.quantity, line.unit, line.price, line.total, rate, line.vat)


def _next_number(session: CabSession, seller_id: int, year: int) -> int:
    """The next number of the seller and year; a refused transaction gives it back (rule F12)."""
    statement = (
        insert(InvoiceCounter)
        .values(seller_id=seller_id, year=year, last_number=1)
        .on_conflict_do_update(
            index_elements=["seller_id", "year"], set_={"last_number": InvoiceCounter.last_number + 1}
        )
        .returning(InvoiceCounter.last_number)
    )
    return int(session.execute(statement).scalar_one())


def _note(session: CabSession, action: str, invoice: Invoice, actor: Actor, **values: Any) -> None:
    audit.record(
        session,
        action,
        actor=actor,
        customer_id=invoice.customer_id,
        object_type="invoice",
        object_id=invoice.id,
        **values,
    )


STATE_WORDS = {state.value: f"invoice.state.{state.value}" for state in InvoiceState}
for _name in ("invoice", "invoice_support"):
    operation.register_export(
        _name,
        (
            ExportColumn("number", Invoice.number),
            ExportColumn("created_at", Invoice.created_at),
            ExportColumn("buyer_inn", Invoice.buyer_inn),
            ExportColumn("amount", Invoice.total),
            ExportColumn("status", Invoice.state, choices=STATE_WORDS),
            ExportColumn("paid", Invoice.paid_total),
        ),
        permission="invoice.export",
    )
