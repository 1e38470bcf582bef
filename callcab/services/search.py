"""Search over everything, for support: one box, grouped hits. Knows what a text may be by its form.

A whole phone in any spelling, its last digits (`*4577`), an INN, a name or e-mail, an invoice number, a promo code, a
sum, a day; each is an indexed look-up that reads a handful of rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.db import CabSession
from callcab.lib import clock, money, tokens
from callcab.lib import phone as phones
from callcab.models import BlacklistEntry, Call, Customer, Invoice, Payment, PhoneNumber, PromoCode, User
from callcab.services.listing import PhoneSearch
from callcab.services.listing.filters import BadValue, read_amount, read_date
from callcab.services.specs import blacklist, campaign, phone_number

LIMIT = 10
LONGEST = 200
# A shorter text would be half of all names.
SHORTEST_NAME = 3
# Fewer last digits are those of every tenth number, or hundredth.
SHORTEST_END = 3
# An invoice number or a sum in roubles; longer runs of digits are phones and INNs.
LONGEST_NUMBER = 9
INN_LENGTHS = (10, 12)


@dataclass(frozen=True)
class Group:
    """Hits of one kind, at most LIMIT; ``more`` says that there are others. ``rows`` are models."""

    kind: str
    rows: Sequence[Any]
    more: bool


def cleaned(text: str) -> str:
    """What was typed in one line, without what no text can hold (NUL, half a letter), at most LONGEST letters."""
    return " ".join(text.encode(errors="ignore").decode().replace("\x00", "").split())[:LONGEST]


def find(session: CabSession, text: str, *, kinds: Sequence[str], zone: ZoneInfo) -> list[Group]:
    """What the text may mean, in the order of ``kinds`` (keys of FINDERS that the person may read); empty groups are
    left out. Needs support's scope; reads only, never raises on input. A day is one of the ``zone``.
    """
    text = cleaned(text)
    if not text:
        return []
    groups, day = [], day_of(text)
    for kind in kinds:
        statement = _of_day(DATED.get(kind), day, zone) if day else FINDERS[kind](text)
        if statement is None:
            continue
        rows = session.scalars(statement.limit(LIMIT + 1)).unique().all()
        if rows:
            groups.append(Group(kind, rows[:LIMIT], len(rows) > LIMIT))
    return groups


Finder = Callable[[str], sa.Select[Any] | None]


def whole_phone(text: str) -> int | None:
    """The number as stored; None when the text is no whole number."""
    try:
        return phones.to_int(phones.parse(text).e164)
    except phones.PhoneError:
        return None


def day_of(text: str) -> date | None:
    """The day that is meant by `07.05.2024`; None for any other text."""
    try:
        return read_date(text, "q")
    except BadValue:
        return None


def _of_day(model: Any, day: date, zone: ZoneInfo) -> sa.Select[Any] | None:
    if model is None:
        return None
    start, end = clock.day_bounds(day, zone)
    moment = model.created_at
    return sa.select(model).where(moment >= start, moment < end).order_by(moment.desc(), model.id.desc())


def _of_number(search: PhoneSearch, text: str) -> sa.Select[Any] | None:
    """Rows of a whole number, or of those that end with the digits behind a star."""
    number, last = whole_phone(text), phones.last_digits(text)
    if number is not None:
        return sa.select(search.model).where(search.model.phone == number)
    found = search(text) if SHORTEST_END <= len(last) < phones.WHOLE else None
    return None if found is None else sa.select(search.model).where(found)


def _digits(text: str) -> str:
    plain = text.removeprefix("№").strip()
    return plain if plain.isascii() and plain.isdigit() else ""


def _customers(text: str) -> sa.Select[Any] | None:
    conditions = []
    digits = _digits(text)
    if len(digits) in INN_LENGTHS:
        conditions.append(Customer.inn == digits)
    if (number := whole_phone(text)) is not None:
        conditions.append(Customer.id.in_(sa.select(PhoneNumber.customer_id).where(PhoneNumber.phone == number)))
    if not digits and len(text) >= SHORTEST_NAME:
        conditions.append(Customer.name.icontains(text, autoescape=True))
        conditions.append(Customer.email.icontains(text, autoescape=True))
    if not conditions:
        return None
    return sa.select(Customer).where(sa.or_(*conditions)).order_by(Customer.name, Customer.id)


def _people(text: str) -> sa.Select[Any] | None:
    """People of customers by their whole e-mail; those of support have a section of their own."""
    if "@" not in text:
        return None
    return sa.select(User).where(User.email == text.lower(), User.customer_id.is_not(None)).order_by(User.id)


def _numbers(text: str) -> sa.Select[Any] | None:
    return _of_number(phone_number.SEARCH, text)


def _blacklist(text: str) -> sa.Select[Any] | None:
    found = _of_number(blacklist.SUPPORT_SEARCH, text)
    if found is None:
        return None
    return found.options(orm.joinedload(BlacklistEntry.customer)).order_by(BlacklistEntry.customer_id.nulls_first())


def _calls(text: str) -> sa.Select[Any] | None:
    found = _of_number(campaign.CALLS, text)
    return None if found is None else found.order_by(Call.id.desc())


def _invoices(text: str) -> sa.Select[Any] | None:
    digits = _digits(text)
    if len(digits) in INN_LENGTHS:
        return sa.select(Invoice).where(Invoice.buyer_inn == digits).order_by(Invoice.id.desc())
    if not digits or len(digits) > LONGEST_NUMBER:
        return None
    return sa.select(Invoice).where(Invoice.number == int(digits)).order_by(Invoice.id.desc())


def _payments(text: str) -> sa.Select[Any] | None:
    try:
        amount = read_amount(text, "q")
    except BadValue:
        return None
    if amount == 0 or abs(amount) >= Decimal(10) ** LONGEST_NUMBER:
        return None
    return sa.select(Payment).where(Payment.kopecks == money.in_kopecks(amount)).order_by(Payment.id.desc())


def _promo_codes(text: str) -> sa.Select[Any] | None:
    code = tokens.normalise_code(text)
    return sa.select(PromoCode).where(PromoCode.code == code) if code else None


# What is found by the day when it was made.
DATED = {"call": Call, "invoice": Invoice, "payment": Payment}
FINDERS: dict[str, Finder] = {
    "customer": _customers,
    "person": _people,
    "number": _numbers,
    "blacklist": _blacklist,
    "call": _calls,
    "invoice": _invoices,
    "payment": _payments,
    "promo": _promo_codes,
}
