"""Search over everything: a box in the header, grouped hits, a single hit opens by itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose

from callcab.lib import tokens
from callcab.services import search
from callcab.services.call import history
from callcab.services.search import Group
from callcab.views.call_why import answer, why_url
from callcab.web.access import Page, may
from callcab.web.database import db
from callcab.web.formatters import current_zone, day, moment, money, phone
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l


@dataclass(frozen=True)
class Kind:
    """A group of hits: its words, who may see it, and how a row is named and opened.

    details  whether a row has a page of its own; without one the list opens, searched for the row's ``key``
    page_of  whose details open, by default the row's own
    """

    label: Any
    permission: str
    base: str
    title: Callable[[Any], str]
    note: Callable[[Any], Any]
    key: Callable[[Any], str]
    details: bool = True
    page_of: Callable[[Any], int] = lambda row: int(row.id)

    def url(self, row: Any) -> str:
        if self.details:
            return f"{self.base}/details/?id={self.page_of(row)}"
        return self.list_url(self.key(row))

    def list_url(self, text: str) -> str:
        """The list searched for the text, or of the day that it is."""
        day = search.day_of(search.cleaned(text))
        asked = {"created_from": f"{day:%d.%m.%Y}", "created_to": f"{day:%d.%m.%Y}"} if day else {"search": text}
        return f"{self.base}/?{urlencode(asked)}"


def whose(row: Any) -> str:
    """The customer of an entry, or the platform."""
    return _("Платформа") if row.customer is None else str(row.customer.name)


KINDS = {
    "customer": Kind(
        _l("Клиенты"),
        "customer.read",
        "/admin/clients",
        lambda row: row.name,
        lambda row: " · ".join(filter(None, (row.inn, row.email))),
        lambda row: row.name,
    ),
    "person": Kind(
        _l("Люди клиентов"),
        "customer.read",
        "/admin/clients",
        lambda row: row.name,
        lambda row: row.email,
        lambda row: row.email,
        page_of=lambda row: row.customer_id,
    ),
    "number": Kind(
        _l("Исходящие номера"),
        "number.read",
        "/admin/numbers",
        lambda row: phone(row.phone),
        lambda row: row.note,
        lambda row: str(row.phone),
    ),
    "blacklist": Kind(
        _l("Чёрный список"),
        "blacklist.read",
        "/admin/blacklist",
        lambda row: phone(row.phone),
        whose,
        lambda row: str(row.phone),
        details=False,
    ),
    "call": Kind(
        _l("Звонки"),
        "call.read",
        "/admin/calls",
        lambda row: phone(row.phone),
        lambda row: moment(row.created_at),
        lambda row: str(row.phone),
    ),
    "invoice": Kind(
        _l("Счета"),
        "invoice.read",
        "/admin/invoices",
        lambda row: _("№ %(number)s от %(date)s", number=row.number, date=day(row.issued_on)),
        lambda row: f"{row.buyer.get('name', '')} · {money(row.total)}",
        lambda row: str(row.number),
    ),
    "payment": Kind(
        _l("Платежи"),
        "payment.read",
        "/admin/payments",
        lambda row: money(row.amount),
        lambda row: moment(row.created_at),
        lambda row: str(row.amount),
        details=False,
    ),
    "promo": Kind(
        _l("Промокоды"),
        "promo.read",
        "/admin/promo-codes",
        lambda row: tokens.group_code(row.code),
        lambda row: row.batch.name,
        lambda row: row.code,
    ),
}


class SupportSearch(Page):
    permission = "search.use"
    menu_hidden = True

    def __init__(self) -> None:
        super().__init__(name=_l("Поиск"), url="search", endpoint="admin_search")

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Hits of ?q=; when all of them are the same page, it opens at once. A number that customers call is answered:
        whether they may."""
        text = request.args.get("q", "")
        kinds = [name for name, kind in KINDS.items() if may(kind.permission)]
        groups = search.find(db.session(), text, kinds=kinds, zone=current_zone())
        targets = {KINDS[group.kind].url(row) for group in groups for row in group.rows}
        number = search.whole_phone(search.cleaned(text)) if may("call.read") else None
        callers = history.customers(db.session(), phone=number) if number else []
        if len(targets) == 1 and not callers and not search.day_of(search.cleaned(text)):
            return redirect(targets.pop())
        return self.render(
            "support/search/index.html",
            typed=search.cleaned(text),
            groups=[draw(group, text) for group in groups],
            why=why_url("admin", number) if number else "",
            answers=[answer(str(number), customer) for customer in callers],
        )


def draw(group: Group, text: str) -> dict[str, Any]:
    """A group as its template shows it."""
    kind = KINDS[group.kind]
    return {
        "label": kind.label,
        "more": kind.list_url(text) if group.more else "",
        "hits": [{"url": kind.url(row), "title": kind.title(row), "note": kind.note(row)} for row in group.rows],
    }


def support_views() -> list[Page]:
    return [SupportSearch()]
