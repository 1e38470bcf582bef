"""The ledger, to read only, with its health in one line."""

from decimal import Decimal
from typing import Any

from flask import flash, redirect
from flask.typing import ResponseReturnValue
from flask_admin import expose

from callcab.db import unit_of_work
from callcab.models import Account, EntryKind, LedgerCheck
from callcab.services import ledger_check
from callcab.services.specs.ledger import LEDGER_ENTRY
from callcab.views.lookups import CUSTOMERS
from callcab.web import theme
from callcab.web.access import current_actor, current_scope, requires
from callcab.web.database import db
from callcab.web.formatters import link, moment, money
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import Column, Empty, FilterField, ListView

KINDS = {
    EntryKind.PAYMENT: _l("Платёж"),
    EntryKind.PROMO: _l("Промокод"),
    EntryKind.CALL: _l("Звонок"),
    EntryKind.RENTAL: _l("Аренда номера"),
    EntryKind.CORRECTION: _l("Корректировка"),
    EntryKind.REVERSAL: _l("Сторно"),
}
ACCOUNTS = {
    Account.BANK: _l("Банк"),
    Account.PROMO: _l("Промо"),
    Account.REVENUE: _l("Выручка"),
    Account.CORRECTION: _l("Корректировки"),
}


def sums(check: LedgerCheck | None) -> list[dict[str, Any]]:
    """Customers that the check named, their sums as numbers again."""
    rows = check.wrong if check is not None else []
    return [{name: Decimal(value) if isinstance(value, str) else value for name, value in row.items()} for row in rows]


class SupportLedger(ListView):
    spec = LEDGER_ENTRY
    face = "admin"
    slug = "ledger"
    label = _l("Проводки")
    group = theme.FINANCE
    icon = "book"
    permission = "ledger.read"
    list_template = "support/ledger/list.html"
    search_label = _l("Сумма")
    columns = (
        Column("created_at", _l("Дата создания"), lambda row: moment(row.created_at), sort="id", kind="time"),
        Column(
            "customer",
            _l("Клиент"),
            lambda row: link(f"/admin/clients/details/?id={row.customer_id}", row.customer.name),
            kind="main",
        ),
        Column("kind", _l("Тип"), lambda row: KINDS[row.kind]),
        Column("account", _l("Корр. счёт"), lambda row: ACCOUNTS[row.account]),
        Column("amount", _l("Сумма"), lambda row: money(row.amount), kind="money"),
        Column("balance_after", _l("Баланс после"), lambda row: money(row.balance_after), kind="money"),
    )
    filters = (
        FilterField("kind", _l("Тип"), KINDS),
        FilterField("account", _l("Корр. счёт"), ACCOUNTS),
        FilterField("created", _l("Дата создания")),
        FilterField("amount", _l("Сумма")),
        FilterField("customer", _l("Клиент"), lookup=CUSTOMERS),
    )
    empty = Empty(_l("Проводок пока нет"), _l("Они появятся с первым платежом."), "book")

    def list_extras(self) -> dict[str, Any]:
        health = ledger_check.health(db.session())
        return {"health": health, "wrong": sums(health.last)}

    @expose("/check/", methods=("POST",))
    @requires("ledger.read")
    def check_view(self) -> ResponseReturnValue:
        """«Сверить сейчас»: by a job, since every entry is added up."""
        with unit_of_work(current_scope()) as session:
            ledger_check.ask(session, actor=current_actor())
        flash(_("Сверка началась. Обновите страницу через минуту."), "success")
        return redirect(f"{self.url}/", 303)


def support_views() -> list[ListView]:
    return [SupportLedger()]
