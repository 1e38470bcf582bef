"""Words of the audit log: what was done, and what changed from what to what."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from callcab.models import AuditEvent
from callcab.services.tariff import OWN_PRICES, PRICES
from callcab.web import errors, telephony_words
from callcab.web.formatters import DASH, moment, money, phone, rate
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l

SHORT = 120
ROLES = {
    "owner": _l("Владелец"),
    "manager": _l("Управляющий"),
    "accountant": _l("Бухгалтер"),
    "operator": _l("Оператор"),
    "viewer": _l("Наблюдатель"),
    "agent": _l("Сотрудник"),
    "lead": _l("Старший сотрудник"),
    "admin": _l("Администратор"),
}
PROMO_STATES = {"active": _l("Действует"), "paused": _l("Пауза")}
LANGUAGES = {"ru": _l("Русский"), "en": _l("Английский")}
# Stored codes by the kind of object and the field, then by the field alone.
CODES: dict[tuple[str, str], Mapping[str, Any]] = {
    ("campaign", "state"): telephony_words.CAMPAIGN_FILTER,
    ("phone_number", "state"): telephony_words.STATE_FILTER,
    ("phone_number", "kind"): telephony_words.KIND_FILTER,
    ("phone_number", "stuck"): telephony_words.STUCK,
    ("verification", "state"): telephony_words.STATE_FILTER,
    ("promo_batch", "state"): PROMO_STATES,
}
FIELD_CODES: dict[str, Mapping[str, Any]] = {
    "language": LANGUAGES,
    "outcome": {code: words for code, (words, _tone) in telephony_words.OUTCOMES.items()},
    "purpose": telephony_words.PURPOSE_FILTER,
    "role": ROLES,
}
# Sentences of the sections themselves: `invoice.state.paid`.
TEXT_CODES = {"method": "payment.method", "source": "blacklist.source", "status": "customer.status"}
# What only programs need.
HIDDEN = frozenset({"customer_id", "request_key", "external_id", "cells"})


def action_words(row: AuditEvent) -> str:
    """What was done, in words; a bulk operation is called as on its own page."""
    for code in (f"audit.{row.action}", f"job.{row.action}"):
        if code in errors.TEXTS:
            return str(errors.TEXTS[code])
    return row.action


def field_name(key: str) -> str:
    for code in (f"audit.field.{key}", f"column.{key}"):
        if code in errors.TEXTS:
            return str(errors.TEXTS[code])
    return key


def _money(text: str) -> str:
    try:
        return money(Decimal(text))
    except InvalidOperation:
        return text


def _rate(text: str) -> str:
    try:
        return rate(Decimal(text))
    except InvalidOperation:
        return text


def _moment(text: str) -> str:
    try:
        return moment(datetime.fromisoformat(text))
    except ValueError:
        return text


SHOWN: dict[str, Callable[[str], str]] = {
    **dict.fromkeys(("amount", "total", "paid_total", "price"), _money),
    **dict.fromkeys((*PRICES, *OWN_PRICES), _rate),
    **dict.fromkeys(("rented_until", "rests_until", "expires_at", "ip_open_until", "until"), _moment),
    **dict.fromkeys(("phone", "from_phone"), phone),
}


def value_text(value: Any, key: str = "", about: str = "") -> str:
    """A stored value of the field ``key`` of an ``about`` as people read it; nothing is shown as «—»."""
    if value is None or value == "" or value == [] or value == {}:
        return DASH
    if isinstance(value, bool):
        return _("да") if value else _("нет")
    if isinstance(value, dict):
        known = [f"{field_name(name)}: {value_text(item, name, about)}" for name, item in value.items() if item]
        return "; ".join(known) or DASH
    if isinstance(value, list):
        return ", ".join(value_text(item, key, about) for item in value)
    return _code_words(str(value), key, about)


def _code_words(text: str, key: str, about: str) -> str:
    known = CODES.get((about, key)) or FIELD_CODES.get(key, {})
    if text in known:
        return str(known[text])
    for code in (f"{about}.{key}.{text}", f"{TEXT_CODES.get(key)}.{text}"):
        if code in errors.TEXTS:
            return str(errors.TEXTS[code])
    return SHOWN[key](text) if key in SHOWN else text


def changes(row: AuditEvent) -> list[tuple[str, str, str]]:
    """(field, before, after) of everything that the event keeps, in a stable order."""
    before, after = row.before or {}, row.after or {}
    return [
        (
            field_name(key),
            value_text(before.get(key), key, row.object_type),
            value_text(after.get(key), key, row.object_type),
        )
        for key in dict.fromkeys([*before, *after])
        if key not in HIDDEN
    ]


def change_words(row: AuditEvent) -> str:
    """`Роль: Оператор → Владелец` for the cell, shortened; empty values say nothing there."""
    found = [(name, old, new) for name, old, new in changes(row) if (old, new) != (DASH, DASH)]
    text = "; ".join(f"{name}: {new}" if old == DASH else f"{name}: {old} → {new}" for name, old, new in found)
    return text if len(text) <= SHORT else text[: SHORT - 1] + "…"
