"""The ledger, to read only, with its health in one line."""

from typing import Any

from flask_babel import lazy_gettext as _l

from callcab.models import Account, EntryKind
from callcab.services import ledger
from callcab.services.specs.ledger import LEDGER_ENTRY
from callcab.views.phone_number.support import customers
from callcab.web import theme
from callcab.web.database import db
from callcab.web.formatters import link, moment, money
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
        FilterField("customer", _l("Клиент"), lookup=customers),
    )
    empty = Empty(_l("Проводок пока нет"), _l("Они появятся с первым платежом."), "book")

    def list_extras(self) -> dict[str, Any]:
        return {"discrepancies": ledger.discrepancies(db.session())}


def support_views() -> list[ListView]:
    return [SupportLedger()]
