"""Rows that are valid by default; a test changes the one thing it is about. All are flushed, none committed."""

from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from callcab.db import CabSession
from callcab.lib import clock
from callcab.models import (
    Account,
    Call,
    CallState,
    Campaign,
    Contact,
    Customer,
    EntryKind,
    NumberKind,
    NumberState,
    Operation,
    OperationKind,
    OperationState,
    Outcome,
    PhoneNumber,
    PromoBatch,
    PromoCode,
    Purpose,
    Seller,
    Tariff,
    User,
    VatMode,
)
from callcab.services import ledger

_serial = count(1)
# A real argon2 hash of "correct horse", made once: hashing per test would cost half a second each.
PASSWORD = "correct horse"


def day_in(days: int) -> str:
    """A day by the customers' clock, as forms send it: that of the server may be behind it."""
    return (clock.now().astimezone(ZoneInfo("Europe/Moscow")) + timedelta(days=days)).date().isoformat()


def add(session: CabSession, row: Any) -> Any:
    session.add(row)
    session.flush()
    return row


def tariff(session: CabSession, **values: Any) -> Tariff:
    known = session.scalar(sa.select(Tariff).where(Tariff.is_default)) if not values else None
    if known:
        return known
    defaults = {"name": f"Базовый {next(_serial)}", "minute_price": Decimal("1.80"), "is_default": not values}
    return add(session, Tariff(**{**defaults, "rental_day_price": Decimal("15"), **values}))


def customer(session: CabSession, *, balance: str = "0", **values: Any) -> Customer:
    number = next(_serial)
    defaults = {"name": f"ООО «Ромашка {number}»", "email": f"office{number}@example.org"}
    row = add(session, Customer(tariff_id=tariff(session).id, **{**defaults, **values}))
    if Decimal(balance):
        credit(session, row, balance)
    return row


def credit(session: CabSession, row: Customer, amount: str) -> None:
    ledger.post(
        session,
        customer_id=row.id,
        kind=EntryKind.PAYMENT,
        account=Account.BANK,
        amount=Decimal(amount),
        key=f"factory:{next(_serial)}",
        cause="payment",
    )


def seller(session: CabSession, **values: Any) -> Seller:
    defaults = {
        "name": "ООО «Колкаб»",
        "inn": "7707083893",
        "kpp": "770701001",
        "address": "г. Москва, ул. Тверская, д. 1",
        "bank_name": "ПАО СБЕРБАНК",
        "bik": "044525225",
        "corr_account": "30101810400000000225",
        "account": "40702810138250123017",
        "head": "Иванов И. И.",
        "accountant": "Петрова П. П.",
        "vat_mode": VatMode.INSIDE,
        "vat_rate": Decimal("22"),
        "service_name": "Услуги связи: пополнение лицевого счёта",
        "is_default": True,
    }
    return add(session, Seller(**{**defaults, **values}))


def number(session: CabSession, **values: Any) -> PhoneNumber:
    defaults = {"phone": 79250000000 + next(_serial), "kind": NumberKind.SHARED, "state": NumberState.FREE}
    return add(session, PhoneNumber(**{**defaults, **values}))


def promo_code(
    session: CabSession, *, amount: str = "500", uses: int = 1, code: str | None = None, **batch: Any
) -> Any:
    row = add(
        session,
        PromoBatch(
            **{
                "name": "Весна",
                "amount": Decimal(amount),
                "uses_per_code": uses,
                "expires_at": clock.now() + timedelta(days=30),
                **batch,
            }
        ),
    )
    return add(session, PromoCode(batch_id=row.id, code=code or f"TESTCODE{next(_serial)}", uses_limit=uses))


def campaign(session: CabSession, owner: Customer, **values: Any) -> Campaign:
    defaults = {"name": f"Обзвон {next(_serial)}", "purpose": Purpose.INFORMATION, "prompt": "Здравствуйте!"}
    return add(session, Campaign(customer_id=owner.id, **{**defaults, **values}))


def call(session: CabSession, made_by: Campaign, *, phone: int, from_phone: int, **values: Any) -> Call:
    """A finished call that nobody answered."""
    customer_id, now = made_by.customer_id, clock.now()
    contact = add(session, Contact(campaign_id=made_by.id, customer_id=customer_id, phone=phone, next_at=now))
    numbers = {"contact_id": contact.id, "attempt": 1, "phone": phone, "from_phone": from_phone}
    ended = {"state": CallState.FINISHED, "outcome": Outcome.NO_ANSWER, "deadline_at": now, "ended_at": now}
    own = {"campaign_id": made_by.id, "customer_id": customer_id, "decision": []}
    return add(session, Call(**{**own, **numbers, **ended, **values}))


def operation(session: CabSession, name: str, **values: Any) -> Operation:
    """An action that goes on, of the machine's own."""
    defaults = {"kind": OperationKind.ACTION, "state": OperationState.RUNNING, "heartbeat_at": clock.now()}
    return add(session, Operation(name=name, actor_name="test", actor_is_staff=False, **{**defaults, **values}))


def user(session: CabSession, owner: Customer | None, role: str, **values: Any) -> User:
    number = next(_serial)
    defaults = {"email": f"user{number}@example.org", "name": f"Пользователь {number}", "password_hash": "!"}
    return add(session, User(customer_id=owner.id if owner else None, role=role, **{**defaults, **values}))
