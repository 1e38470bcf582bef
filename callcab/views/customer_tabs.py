"""Tabs of a customer's page: the newest rows of each section, read when the tab is opened."""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from callcab.lib import tokens
from callcab.models import (
    AuditEvent,
    BlacklistEntry,
    Campaign,
    Invoice,
    IpDenial,
    IpRule,
    Note,
    Payment,
    PhoneNumber,
    PromoActivation,
)
from callcab.views.blacklist import SOURCES
from callcab.views.invoice.lists import state_of
from callcab.views.ip_rule import DOORS, address_text
from callcab.views.payment import METHODS, kind_cell
from callcab.views.promo import activation_state
from callcab.web import telephony_words as words
from callcab.web.access import may
from callcab.web.audit_words import action_words, change_words
from callcab.web.formatters import moment, money, number, phone
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import Column, Tab, table

NEWEST = 20
WHEN = Column("created_at", _l("Создано"), lambda row: moment(row.created_at), kind="time")
# (words, address without the customer's id, permission) of what a tab offers besides the whole list.
Offer = tuple[Any, str, str]


def rows_of(session: Any, model: Any, customer_id: int, options: Sequence[Any] = ()) -> Sequence[Any]:
    statement = (
        sa.select(model)
        .where(model.customer_id == customer_id)
        .order_by(model.created_at.desc(), model.id.desc())
        .options(*options)
    )
    found: Sequence[Any] = session.scalars(statement.limit(NEWEST)).unique().all()
    return found


def newest(
    key: str,
    label: Any,
    model: Any,
    slug: str,
    columns: tuple[Column, ...],
    *,
    details: bool = False,
    offers: tuple[Offer, ...] = (),
    options: Callable[[], Sequence[Any]] = tuple,
) -> Tab:
    """A tab with the customer's newest rows of a section, the way to all of them, and what can be made there."""

    def load(session: Any, row: Any) -> dict[str, Any]:
        base = f"/admin/{slug}" if details else ""
        return {
            "content": table(columns, rows_of(session, model, row.id, options()), base=base),
            "all_url": f"/admin/{slug}/?customer={row.id}",
            "offers": [(text, f"{url}{row.id}") for text, url, permission in offers if may(permission)],
        }

    return Tab(key, label, "support/clients/tab.html", load=load)


def load_ip(session: Any, row: Any) -> dict[str, Any]:
    """Addresses that may come in, and below them who was refused: the answer to «let me in again»."""
    denied = rows_of(session, IpDenial, row.id)
    return {
        "content": table(RULE_COLUMNS, rows_of(session, IpRule, row.id)),
        "all_url": f"/admin/ip-allow/?customer={row.id}",
        "more_title": _l("Отказы по IP"),
        "more": table(DENIAL_COLUMNS, denied, empty=_l("Отказов не было")),
        "more_url": f"/admin/ip-denied/?customer={row.id}" if denied else "",
    }


def load_notes(session: Any, row: Any) -> dict[str, Any]:
    notes = session.scalars(sa.select(Note).where(Note.about_id == row.id).order_by(Note.id.desc()).limit(100)).all()
    return {"notes": notes}


def cell(name: str, label: Any, shown: Callable[[Any], Any] | None = None, **options: Any) -> Column:
    """A column that shows an attribute, or what ``shown`` makes of the row."""
    return Column(name, label, shown or (lambda row: getattr(row, name)), **options)


def phone_of(row: Any) -> str:
    return phone(row.phone)


