"""Price plans, looked after by administrators. What was charged before stays as it was."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib.errors import Conflict, Invalid, NotFound
from callcab.models import Tariff
from callcab.scope import Actor
from callcab.services import audit

NAME_LIMIT = 100
SECONDS_LIMIT = 3600
PRICE_LIMIT = Decimal("10000")
PRICES = ("minute_price", "attempt_price", "machine_price", "rental_day_price")
# Empty: calls from such numbers cost what calls from shared ones do.
OWN_PRICES = ("duty_minute_price", "personal_minute_price", "rented_minute_price")


def save(
    session: CabSession, tariff_id: int | None, *, values: Mapping[str, Any], version: int, actor: Actor
) -> Tariff:
    """Store a plan, or make a new one without an id; flushed.

    values  ``name``, ``first_seconds``, ``step_seconds``, PRICES, OWN_PRICES (None for the shared numbers' price),
            ``match_region``, ``is_default``
    raises  Invalid with the field at fault; Conflict ``tariff.name_known`` or ``edit.stale``; NotFound
    """
    wanted = check(values)
    row = _locked(session, tariff_id, version) if tariff_id else Tariff(version=0)
    if session.scalar(sa.select(Tariff.id).where(Tariff.name == wanted["name"], Tariff.id != (tariff_id or 0))):
        raise Conflict("tariff.name_known", field="name")
    if wanted["is_default"]:
        others = sa.update(Tariff).where(Tariff.is_default, Tariff.id != (tariff_id or 0))
        session.execute(others.values(is_default=False))
    elif row.is_default:
        raise Invalid("tariff.default_needed", field="is_default")
    changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    before = {name: getattr(row, name) for name in changed} if tariff_id else None
    for name, value in changed.items():
        setattr(row, name, value)
    if changed:
        row.version += 1
    session.add(row)
    session.flush()
    audit.record(
        session, "tariff.edit" if tariff_id else "tariff.create", actor=actor, customer_id=None,
        object_type="tariff", object_id=row.id, before=before, after=changed,
    )  # fmt: skip
    return row


def check(values: Mapping[str, Any]) -> dict[str, Any]:
    """The plan in stored form. Raises Invalid with the field at fault."""
    name = " ".join(str(values.get("name") or "").split())
    if not name:
        raise Invalid("field.required", field="name")
    if len(name) > NAME_LIMIT or not name.isprintable():
        raise Invalid("field.too_long", field="name", limit=NAME_LIMIT)
    found: dict[str, Any] = {"name": name, "is_default": bool(values.get("is_default"))}
    found["match_region"] = bool(values.get("match_region"))
    for key in ("first_seconds", "step_seconds"):
        seconds = values.get(key)
        if not isinstance(seconds, int) or not 1 <= seconds <= SECONDS_LIMIT:
            raise Invalid("tariff.seconds", field=key, limit=SECONDS_LIMIT)
        found[key] = seconds
    found |= {key: _price(key, values.get(key)) for key in PRICES}
    found |= {key: None if values.get(key) is None else _price(key, values[key]) for key in OWN_PRICES}
    return found


def _price(key: str, price: Any) -> Decimal:
    fits = isinstance(price, Decimal) and price.is_finite() and 0 <= price <= PRICE_LIMIT
    if not fits or price != round(price, 4):
        raise Invalid("tariff.price", field=key, limit=PRICE_LIMIT)
    return Decimal(price)


def _locked(session: CabSession, tariff_id: int, version: int) -> Tariff:
    row = session.scalar(sa.select(Tariff).where(Tariff.id == tariff_id).with_for_update())
    if row is None:
        raise NotFound("tariff.not_found")
    if row.version != version:
        raise Conflict("edit.stale")
    return row
