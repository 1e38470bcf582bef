"""Customers: made, changed, blocked by support. Every write is audited where the customer can read it."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import available_timezones

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import inn as inns
from callcab.lib.errors import Conflict, Invalid, NotFound
from callcab.models import Customer, CustomerStatus, Note, Tariff, User, UserStatus
from callcab.scope import Actor
from callcab.services import audit, cell, label, session_record, user
from callcab.services.listing import decode_id

NAME_LIMIT = 200
NOTE_LIMIT = 4000
EDITABLE = ("name", "inn", "email", "tariff_id", "manager_id", "zone", "lines", "calls_per_second", *label.LIMITS)
MOST_LINES = 1_000
ZONES = available_timezones()


def create(
    session: CabSession, *, values: dict[str, Any], owner_name: str, actor: Actor, operation_id: int | None = None
) -> Customer:
    """A customer with the owner of its cabinet, who is invited by the caller (``user.awaiting``). Flushed, audited.

    Raises Invalid with the field at fault; Conflict ``user.email_taken`` when the e-mail signs in already.
    """
    checked = check(session, values)
    row = Customer(**checked, operation_id=operation_id)
    session.add(row)
    session.flush()
    _note(session, "customer.create", row, actor, after=checked)
    user.invite(session, customer_id=row.id, email=row.email, name=owner_name or row.name, role="owner", actor=actor)
    return row


def edit(session: CabSession, customer_id: int, *, values: dict[str, Any], version: int, actor: Actor) -> Customer:
    """Change what the person changed and nothing else (F-22). Flushed, audited.

    version  what the form saw. Conflict ``edit.stale`` with the fields that differ now, ``current`` in params
    """
    row = _locked(session, customer_id)
    checked = check(session, values)
    if row.version != version:
        current = {name: getattr(row, name) for name in checked if getattr(row, name) != checked[name]}
        if current:
            raise Conflict("edit.stale", current=current)
    before = {name: getattr(row, name) for name in checked if getattr(row, name) != checked[name]}
    for name in before:
        setattr(row, name, checked[name])
    if before:
        row.version += 1
        session.flush()
        _note(session, "customer.edit", row, actor, before=before, after={name: checked[name] for name in before})
    return row


def set_tariff(session: CabSession, customer_id: int, *, value: str, seen: str, actor: Actor) -> Customer:
    """Change the tariff alone. Raises Conflict ``cell.changed``; else as ``edit``."""
    return _set_one(session, customer_id, "tariff_id", read_id(value) or 0, seen, actor)


def set_manager(session: CabSession, customer_id: int, *, value: str, seen: str, actor: Actor) -> Customer:
    """Change alone who of support looks after the customer; an empty value: nobody. Raises as ``set_tariff``."""
    return _set_one(session, customer_id, "manager_id", read_id(value), seen, actor)


def read_id(text: str) -> int | None:
    """The id that a choice of a form holds, 0 for what is none; None for "nobody"."""
    return (decode_id(text) or 0) if text else None


def _set_one(
    session: CabSession, customer_id: int, field: str, wanted: int | None, seen: str, actor: Actor
) -> Customer:
    row = _locked(session, customer_id)
    now = getattr(row, field)
    if now != wanted and cell.text_of(now) != seen:
        raise Conflict("cell.changed", now=cell.text_of(now))
    return edit(session, customer_id, values={field: wanted}, version=row.version, actor=actor)


def block(session: CabSession, customer_id: int, *, reason: str, actor: Actor) -> Customer:
    """Shut the cabinet, the API and the calls of a customer; takes hold at the next request. Flushed, audited."""
    reason = reason.strip()
    if not reason:
        raise Invalid("reason.missing", field="reason")
    row = _locked(session, customer_id)
    if row.status is CustomerStatus.BLOCKED:
        raise Conflict("customer.is_blocked")
    row.status, row.block_reason = CustomerStatus.BLOCKED, reason
    row.version += 1
    session.flush()
    session_record.revoke_customer(session, customer_id=row.id)
    _note(session, "customer.block", row, actor, after={"status": "blocked"}, reason=reason)
    return row


def unblock(session: CabSession, customer_id: int, *, actor: Actor) -> Customer:
    """Open everything again. Conflict ``customer.not_blocked``. Flushed, audited."""
    row = _locked(session, customer_id)
    if row.status is not CustomerStatus.BLOCKED:
        raise Conflict("customer.not_blocked")
    reason = row.block_reason
    row.status, row.block_reason = CustomerStatus.ACTIVE, None
    row.version += 1
    session.flush()
    _note(session, "customer.unblock", row, actor, before={"block_reason": reason}, after={"status": "active"})
    return row


def add_note(session: CabSession, customer_id: int, *, text: str, actor: Actor) -> Note:
    """A note for colleagues; the customer never sees it. Flushed. Invalid ``field.required`` when empty."""
    text = text.strip()
    if not text:
        raise Invalid("field.required", field="text")
    if len(text) > NOTE_LIMIT:
        raise Invalid("field.too_long", field="text", limit=NOTE_LIMIT)
    get(session, customer_id)
    note = Note(about_id=customer_id, author_id=actor.user_id, author_name=actor.name, text=text)
    session.add(note)
    session.flush()
    return note


def get(session: CabSession, customer_id: int) -> Customer:
    """The customer. NotFound ``customer.not_found``."""
    row = session.get(Customer, customer_id)
    if row is None:
        raise NotFound("customer.not_found")
    return row


def _locked(session: CabSession, customer_id: int) -> Customer:
    row: Customer | None = session.scalar(
        sa.select(Customer)
        .where(Customer.id == customer_id)
        .with_for_update(of=Customer)
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound("customer.not_found")
    return row


def check(session: CabSession, values: dict[str, Any]) -> dict[str, Any]:
    """The fields of a form as they are stored. Raises Invalid with the one at fault."""
    unknown = values.keys() - set(EDITABLE)
    if unknown:
        raise ValueError(f"not a field of the form: {sorted(unknown)[0]}")  # a defect in the caller (AC-37)
    found = dict(values)
    if "name" in found:
        found["name"] = _text(found["name"], "name")
    if "email" in found:
        found["email"] = _email(found["email"])
    if "inn" in found:
        found["inn"] = _inn(found["inn"])
    if "zone" in found and found["zone"] not in ZONES:
        raise Invalid("field.choice", field="zone")
    if "tariff_id" in found and session.get(Tariff, found["tariff_id"]) is None:
        raise Invalid("field.choice", field="tariff_id")
    if found.get("manager_id") is not None and not _is_manager(session, found["manager_id"]):
        raise Invalid("field.choice", field="manager_id")
    for name in ("lines", "calls_per_second"):
        if name in found:
            found[name] = _limit(found[name], name)
    if found.keys() & label.LIMITS.keys():
        found |= label.check(found)
    return found


def managers(session: CabSession) -> Sequence[sa.Row[int, str]]:
    """Ids and names of those of support who can be given a customer."""
    active = (User.customer_id.is_(None), User.status == UserStatus.ACTIVE)
    return session.execute(sa.select(User.id, User.name).where(*active).order_by(User.name, User.id)).all()


def _is_manager(session: CabSession, user_id: int) -> bool:
    """Also of somebody who is switched off: a form gives back what it does not change."""
    found = sa.select(User.id).where(User.id == user_id, User.customer_id.is_(None))
    return session.scalar(found) is not None


def _limit(text: str, field: str) -> int | None:
    """Most lines at once or calls in a second, in all campaigns; nothing = as many as the platform allows."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_LINES):
        raise Invalid("campaign.out_of_range", field=field, low=1, high=MOST_LINES)
    return int(text)


