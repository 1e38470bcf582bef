"""Lists of promo batches, codes and activations."""

from typing import Any

import sqlalchemy as sa

from callcab.lib import clock, tokens
from callcab.models import PromoActivation, PromoBatch, PromoCode, PromoState
from callcab.services.listing import ChoiceFilter, DateTimeRange, ListSpec, ReferenceFilter, Related, Sort, register


def _over() -> sa.ColumnElement[bool]:
    return sa.and_(PromoBatch.expires_at.is_not(None), PromoBatch.expires_at <= clock.now())


def _running(state: PromoState) -> sa.ColumnElement[bool]:
    return sa.and_(PromoBatch.state == state, sa.not_(_over()))


def search_batch(text: str) -> sa.ColumnElement[bool]:
    return PromoBatch.name.icontains(text, autoescape=True)


def by_code(column: Any) -> Any:
    """A search for a code in any of its writings (AC-49)."""

    def search(text: str) -> sa.ColumnElement[bool] | None:
        code = tokens.normalise_code(text)
        if not code or not (code.isascii() and code.isalnum()):
            return None
        found: sa.ColumnElement[bool] = column == code
        return found

    return search


def taken_by(customer_id: int) -> sa.ColumnElement[bool]:
    """Codes that the customer activated."""
    taken = sa.select(PromoActivation.code_id).where(PromoActivation.customer_id == customer_id)
    return PromoCode.id.in_(taken)


PROMO_BATCH = register(
    ListSpec(
        name="promo_batch",
        model=PromoBatch,
        sorts={"created_at": Sort(PromoBatch.created_at)},
        default_sort="-created_at",
        filters=(
            ChoiceFilter(
                "state",
                conditions={
                    "active": lambda: _running(PromoState.ACTIVE),
                    "paused": lambda: _running(PromoState.PAUSED),
                    "expired": _over,
                },
            ),
            DateTimeRange("created", PromoBatch.created_at),
        ),
        search=search_batch,
    )
)
PROMO_CODE = register(
    ListSpec(
        name="promo_code",
        model=PromoCode,
        sorts={"created_at": Sort(PromoCode.created_at)},
        default_sort="-created_at",
        filters=(
            ChoiceFilter(
                "used",
                conditions={
                    "unused": lambda: PromoCode.used_count == 0,
                    "partly": lambda: sa.and_(PromoCode.used_count > 0, PromoCode.used_count < PromoCode.uses_limit),
                    "whole": lambda: PromoCode.used_count >= PromoCode.uses_limit,
                },
            ),
            ReferenceFilter("batch", PromoCode.batch_id),
            ReferenceFilter("customer", PromoActivation.customer_id, through=taken_by),
            DateTimeRange("created", PromoCode.created_at),
        ),
        search=by_code(PromoCode.code),
        related=lambda: [Related(PromoCode.batch, [PromoBatch.name, PromoBatch.amount])],
    )
)
PROMO_ACTIVATION = register(
    ListSpec(
        name="promo_activation",
        model=PromoActivation,
        sorts={"created_at": Sort(PromoActivation.created_at)},
        default_sort="-created_at",
        filters=(
            ChoiceFilter(
                "state",
                conditions={
                    "credited": lambda: PromoActivation.reversed_at.is_(None),
                    "reversed": lambda: PromoActivation.reversed_at.is_not(None),
                },
            ),
            DateTimeRange("created", PromoActivation.created_at),
        ),
        search=by_code(PromoActivation.code),
    )
)
