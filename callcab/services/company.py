"""Payers: requisites by INN from earlier invoices or a register, and the payer book of a customer (rules L1-L6)."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from callcab.db import CabSession
from callcab.lib import inn as inns
from callcab.lib.errors import Invalid
from callcab.models import Company
from callcab.providers.company import CompanyInfo, CompanyProvider, CompanyStatus, NoDirectory, Unavailable

log = logging.getLogger(__name__)

NAME_LIMIT = 300
ADDRESS_LIMIT = 500
HEAD_LIMIT = 200
EARLIER_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Buyer:
    """Requisites of a payer as they go into an invoice; empty strings where there is nothing."""

    inn: str
    name: str
    kpp: str = ""
    ogrn: str = ""
    address: str = ""
    head: str = ""


_provider: list[CompanyProvider] = [NoDirectory()]


def use(provider: CompanyProvider) -> None:
    """Name the register; called once by each process at its start."""
    _provider[0] = provider


def look_up(session: CabSession, customer_id: int, inn: str) -> tuple[Sequence[CompanyInfo], str]:
    """What is known of the company with this INN, and the code of a notice («» = nothing to say).

    The payer book first, then the register; more than one means that the person chooses by KPP, head office first.
    Codes: company.choose, company.not_found, company.by_hand, company.unavailable, company.<status> (rule L5).
    Raises Invalid ``inn.<reason>``: a wrong INN never reaches the register (AC-55).
    """
    number = check_inn(inn)
    known = earlier(session, customer_id, inn=number)
    if known:
        return known, "company.choose" if len(known) > 1 else ""
    try:
        found = _provider[0].find(number)
    except Unavailable as problem:
        if isinstance(_provider[0], NoDirectory):
            return (), "company.by_hand"
        log.warning("the company register is away: %s", problem.reason)
        return (), "company.unavailable"
    if not found:
        return (), "company.not_found"
    return found, notice_of(found)


def notice_of(found: Sequence[CompanyInfo]) -> str:
    """The code of the notice about what was found."""
    if len(found) > 1:
        return "company.choose"
    return "" if found[0].status is CompanyStatus.ACTIVE else f"company.{found[0].status.value}"


def earlier(session: CabSession, customer_id: int, *, inn: str = "") -> Sequence[CompanyInfo]:
    """Payers of the customer's earlier invoices, the newest first; with ``inn`` only those of that company."""
    statement = sa.select(Company).where(Company.customer_id == customer_id).order_by(Company.id.desc())
    if inn:
        statement = statement.where(Company.inn == inn)
    return [
        CompanyInfo(row.inn, row.name, row.kpp, row.ogrn, row.address, row.head)
        for row in session.scalars(statement.limit(EARLIER_SHOWN))
    ]


def remember(session: CabSession, customer_id: int, buyer: Buyer) -> None:
    """Put checked requisites into the payer book; the same INN and KPP again replaces the rest."""
    rest = {"ogrn": buyer.ogrn, "name": buyer.name, "address": buyer.address, "head": buyer.head}
    session.execute(
        insert(Company)
        .values(customer_id=customer_id, inn=buyer.inn, kpp=buyer.kpp, **rest)
        .on_conflict_do_update(index_elements=["customer_id", "inn", "kpp"], set_=rest)
    )


def check(buyer: Buyer) -> Buyer:
    """The requisites in their stored form (rules R1-R4).

    Raises Invalid with its field: ``inn.<reason>``, ``kpp.<reason>``, ``ogrn.<reason>``, ``field.required``,
    ``field.too_long``.
    """
    inn = check_inn(buyer.inn)
    return replace(
        buyer,
        inn=inn,
        kpp=check_kpp(inn, buyer.kpp),
        ogrn=check_ogrn(buyer.ogrn),
        name=one_line(buyer.name, "name", NAME_LIMIT, required=True),
        address=one_line(buyer.address, "address", ADDRESS_LIMIT),
        head=one_line(buyer.head, "head", HEAD_LIMIT),
    )


def check_inn(text: str) -> str:
    """The digits of an INN. Raises Invalid ``inn.<reason>``."""
    try:
        return inns.check(text).value
    except inns.InnError as problem:
        raise Invalid(f"inn.{problem.reason}", field="inn") from None


def check_kpp(inn: str, text: str) -> str:
    """The KPP that belongs to a checked INN, empty for a person. Raises Invalid ``kpp.<reason>``."""
    try:
        return inns.check_kpp_of(inns.check(inn), text) or ""
    except inns.KppError as problem:
        raise Invalid(f"kpp.{problem.reason}", field="kpp") from None


def check_ogrn(text: str) -> str:
    """The OGRN, which may be left out. Raises Invalid ``ogrn.<reason>``."""
    if not inns.compact(text):
        return ""
    try:
        return inns.check_ogrn(text)
    except inns.OgrnError as problem:
        raise Invalid(f"ogrn.{problem.reason}", field="ogrn") from None


def one_line(text: str, field: str, limit: int, *, required: bool = False) -> str:
    """Text for a document: one line without control characters.

    Raises Invalid ``field.required`` or ``field.too_long``.
    """
    value = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    if required and not value:
        raise Invalid("field.required", field=field)
    if len(value) > limit:
        raise Invalid("field.too_long", field=field, limit=limit)
    return value
