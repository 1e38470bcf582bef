"""The operator's own requisites; a change shows on new invoices only (rules R2-R7, F12)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import bank_account, inn, money
from callcab.lib.errors import Conflict, Invalid, NotFound
from callcab.models import Seller, VatMode
from callcab.scope import Actor
from callcab.services import audit

TEXTS = ("name", "address", "bank_name", "head", "accountant", "service_name", "attention")
OPTIONAL = ("attention",)
LIMIT = 500
DUE_DAYS = 365


def save(
    session: CabSession, seller_id: int | None, *, values: Mapping[str, Any], version: int, actor: Actor
) -> Seller:
    """Store checked requisites, or make new ones without an id; flushed.

    values  of the form: text fields, ``vat_mode``, ``vat_rate`` (int or None), ``due_days``, ``is_default``
    raises  Invalid with the field at fault; Conflict ``edit.stale`` when somebody saved since ``version``; NotFound
    """
    wanted = check(values)
    row = _locked(session, seller_id, version) if seller_id else Seller(version=0)
    if session.scalar(sa.select(Seller.id).where(Seller.inn == wanted["inn"], Seller.id != (seller_id or 0))):
        raise Conflict("seller.inn_known", field="inn")
    others = session.scalar(sa.select(Seller.id).where(Seller.is_default, Seller.id != (seller_id or 0)))
    if row.is_default and not wanted["is_default"] and others is None:
        raise Invalid("seller.default_needed", field="is_default")
    if others is None:
        wanted["is_default"] = True
    elif wanted["is_default"]:
        session.execute(sa.update(Seller).where(Seller.id == others).values(is_default=False))
    before = {name: getattr(row, name) for name in wanted if getattr(row, name) != wanted[name]} if seller_id else None
    changed = {name: wanted[name] for name in wanted if getattr(row, name) != wanted[name]}
    for name, value in changed.items():
        setattr(row, name, value)
    if changed:
        row.version += 1
    session.add(row)
    session.flush()
    audit.record(
        session, "seller.edit" if seller_id else "seller.create", actor=actor, customer_id=None,
        object_type="seller", object_id=row.id, before=before, after=changed,
    )  # fmt: skip
    return row


def check(values: Mapping[str, Any]) -> dict[str, Any]:
    """The requisites in stored form. Raises Invalid with the field at fault."""
    found: dict[str, Any] = {name: _text(values, name) for name in TEXTS}
    found |= _numbers(values) | _bank(values)
    mode = str(values.get("vat_mode"))
    if mode not in set(VatMode):
        raise Invalid("field.choice", field="vat_mode")
    rate = values.get("vat_rate") if mode != VatMode.NONE else None
    if (mode != VatMode.NONE and rate is None) or rate not in money.VAT_RATES:
        raise Invalid("seller.vat_rate", field="vat_rate")
    days = values.get("due_days")
    if not isinstance(days, int) or not 1 <= days <= DUE_DAYS:
        raise Invalid("seller.due_days", field="due_days", limit=DUE_DAYS)
    found["vat_mode"] = VatMode(mode)
    found["vat_rate"] = None if rate is None else Decimal(rate)
    found["due_days"] = days
    found["is_default"] = bool(values.get("is_default"))
    return found


def _numbers(values: Mapping[str, Any]) -> dict[str, str]:
    try:
        own = inn.check(str(values.get("inn") or ""))
    except inn.InnError as problem:
        raise Invalid(f"inn.{problem.reason}", field="inn") from None
    try:
        kpp = inn.check_kpp_of(own, str(values.get("kpp") or "")) or ""
    except inn.KppError as problem:
        raise Invalid(f"kpp.{problem.reason}", field="kpp") from None
    given = str(values.get("ogrn") or "").strip()
    try:
        ogrn = inn.check_ogrn(given) if given else ""
    except inn.OgrnError as problem:
        raise Invalid(f"ogrn.{problem.reason}", field="ogrn") from None
    return {"inn": own.value, "kpp": kpp, "ogrn": ogrn}


def _bank(values: Mapping[str, Any]) -> dict[str, str]:
    fields = {"bik": "bik", "account": "account", "correspondent": "corr_account"}
    given = {name: str(values.get(name) or "") for name in fields.values()}
    try:
        bik = bank_account.check_bik(given["bik"])
        corr = given["corr_account"]
        if corr.strip() or not bank_account.is_central_bank(bik):
            corr = bank_account.check_correspondent(bik, corr)
        account = bank_account.check(bik, given["account"])
    except bank_account.BankAccountError as problem:
        raise Invalid(f"bank.{problem.reason}", field=fields[problem.field]) from None
    if not bank_account.is_rouble(account):
        raise Invalid("bank.not_rouble", field="account")
    return {"bik": bik, "corr_account": corr.strip(), "account": account}


def _text(values: Mapping[str, Any], name: str) -> str:
    text = "".join(letter if letter.isprintable() else " " for letter in str(values.get(name) or ""))
    line = " ".join(text.split())
    if not line and name not in OPTIONAL:
        raise Invalid("field.required", field=name)
    if len(line) > LIMIT:
        raise Invalid("field.too_long", field=name, limit=LIMIT)
    return line


def _locked(session: CabSession, seller_id: int, version: int) -> Seller:
    row = session.scalar(sa.select(Seller).where(Seller.id == seller_id).with_for_update())
    if row is None:
        raise NotFound("seller.not_found")
    if row.version != version:
        raise Conflict("edit.stale")
    return row
