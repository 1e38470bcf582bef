"""Promo codes: batches by support, activation by customers exactly once (AC-20, AC-48, AC-49)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from callcab.db import CabSession
from callcab.lib import clock, tokens
from callcab.lib.errors import Conflict, DomainError, Invalid, LimitReached, NotFound
from callcab.models import (
    Account,
    Customer,
    EntryKind,
    LedgerEntry,
    PaymentKind,
    PaymentMethod,
    PromoActivation,
    PromoAttempt,
    PromoBatch,
    PromoCode,
    PromoState,
)
from callcab.scope import Actor
from callcab.services import audit, bulk, ledger, operation, payment
from callcab.services.operation import ExportColumn

TRIES = 10
WINDOW = timedelta(hours=1)
CODES_LIMIT = 10_000
USES_LIMIT = 1_000_000
AMOUNT_LIMIT = Decimal("1000000.00")
NAME_LIMIT = 200
CODE_LIMIT = 100
# What a person may do by a slip is no guess.
_NO_GUESS = ("promo.too_many", "promo.already_used", "promo.empty")


@dataclass(frozen=True)
class Attempt:
    """How a try went: one of the two is set."""

    activation: PromoActivation | None = None
    refusal: DomainError | None = None


def attempt(session: CabSession, *, customer_id: int, code: str, actor: Actor) -> Attempt:
    """Activate and count a failed try in the same transaction; commit it also when it was refused (AC-48)."""
    try:
        return Attempt(activate(session, customer_id=customer_id, code=code, actor=actor))
    except DomainError as refusal:
        if refusal.code not in _NO_GUESS:
            session.add(PromoAttempt(customer_id=customer_id, reason=refusal.code[:32]))
            session.flush()
        return Attempt(refusal=refusal)


def activate(session: CabSession, *, customer_id: int, code: str, actor: Actor) -> PromoActivation:
    """Credit the code's amount to the customer, once; flushed. All writings of a code are one (AC-49).

    Once is for good: a code whose payment was reversed is not given out again, to him or to anybody.

    Needs ``Scope.system``: codes are not readable by customers. Refusals come before anything is written:
    LimitReached ``promo.too_many`` after TRIES failed ones within WINDOW, NotFound ``promo.not_found``, Conflict
    ``promo.expired``, ``promo.paused``, ``promo.exhausted``, ``promo.already_used``, Invalid ``promo.empty``.
    """
    # The customer's lock puts his tries in line, so that neither the count nor the balance can be raced.
    customer = payment.lock_customer(session, customer_id)
    _check_tries(session, customer_id)
    found = _find(session, code)
    if session.scalar(
        sa.select(PromoActivation.id).where(
            PromoActivation.code_id == found.id, PromoActivation.customer_id == customer_id
        )
    ):
        raise Conflict("promo.already_used", field="code")
    _check_open(found.batch)
    _use(session, found)
    return _credit(session, customer, found, actor)


def create_batch(
    session: CabSession,
    *,
    name: str,
    amount: Decimal,
    count: int,
    uses_per_code: int,
    expires_at: datetime | None,
    request_key: str,
    actor: Actor,
) -> PromoBatch:
    """Issue ``count`` new codes; flushed. The same ``request_key`` gives the first batch again."""
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"promo:{request_key}", 0))))
    known = session.scalar(sa.select(PromoBatch).where(PromoBatch.request_key == request_key))
    if known is not None:
        return known
    _check_batch(name, amount, count, uses_per_code, expires_at)
    batch = PromoBatch(
        name=" ".join(name.split()),
        amount=amount,
        uses_per_code=uses_per_code,
        codes_count=count,
        expires_at=expires_at,
        created_by=actor.user_id,
        request_key=request_key,
    )
    session.add(batch)
    session.flush()
    _issue(session, batch, count)
    after = {"name": batch.name, "amount": amount, "codes": count, "uses": uses_per_code, "expires_at": expires_at}
    _audit(session, "promo.issue", batch, actor, after=after)
    return batch


def pause(session: CabSession, batch_id: int, *, actor: Actor) -> PromoBatch:
    """Stop activations; Conflict ``promo.state`` when stopped already."""
    return _switch(session, batch_id, PromoState.PAUSED, "promo.pause", actor)


def resume(session: CabSession, batch_id: int, *, actor: Actor) -> PromoBatch:
    """Allow activations again; Conflict ``promo.state`` when allowed already."""
    return _switch(session, batch_id, PromoState.ACTIVE, "promo.resume", actor)


def reversed_count(session: CabSession, batch_id: int) -> int:
    """How many activations of the batch were taken back; they still count as activations."""
    statement = (
        sa.select(sa.func.count())
        .select_from(LedgerEntry)
        .join(PromoActivation, PromoActivation.ledger_entry_id == LedgerEntry.reverses_id)
        .join(PromoCode, PromoCode.id == PromoActivation.code_id)
        .where(PromoCode.batch_id == batch_id, LedgerEntry.kind == EntryKind.REVERSAL)
    )
    return session.scalar(statement) or 0


def _check_tries(session: CabSession, customer_id: int) -> None:
    since = clock.now() - WINDOW
    count, oldest = session.execute(
        sa.select(sa.func.count(), sa.func.min(PromoAttempt.created_at)).where(
            PromoAttempt.customer_id == customer_id, PromoAttempt.created_at > since
        )
    ).one()
    if count >= TRIES:
        raise LimitReached("promo.too_many", field="code", retry_at=oldest + WINDOW)


def _find(session: CabSession, text: str) -> PromoCode:
    if not text.strip():
        raise Invalid("promo.empty", field="code")
    code = tokens.normalise_code(text[:CODE_LIMIT])
    # What cannot be stored cannot be a code; it is still a guess.
    found = None
    if code.isascii() and code.isalnum() and len(text) <= CODE_LIMIT:
        found = session.scalar(sa.select(PromoCode).where(PromoCode.code == code))
    if found is None:
        raise NotFound("promo.not_found", field="code")
    return found


def _check_open(batch: PromoBatch) -> None:
    if batch.state is PromoState.PAUSED:
        raise Conflict("promo.paused", field="code")
    if batch.expires_at is not None and batch.expires_at <= clock.now():
        raise Conflict("promo.expired", field="code")


def _use(session: CabSession, code: PromoCode) -> None:
    taken = session.scalar(
        sa.update(PromoCode)
        .where(PromoCode.id == code.id, PromoCode.used_count < PromoCode.uses_limit)
        .values(used_count=PromoCode.used_count + 1)
        .returning(PromoCode.id)
        .execution_options(synchronize_session=False)
    )
    if taken is None:
        raise Conflict("promo.exhausted", field="code")


def _credit(session: CabSession, customer: Customer, code: PromoCode, actor: Actor) -> PromoActivation:
    amount = code.batch.amount
    entry = ledger.post(
        session,
        customer_id=customer.id,
        kind=EntryKind.PROMO,
        account=Account.PROMO,
        amount=amount,
        key=f"promo:{code.id}:{customer.id}",
        cause="promo_code",
        cause_id=code.id,
    )
    made = PromoActivation(
        customer_id=customer.id,
        code_id=code.id,
        code=code.code,
        amount=amount,
        ledger_entry_id=entry.id,
        user_id=actor.user_id,
    )
    session.add(made)
    payment.add_row(session, customer, entry, PaymentKind.CREDIT, PaymentMethod.PROMO, actor)
    # Last, and after the code: every activation takes these locks in the same order.
    session.execute(
        sa.update(PromoBatch)
        .where(PromoBatch.id == code.batch_id)
        .values(activations_count=PromoBatch.activations_count + 1)
        .execution_options(synchronize_session=False)
    )
    audit.record(
        session,
        "promo.activate",
        actor=actor,
        customer_id=customer.id,
        object_type="promo_activation",
        object_id=made.id,
        after={"amount": amount, "batch": code.batch_id},
    )
    return made


def _check_batch(name: str, amount: Decimal, count: int, uses: int, expires_at: datetime | None) -> None:
    if not name.strip():
        raise Invalid("field.required", field="name")
    if len(name) > NAME_LIMIT:
        raise Invalid("field.too_long", field="name", limit=NAME_LIMIT)
    if not amount.is_finite() or not 0 < amount <= AMOUNT_LIMIT or amount != round(amount, 2):
        raise Invalid("promo.amount", field="amount", limit=AMOUNT_LIMIT)
    # None: they come from a file.
    if not 0 <= count <= CODES_LIMIT:
        raise Invalid("promo.count", field="count", limit=CODES_LIMIT)
    if not 1 <= uses <= USES_LIMIT:
        raise Invalid("promo.uses", field="uses_per_code", limit=USES_LIMIT)
    if expires_at is not None and expires_at <= clock.now():
        raise Invalid("promo.past", field="expires_at")


def _issue(session: CabSession, batch: PromoBatch, count: int) -> None:
    """New codes; one that exists by chance is drawn again."""
    left = count
    while left:
        rows = [
            {
                "batch_id": batch.id,
                "code": tokens.normalise_code(tokens.promo_code()),
                "uses_limit": batch.uses_per_code,
                "used_count": 0,
                "created_at": clock.now(),
            }
            for _ in range(min(left, 1_000))
        ]
        statement = postgresql.insert(PromoCode).values(rows).on_conflict_do_nothing().returning(PromoCode.id)
        left -= len(session.scalars(statement).all())


def _switch(session: CabSession, batch_id: int, state: PromoState, action: str, actor: Actor) -> PromoBatch:
    changed = session.execute(
        sa.update(PromoBatch)
        .where(PromoBatch.id == batch_id, PromoBatch.state != state)
        .values(state=state, version=PromoBatch.version + 1)
        .execution_options(synchronize_session=False)
    )
    batch = session.get(PromoBatch, batch_id, populate_existing=True)
    if batch is None:
        raise NotFound("promo.batch_not_found")
    if not bulk.written(changed):
        raise Conflict("promo.state")
    _audit(session, action, batch, actor, after={"state": state.value})
    return batch


def _audit(session: CabSession, action: str, batch: PromoBatch, actor: Actor, *, after: dict[str, Any]) -> None:
    audit.record(
        session, action, actor=actor, customer_id=None, object_type="promo_batch", object_id=batch.id, after=after
    )


operation.register_export(
    "promo_code",
    (
        ExportColumn("code", lambda row: tokens.group_code(row.code)),
        ExportColumn("batch", lambda row: row.batch.name),
        ExportColumn("amount", lambda row: row.batch.amount),
        ExportColumn("uses_limit", PromoCode.uses_limit),
        ExportColumn("used_count", PromoCode.used_count),
        ExportColumn("created_at", PromoCode.created_at),
    ),
    permission="promo.export",
)
