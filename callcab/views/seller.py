"""The operator's own requisites: who invoices."""

from collections.abc import Mapping
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from wtforms import BooleanField, Form, SelectField, StringField

from callcab.lib.errors import Invalid
from callcab.models import Seller, VatMode
from callcab.services import seller
from callcab.services.specs.seller import SELLER
from callcab.web import theme
from callcab.web.access import requires
from callcab.web.formatters import status
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import Column, Empty, ListView, PageAction, RowLink
from callcab.web.versioned import VersionedEdit

MODES = {
    VatMode.NONE: _l("Без НДС"),
    VatMode.INSIDE: _l("НДС в сумме"),
    VatMode.ON_TOP: _l("НДС сверху"),
}
RATES = ("", "0", "5", "7", "10", "22")


def _text(label: Any, limit: int = seller.LIMIT, *, required: bool = True) -> StringField:
    return StringField(
        label, render_kw={"maxlength": limit, "autocomplete": "off"} | ({"required": True} if required else {})
    )


class SellerForm(Form):
    name = _text(_l("Название"))
    inn = _text(_l("ИНН"), 30)
    kpp = _text(_l("КПП"), 30, required=False)
    ogrn = _text(_l("ОГРН"), 30, required=False)
    address = _text(_l("Адрес"))
    bank_name = _text(_l("Банк"))
    bik = _text(_l("БИК"), 30)
    corr_account = _text(_l("Корреспондентский счёт"), 40, required=False)
    account = _text(_l("Расчётный счёт"), 40)
    head = _text(_l("Руководитель"))
    accountant = _text(_l("Бухгалтер"))
    service_name = _text(_l("Услуга в счёте"))
    attention = _text(_l("Предупреждение вверху счёта"), required=False)
    vat_mode = SelectField(_l("НДС"), choices=[(mode.value, label) for mode, label in MODES.items()])
    vat_rate = SelectField(_l("Ставка НДС, %"), choices=[(rate, rate or "—") for rate in RATES])
    due_days = _text(_l("Срок оплаты, дней"), 3)
    is_default = BooleanField(_l("Выставляет счета"))


def reading(form: Form) -> Mapping[str, Any]:
    """Values for the service. Raises Invalid for what is no number."""
    values = dict(form.data)
    days, rate = str(values["due_days"] or "").strip(), str(values["vat_rate"] or "")
    if not (days.isascii() and days.isdigit()):
        raise Invalid("seller.due_days", field="due_days", limit=seller.DUE_DAYS)
    if rate not in RATES:
        raise Invalid("seller.vat_rate", field="vat_rate")
    return values | {"due_days": int(days), "vat_rate": int(rate) if rate else None}


def shown(row: Seller) -> Mapping[str, Any]:
    values = {
        name: getattr(row, name) for name in (*seller.TEXTS, "inn", "kpp", "ogrn", "bik", "corr_account", "account")
    }
    rate = "" if row.vat_rate is None else str(int(row.vat_rate))
    return values | {
        "vat_mode": row.vat_mode.value,
        "vat_rate": rate,
        "due_days": str(row.due_days),
        "is_default": row.is_default,
    }


class SupportSellers(ListView):
    spec = SELLER
    face = "admin"
    slug = "sellers"
    label = _l("Наши реквизиты")
    group = theme.SYSTEM
    icon = "building-bank"
    permission = "seller.read"
    can_view_details = True
    columns = (
        Column("name", _l("Название"), lambda row: row.name, kind="main", link=True),
        Column("inn", _l("ИНН"), lambda row: row.inn),
        Column("bank_name", _l("Банк"), lambda row: row.bank_name),
        Column("account", _l("Расчётный счёт"), lambda row: row.account),
        Column("vat", _l("НДС"), lambda row: vat_of(row)),
        Column("state", _l("Статус"), lambda row: status(_l("Выставляет счета"), "good") if row.is_default else ""),
    )
    row_links = (
        RowLink(_l("Изменить"), "edit", lambda row: f"/admin/sellers/edit/?id={row.id}", permission="seller.edit"),
    )
    page_actions = (PageAction(_l("Добавить реквизиты"), "/admin/sellers/new/", permission="seller.edit"),)
    empty = Empty(_l("Реквизитов пока нет"), _l("Без них клиенты не смогут выписать счёт."), "building-bank")

    def name_of(self, row: Any) -> str:
        return str(row.name)

    def facts_of(self, row: Any) -> list[tuple[Any, Any]]:
        form = SellerForm(data=dict(shown(row)))
        skipped = ("vat_mode", "vat_rate", "is_default")
        facts = [(item.label.text, item.data) for item in form if item.name not in skipped]
        return [*facts, (_l("НДС"), vat_of(row))]

    @expose("/new/", methods=("GET", "POST"))
    @requires("seller.edit")
    def new_view(self) -> ResponseReturnValue:
        """New requisites."""
        return self._edit().answer(None)

    @expose("/edit/", methods=("GET", "POST"))
    @requires("seller.edit")
    def change_view(self) -> ResponseReturnValue:
        """Change requisites; issued invoices keep theirs."""
        return self._edit().answer(self.row_or_404(request.args.get("id", "")))

    def _edit(self) -> VersionedEdit:
        return VersionedEdit(
            self, SellerForm, save=seller.save, reading=reading, shown=shown, title=_l("Новые реквизиты")
        )


def vat_of(row: Seller) -> str:
    """`НДС в сумме, 22 %`."""
    return str(MODES[row.vat_mode]) if row.vat_rate is None else f"{MODES[row.vat_mode]}, {int(row.vat_rate)}\u00a0%"


def support_views() -> list[ListView]:
    return [SupportSellers()]
