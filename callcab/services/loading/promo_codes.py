"""Promo codes that somebody else made up, into a batch that gives them their worth."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from callcab.db import CabSession
from callcab.lib import clock, tokens
from callcab.lib.errors import NotFound
from callcab.models import PromoBatch, PromoCode
from callcab.scope import Actor
from callcab.services import audit, bulk
from callcab.services.loading.table import KNOWN, Field, Row, Table, register
from callcab.services.operation.undo_kinds import unmaking

# Shorter ones could be guessed within the tries that a customer has.
_CODE = re.compile(r"[A-Z0-9]{8,32}", re.ASCII)


def judge(session: CabSession, rows: Sequence[Row], params: dict[str, Any]) -> list[tuple[str, str]]:
    codes = [tokens.normalise_code(row.values["code"][:100]) for row in rows]
    readable = [code for code in codes if _CODE.fullmatch(code)]
    there = session.execute(
        sa.select(PromoCode.code, PromoCode.batch_id).where(PromoCode.code == bulk.any_text(readable))
    )
    batches: dict[str, int] = {row.code: row.batch_id for row in there}
    return [(code, _verdict(code, batches.get(code), params["batch_id"])) for code in codes]


def _verdict(code: str, batch_id: int | None, wanted: int) -> str:
    if not _CODE.fullmatch(code):
        return "promo.bad_code"
    if batch_id is None:
        return ""
    return KNOWN if batch_id == wanted else "promo.code_taken"


def write(session: CabSession, rows: Sequence[Row], params: dict[str, Any], actor: Actor) -> Mapping[int, str]:
    """One statement. A code that came into another batch meanwhile is refused after all. NotFound without the batch."""
    batch = session.get(PromoBatch, params["batch_id"])
    if batch is None:
        raise NotFound("promo.batch_not_found")
    lines = {tokens.normalise_code(row.values["code"]): row.line for row in rows}
    given = bulk.rows("given", code=(bulk.TEXT, sorted(lines)))
    now, limit, operation_id = clock.now(), batch.uses_per_code, params["operation_id"]
    new = sa.select(
        given.c.code,
        sa.literal(batch.id, bulk.NUMBER),
        sa.literal(limit, bulk.COUNT),
        sa.literal(0, bulk.COUNT),
        sa.literal(operation_id, bulk.NUMBER),
        sa.literal(now, bulk.MOMENT),
    )
    names = ["code", "batch_id", "uses_limit", "used_count", "operation_id", "created_at"]
    made = session.scalars(
        insert(PromoCode).from_select(names, new).on_conflict_do_nothing().returning(PromoCode.code)
    ).all()
    _count(session, {batch.id: len(made)}, 1)
    audit.record(
        session,
        "promo.load",
        actor=actor,
        customer_id=None,
        object_type="promo_batch",
        object_id=batch.id,
        after={"codes": len(made)},
    )
    return {lines[code]: "promo.code_taken" for code in lines.keys() - set(made)}


def again(session: CabSession, keys: Sequence[str]) -> None:
    session.execute(
        sa.update(PromoCode)
        .where(PromoCode.code == bulk.any_text(keys))
        .values(operation_id=None)
        .execution_options(synchronize_session=False)
    )


def delete(session: CabSession, ids: Sequence[int], actor: Actor) -> int:
    """Delete codes that nobody has activated; returns how many."""
    gone = session.scalars(
        sa.delete(PromoCode)
        .where(PromoCode.id == bulk.any_of(ids), PromoCode.used_count == 0)
        .returning(PromoCode.batch_id)
        .execution_options(synchronize_session=False)
    ).all()
    _count(session, {batch_id: gone.count(batch_id) for batch_id in set(gone)}, -1)
    return len(gone)


def _count(session: CabSession, codes: Mapping[int, int], sign: int) -> None:
    for batch_id in sorted(codes):
        session.execute(
            sa.update(PromoBatch)
            .where(PromoBatch.id == batch_id)
            .values(codes_count=PromoBatch.codes_count + sign * codes[batch_id])
            .execution_options(synchronize_session=False)
        )


PROMO_CODES = Table(
    "promo_code.load",
    (Field("code", ("промокод", "код", "code", "promo", "купон"), required=True),),
    judge,
    write,
    "promo.edit",
    again,
)
register(PROMO_CODES, chunk=1_000, undo=unmaking(PromoCode, delete))
