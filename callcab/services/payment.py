"""Payments: money as people speak of it. Each row stands beside the ledger entry that moved the balance (rule P1)."""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import money, receipt, tokens
from callcab.lib.errors import Conflict, Invalid, NotFound
from callcab.models import (
    Account,
    Customer,
    EntryKind,
    LedgerEntry,
    Payment,
    PaymentKind,
    PaymentMethod,
)
from callcab.scope import Actor
from callcab.services import audit, ledger, operation, settlement
from callcab.services.lock import take_turn
from callcab.services.operation.columns import ExportColumn

REASON_LIMIT = 200
EXTERNAL_ID_LIMIT = 100


def record(
    session: CabSession,
    *,
    customer_id: int,
    amount: Decimal,
    method: PaymentMethod,
    actor: Actor,
    receipt_url: str | None = None,
    invoice_id: int | None = None,
    external_id: str | None = None,
    reason: str = "",
) -> Payment:
    """Credit money that came in: ``amount`` roubles, above zero and in whole kopecks. Flushed, audited.

    external_id  the payer's bank or acquirer calls it so, or ``form:<key>`` of a form; the same one again gives back
                 the first payment and moves nothing (rule P6)
    raises       Invalid ``payment.not_positive`` and the like, ``field.too_long``, ``field.choice`` for a promo code,
                 which is no money that came in (rule P3); NotFound ``customer.not_found``; Conflict
                 ``payment.external_reused`` when the id belongs to another customer, sum, method or invoice
    """
    if method is PaymentMethod.PROMO:
        raise Invalid("field.choice", field="method")
    amount = exact(amount)
    if amount <= 0:
        raise Invalid("payment.not_positive", field="amount")
    link = _receipt_link(receipt_url)
    reason, external_id = _reason(reason), _external_id(external_id)
    expected = {
        "customer_id": customer_id,
        "amount": amount,
        "kind": PaymentKind.CREDIT,
        "method": method,
        "invoice_id": invoice_id,
    }
    known = _known(session, external_id, expected)
    if known is not None:
        return known
    customer = lock_customer(session, customer_id)
    entry = ledger.post(
        session,
        customer_id=customer_id,
        kind=EntryKind.PAYMENT,
        account=Account.BANK,
        amount=amount,
        key=_key(external_id),
        cause="payment" if invoice_id is None else "invoice",
        cause_id=invoice_id,
    )
    row = add_row(
        session,
        customer,
        entry,
        PaymentKind.CREDIT,
        method,
        actor,
        receipt_url=link,
        invoice_id=invoice_id,
        external_id=external_id,
        reason=reason,
    )
    after = {"amount": amount, "method": method.value, "external_id": external_id}
    _audit(session, "payment.record", row, actor, after, reason)
    return row


def correct(
    session: CabSession,
    *,
    customer_id: int,
    amount: Decimal,
    reason: str,
    actor: Actor,
    external_id: str | None = None,
) -> Payment:
    """Move the balance by hand, up or down, with a reason that the customer may read. Flushed, audited.

    external_id  ``form:<key>`` makes a doubled form one correction
    raises       Invalid ``amount.zero``, ``payment.fraction``, ``payment.reason``; LimitReached ``balance.low``; else
                 as ``record``
    """
    amount = exact(amount)
    if amount == 0:
        raise Invalid("amount.zero", field="amount")
    reason, external_id = _reason(reason, required=True), _external_id(external_id)
    expected = {"customer_id": customer_id, "amount": amount, "kind": PaymentKind.ADJUSTMENT}
    known = _known(session, external_id, expected)
    if known is not None:
        return known
    customer = lock_customer(session, customer_id)
    entry = ledger.post(
        session,
        customer_id=customer_id,
        kind=EntryKind.CORRECTION,
        account=Account.CORRECTION,
        amount=amount,
        key=_key(external_id),
        cause="payment",
    )
    row = add_row(
        session,
        customer,
        entry,
        PaymentKind.ADJUSTMENT,
        PaymentMethod.MANUAL,
        actor,
        external_id=external_id,
        reason=reason,
    )
    _audit(session, "payment.correct", row, actor, {"amount": amount}, reason)
    return row


