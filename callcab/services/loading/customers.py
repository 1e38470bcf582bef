"""Customers from a table, each with the owner of his cabinet, who is invited from his card later.

Undone, those go to whom nothing happened since; the log keeps what was done with them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from callcab.db import CabSession
from callcab.lib.errors import DomainError, Invalid
from callcab.models import Customer, Tariff, User
from callcab.scope import Actor
from callcab.services import audit, bulk, customer
from callcab.services.loading.table import KNOWN, Field, Row, Table, register
from callcab.services.operation.undo_kinds import unmaking


def judge(session: CabSession, rows: Sequence[Row], params: dict[str, Any]) -> list[tuple[str, str]]:
    """A customer is known by his INN; an e-mail that signs in already is refused, whosever it is."""
    emails, inns = set[str](), set[str]()
    checked = [_checked(session, row) for row in rows]
    for values, _reason in checked:
        emails.add(values.get("email", ""))
        inns.add(values.get("inn") or "")
    known = set(session.scalars(sa.select(Customer.inn).where(Customer.inn == bulk.any_text(sorted(inns - {""})))))
    taken = set(session.scalars(sa.select(User.email).where(User.email == bulk.any_text(sorted(emails)))))
    found = []
    for values, reason in checked:
        if not reason and values["inn"] in known:
            found.append((values["inn"], KNOWN))
            continue
        if not reason and values["email"] in taken:
            reason = "user.email_taken"
        found.append((values.get("email", ""), reason))
    return found


def _checked(session: CabSession, row: Row) -> tuple[dict[str, Any], str]:
    values = {name: row.values.get(name, "") for name in ("name", "inn", "email")}
    try:
        return customer.check(session, values), ""
    except DomainError as refusal:
        return {}, f"loading.{refusal.field}" if refusal.code.startswith("field.") else refusal.code


def write(session: CabSession, rows: Sequence[Row], params: dict[str, Any], actor: Actor) -> Mapping[int, str]:
    """One after the other; what the rules refuse is rolled back and told for its line only. Invalid
    ``loading.no_tariff`` when no tariff is everybody's."""
    refused = {}
    tariff_id = session.scalar(sa.select(Tariff.id).where(Tariff.is_default).limit(1))
    if tariff_id is None:
        raise Invalid("loading.no_tariff")
    for row in rows:
        values = {name: row.values.get(name, "") for name in ("name", "inn", "email")}
        try:
            with session.begin_nested():
                customer.create(
                    session,
                    values={**values, "tariff_id": tariff_id},
                    owner_name=row.values.get("owner", ""),
                    actor=actor,
                    operation_id=params["operation_id"],
                )
        except DomainError as refusal:
            refused[row.line] = refusal.code
    return refused


def again(session: CabSession, keys: Sequence[str]) -> None:
    """Customers of these INN are wanted once more: they stay when the load that made them is undone."""
    session.execute(
        sa.update(Customer)
        .where(Customer.inn == bulk.any_text(keys), Customer.operation_id.is_not(None))
        .values(operation_id=None)
        .execution_options(synchronize_session=False)
    )


def delete(session: CabSession, ids: Sequence[int], actor: Actor) -> int:
    """Delete customers with whom nothing happened since they were made (``policies.create_forgetting``), and write that
    into the log; returns how many."""
    names = dict(session.execute(sa.select(Customer.id, Customer.name).where(Customer.id == bulk.any_of(ids))).all())
    gone = session.scalars(sa.select(sa.func.forget_customers(sa.cast(list(ids), ARRAY(sa.BigInteger))))).all()
    for customer_id in gone:
        audit.record(
            session,
            "customer.forget",
            actor=actor,
            customer_id=None,
            object_type="customer",
            object_id=customer_id,
            before={"name": names[customer_id]},
        )
    return len(gone)


CUSTOMERS = Table(
    "customer.load",
    (
        Field("name", ("назв", "наимен", "клиент", "организ", "компан", "name", "company"), required=True),
        Field("email", ("почта", "mail", "имейл"), required=True),
        Field("inn", ("инн", "inn")),
        Field("owner", ("владел", "контакт", "фио", "owner", "contact")),
    ),
    judge,
    write,
    "customer.create",
    again,
)
register(CUSTOMERS, chunk=200, undo=unmaking(Customer, delete))
