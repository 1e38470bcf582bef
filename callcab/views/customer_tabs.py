"""Tabs of a customer's page: the newest rows of each section, read when the tab is opened."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from callcab.lib import phone as phones
from callcab.lib.tokens import group_code
from callcab.models import (
    AuditEvent,
    BlacklistEntry,
    Campaign,
    Invoice,
    IpRule,
    Note,
    Payment,
    PhoneNumber,
    PromoActivation,
)
from callcab.views.promo import activation_state
from callcab.web.formatters import moment, money, number, phone
from callcab.web.listing import Column, Tab, table

NEWEST = 20
WHEN = Column("created_at", _l("Создано"), lambda row: moment(row.created_at), kind="time")


def newest(key: str, label: Any, model: Any, slug: str, columns: tuple[Column, ...], *, details: bool = False) -> Tab:
    """A tab with the customer's newest rows of a section, and the way to all of them."""

    def load(session: Any, row: Any) -> dict[str, Any]:
        statement = (
            sa.select(model).where(model.customer_id == row.id).order_by(model.created_at.desc(), model.id.desc())
        )
        rows = session.scalars(statement.limit(NEWEST)).unique().all()
        base = f"/admin/{slug}" if details else ""
        return {"content": table(columns, rows, base=base), "all_url": f"/admin/{slug}/?customer={row.id}"}

    return Tab(key, label, "support/clients/tab.html", load=load)


def load_notes(session: Any, row: Any) -> dict[str, Any]:
    notes = session.scalars(sa.select(Note).where(Note.about_id == row.id).order_by(Note.id.desc()).limit(100)).all()
    return {"notes": notes}


def cell(name: str, label: Any, shown: Callable[[Any], Any] | None = None, **options: Any) -> Column:
    """A column that shows an attribute, or what ``shown`` makes of the row."""
    return Column(name, label, shown or (lambda row: getattr(row, name)), **options)


def phone_of(row: Any) -> str:
    return phone(phones.from_int(row.phone))


TABS = (
    newest(
        "numbers", _l("Номера"), PhoneNumber, "numbers", (WHEN, cell("phone", _l("Телефон"), phone_of, kind="phone"))
    ),
    newest(
        "invoices",
        _l("Счета"),
        Invoice,
        "invoices",
        (WHEN, cell("number", _l("№")), cell("total", _l("Сумма"), lambda row: money(row.total), kind="money")),
        details=True,
    ),
    newest(
        "payments",
        _l("Платежи"),
        Payment,
        "payments",
        (WHEN, cell("amount", _l("Сумма"), lambda row: money(row.amount), kind="money"), cell("reason", _l("Причина"))),
    ),
    newest(
        "promo",
        _l("Промокоды"),
        PromoActivation,
        "promo-codes",
        (
            WHEN,
            cell("code", _l("Промокод"), lambda row: group_code(row.code)),
            cell("amount", _l("Сумма"), lambda row: money(row.amount), kind="money"),
            cell("state", _l("Статус"), activation_state),
        ),
    ),
    newest(
        "blacklist",
        _l("Чёрный список"),
        BlacklistEntry,
        "blacklist",
        (WHEN, cell("phone", _l("Номер телефона"), phone_of, kind="phone"), cell("reason", _l("Причина"))),
    ),
    newest(
        "ip", _l("IP"), IpRule, "ip-allow", (WHEN, cell("network", _l("IP-адрес")), cell("note", _l("Комментарий")))
    ),
    newest(
        "campaigns",
        _l("Кампании"),
        Campaign,
        "campaigns",
        (
            WHEN,
            cell("name", _l("Название"), link=True),
            cell("contacts_total", _l("Контактов"), lambda row: number(row.contacts_total), kind="num"),
        ),
        details=True,
    ),
    newest(
        "audit",
        _l("Журнал"),
        AuditEvent,
        "audit",
        (WHEN, cell("actor_name", _l("Кто")), cell("action", _l("Действие")), cell("reason", _l("Причина"))),
    ),
    Tab("notes", _l("Заметки"), "support/clients/notes.html", load=load_notes, permission="customer.note"),
)