def reverse(session: CabSession, payment_id: int, *, reason: str, actor: Actor) -> Payment:
    """Undo a payment by its opposite, once; the first row stays, an invoice that it paid is open again. Flushed.

    A reversed credit is a negative credit, so that sums of credits come out right; all else becomes an adjustment.
    Raises NotFound ``payment.not_found``, Conflict ``payment.is_reversal`` or ``payment.already_reversed``, Invalid
    ``payment.reason``, LimitReached ``balance.low`` when the money is spent already.
    """
    reason = _reason(reason, required=True)
    first: Payment | None = session.get(Payment, payment_id)
    if first is None:
        raise NotFound("payment.not_found")
    if first.reverses_id is not None:
        raise Conflict("payment.is_reversal")
    invoice = settlement.lock(session, first.invoice_id) if first.invoice_id else None
    customer = lock_customer(session, first.customer_id)
    origin = session.get_one(LedgerEntry, first.ledger_entry_id)
    entry = ledger.reverse(session, origin, cause="payment", cause_id=first.id)
    # A repeat gets the first reversal's entry back from the ledger; its payment is there already.
    if session.scalar(sa.select(Payment.id).where(Payment.reverses_id == first.id)) is not None:
        raise Conflict("payment.already_reversed")
    row = add_row(
        session,
        customer,
        entry,
        PaymentKind.CREDIT if first.kind is PaymentKind.CREDIT else PaymentKind.ADJUSTMENT,
        first.method,
        actor,
        reverses_id=first.id,
        reason=reason,
    )
    if invoice is not None:
        settlement.count(session, invoice, row.amount)
    _audit(session, "payment.reverse", row, actor, {"amount": row.amount, "reverses": first.id}, reason)
    return row


def lock_customer(session: CabSession, customer_id: int) -> Customer:
    """The customer, locked until the transaction ends. Raises NotFound ``customer.not_found``."""
    customer: Customer | None = session.scalar(
        sa.select(Customer)
        .where(Customer.id == customer_id)
        .with_for_update(of=Customer)
        .execution_options(populate_existing=True)
    )
    if customer is None:
        raise NotFound("customer.not_found", field="customer")
    return customer


def add_row(
    session: CabSession,
    customer: Customer,
    entry: LedgerEntry,
    kind: PaymentKind,
    method: PaymentMethod,
    actor: Actor,
    **values: Any,
) -> Payment:
    """The payment of a ledger entry, with the tariff's name of this day. Flushed; the caller checks and audits."""
    row = Payment(
        customer_id=customer.id,
        kind=kind,
        method=method,
        amount=entry.amount,
        tariff_name=customer.tariff.name,
        ledger_entry_id=entry.id,
        created_by=actor.user_id,
        **values,
    )
    session.add(row)
    session.flush()
    return row


def exact(amount: Decimal) -> Decimal:
    """The sum with two decimals; Invalid ``payment.fraction`` rather than rounded in silence (AC-50)."""
    try:
        kopecks = money.to_kopecks(amount)
    except money.AmountError:
        raise Invalid("payment.bad_amount", field="amount") from None
    if kopecks != amount:
        raise Invalid("payment.fraction", field="amount")
    return kopecks


def _known(session: CabSession, external_id: str | None, expected: dict[str, Any]) -> Payment | None:
    """The payment that has this id already; Conflict when it is another one than expected in any respect.

    The turn comes before the look and before the customer's lock: two customers may be named for one transfer, and
    whoever was first has committed by then.
    """
    if external_id is None:
        return None
    take_turn(session, "payment", external_id)
    known: Payment | None = session.scalar(sa.select(Payment).where(Payment.external_id == external_id))
    if known is not None and any(getattr(known, name) != value for name, value in expected.items()):
        raise Conflict("payment.external_reused", field="external_id")
    return known


def _key(external_id: str | None) -> str:
    return f"payment:{external_id or tokens.random_token()}"


def _reason(text: str, *, required: bool = False) -> str:
    reason = " ".join(text.split())
    if required and not reason:
        raise Invalid("payment.reason", field="reason")
    if len(reason) > REASON_LIMIT:
        raise Invalid("field.too_long", field="reason", limit=REASON_LIMIT)
    return reason


def _external_id(text: str | None) -> str | None:
    value = (text or "").strip()
    if len(value) > EXTERNAL_ID_LIMIT:
        raise Invalid("field.too_long", field="external_id", limit=EXTERNAL_ID_LIMIT)
    return value or None


def _receipt_link(text: str | None) -> str | None:
    if not (text or "").strip():
        return None
    link = receipt.safe_link(text)
    if link is None:
        raise Invalid("payment.receipt_link", field="receipt_url")
    return link


def _audit(
    session: CabSession, action: str, row: Payment, actor: Actor, after: dict[str, object], reason: str = ""
) -> None:
    audit.record(
        session,
        action,
        actor=actor,
        customer_id=row.customer_id,
        object_type="payment",
        object_id=row.id,
        after=after,
        reason=reason,
    )


KINDS = {item.value: f"payment.kind.{item.value}" for item in PaymentKind}
METHODS = {item.value: f"payment.method.{item.value}" for item in PaymentMethod}
_COLUMNS = (
    ExportColumn("created_at", Payment.created_at),
    ExportColumn("amount", Payment.amount),
    ExportColumn("tariff", Payment.tariff_name),
    ExportColumn("kind", Payment.kind, choices=KINDS),
    ExportColumn("method", Payment.method, choices=METHODS),
    ExportColumn("receipt", Payment.receipt_url),
)
operation.register_export("payment", _COLUMNS, permission="payment.export")
operation.register_export(
    "payment_support",
    (*_COLUMNS[:1], ExportColumn("customer", lambda row: row.customer.name), *_COLUMNS[1:]),
    permission="payment.export",
)