NUMBER_COLUMNS = (
    WHEN,
    cell("phone", _l("Телефон"), phone_of, kind="main phone", link=True),
    cell("kind", _l("Тип"), words.number_kind),
    cell("state", _l("Статус"), words.number_status),
    cell("rented_until", _l("Аренда до"), lambda row: moment(row.rented_until), kind="time"),
    cell("busy_at", _l("Был занят"), lambda row: moment(row.busy_at), kind="time"),
)
INVOICE_COLUMNS = (
    cell("number", _l("№"), kind="main", link=True),
    WHEN,
    cell("buyer", _l("Плательщик"), lambda row: row.buyer["name"]),
    cell("total", _l("Сумма"), lambda row: money(row.total), kind="money"),
    cell("state", _l("Статус"), state_of),
)
PAYMENT_COLUMNS = (
    WHEN,
    cell("amount", _l("Сумма"), lambda row: money(row.amount), kind="money"),
    cell("kind", _l("Тип"), kind_cell),
    cell("method", _l("Метод оплаты"), lambda row: METHODS[row.method]),
    cell("reason", _l("Причина")),
)
PROMO_COLUMNS = (
    WHEN,
    cell("code", _l("Промокод"), lambda row: tokens.group_code(row.code), kind="main"),
    cell("amount", _l("Сумма"), lambda row: money(row.amount), kind="money"),
    cell("state", _l("Статус"), activation_state),
)
BLACKLIST_COLUMNS = (
    cell("phone", _l("Номер телефона"), phone_of, kind="main phone"),
    cell("source", _l("Источник"), lambda row: SOURCES[row.source]),
    cell("reason", _l("Причина")),
    cell("created_at", _l("Добавлен"), lambda row: moment(row.created_at), kind="time"),
)
RULE_COLUMNS = (
    cell("network", _l("IP-адрес"), lambda row: address_text(row.network), kind="main"),
    cell("note", _l("Комментарий")),
    WHEN,
    cell("last_used_at", _l("Последний вход"), lambda row: moment(row.last_used_at), kind="time"),
)
DENIAL_COLUMNS = (
    cell("created_at", _l("Когда"), lambda row: moment(row.created_at), kind="time"),
    cell("address", _l("IP"), lambda row: address_text(row.address), kind="main"),
    cell("door", _l("Куда"), lambda row: DOORS[row.door]),
)
CAMPAIGN_COLUMNS = (
    WHEN,
    cell("name", _l("Название"), kind="main", link=True),
    cell("state", _l("Состояние"), words.campaign_status),
    cell("contacts_total", _l("Контактов"), lambda row: number(row.contacts_total), kind="num"),
)
AUDIT_COLUMNS = (
    cell("created_at", _l("Когда"), lambda row: moment(row.created_at), kind="time", link=True),
    cell("actor_name", _l("Кто")),
    cell("action", _l("Что сделано"), action_words, kind="main"),
    cell("change", _l("Изменения"), change_words),
    cell("reason", _l("Причина")),
)

TABS = (
    newest("numbers", _l("Номера"), PhoneNumber, "numbers", NUMBER_COLUMNS, details=True),
    newest(
        "invoices",
        _l("Счета"),
        Invoice,
        "invoices",
        INVOICE_COLUMNS,
        details=True,
        offers=((_l("Составить счёт"), "/admin/invoices/compose/?customer=", "invoice.compose"),),
        options=lambda: [orm.lazyload(Invoice.lines)],
    ),
    newest(
        "payments",
        _l("Платежи"),
        Payment,
        "payments",
        PAYMENT_COLUMNS,
        offers=(
            (_l("Записать платёж"), "/admin/payments/new/?customer=", "payment.record"),
            (_l("Корректировка"), "/admin/payments/correct/?customer=", "payment.correct"),
            (_l("Проводки"), "/admin/ledger/?customer=", "ledger.read"),
        ),
    ),
    newest("promo", _l("Промокоды"), PromoActivation, "promo-codes", PROMO_COLUMNS),
    newest(
        "blacklist",
        _l("Чёрный список"),
        BlacklistEntry,
        "blacklist",
        BLACKLIST_COLUMNS,
        offers=((_l("Добавить номера"), "/admin/blacklist/new/?customer=", "blacklist.edit"),),
    ),
    Tab("ip", _l("IP"), "support/clients/tab.html", load=load_ip, permission="ip.read"),
    newest(
        "campaigns",
        _l("Рассылки"),
        Campaign,
        "campaigns",
        CAMPAIGN_COLUMNS,
        details=True,
        offers=(
            (_l("Звонки"), "/admin/calls/?customer=", "call.read"),
            (_l("Почему не позвонили"), "/admin/calls/why/?customer=", "call.read"),
        ),
    ),
    newest("audit", _l("Журнал"), AuditEvent, "audit", AUDIT_COLUMNS, details=True),
    Tab("notes", _l("Заметки"), "support/clients/notes.html", load=load_notes, permission="customer.note"),
)