def _text(value: str, field: str) -> str:
    text = " ".join(value.split())
    if not text:
        raise Invalid("field.required", field=field)
    if len(text) > NAME_LIMIT:
        raise Invalid("field.too_long", field=field, limit=NAME_LIMIT)
    return text


def _email(value: str) -> str:
    text = value.strip().lower()
    name, _, host = text.partition("@")
    if not name or "." not in host or any(letter.isspace() for letter in text) or len(text) > NAME_LIMIT:
        raise Invalid("mail.recipient", field="email")
    return text


def _inn(value: str | None) -> str | None:
    if not value or not value.strip():
        return None
    try:
        return inns.check(value).value
    except inns.InnError as error:
        raise Invalid(f"inn.{error.reason}", field="inn") from None


def _note(session: CabSession, action: str, row: Customer, actor: Actor, **values: Any) -> None:
    audit.record(session, action, actor=actor, customer_id=row.id, object_type="customer", object_id=row.id, **values)


def owner(session: CabSession, customer_id: int) -> User:
    """The first owner of a customer's cabinet. NotFound ``user.not_found``."""
    found = session.scalar(
        sa.select(User).where(User.customer_id == customer_id, User.role == "owner").order_by(User.id).limit(1)
    )
    if found is None:
        raise NotFound("user.not_found")
    return found
