"""Price plans."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, Form, StringField

from callcab.lib.errors import Invalid
from callcab.lib.money import AmountError, format_number, plain_decimal
from callcab.models import Tariff
from callcab.services import tariff
from callcab.services.specs.tariff import TARIFF
from callcab.web import theme
from callcab.web.access import requires
from callcab.web.formatters import rate, status
from callcab.web.listing import Column, Empty, ListView, PageAction, RowLink
from callcab.web.versioned import VersionedEdit

NUMBER = {"maxlength": 20, "inputmode": "decimal", "autocomplete": "off", "required": True}


class TariffForm(Form):
    name = StringField(
        _l("Название"), render_kw={"maxlength": tariff.NAME_LIMIT, "autocomplete": "off", "required": True}
    )
    minute_price = StringField(_l("Цена минуты, ₽"), render_kw=NUMBER)
    first_seconds = StringField(_l("Первый интервал, секунд"), render_kw=NUMBER)
    step_seconds = StringField(_l("Следующие интервалы, секунд"), render_kw=NUMBER)
    rental_day_price = StringField(_l("Аренда номера в день, ₽"), render_kw=NUMBER)
    match_region = BooleanField(
        _l("Подбирать номер региона абонентов"),
        description=_l(
            "Рассылка займёт общий номер того региона, где городских номеров больше всего, если он свободен."
        ),
    )
    is_default = BooleanField(_l("Для новых клиентов"))


def reading(form: Form) -> Mapping[str, Any]:
    """Values for the service. Raises Invalid for what is no number."""
    values = dict(form.data)
    for name in ("first_seconds", "step_seconds"):
        text = str(values[name] or "").strip()
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise Invalid("tariff.seconds", field=name, limit=tariff.SECONDS_LIMIT)
        values[name] = int(text)
    for name in ("minute_price", "rental_day_price"):
        values[name] = _price(str(values[name] or ""), name)
    return values


def _price(text: str, name: str) -> Decimal:
    try:
        return plain_decimal(text.replace("\u00a0", "").replace(" ", "").replace(",", "."))
    except AmountError:
        raise Invalid("tariff.price", field=name, limit=tariff.PRICE_LIMIT) from None


def shown(row: Tariff) -> Mapping[str, Any]:
    return {
        "name": row.name,
        "first_seconds": str(row.first_seconds),
        "step_seconds": str(row.step_seconds),
        "minute_price": format_number(row.minute_price, 2),
        "rental_day_price": format_number(row.rental_day_price, 2),
        "match_region": row.match_region,
        "is_default": row.is_default,
    }


class SupportTariffs(ListView):
    spec = TARIFF
    face = "admin"
    slug = "tariffs"
    label = _l("Тарифы")
    group = theme.SYSTEM
    icon = "report-money"
    permission = "tariff.read"
    columns = (
        Column("name", _l("Название"), lambda row: row.name, kind="main"),
        Column("minute_price", _l("Цена минуты"), lambda row: rate(row.minute_price), kind="money"),
        Column("interval", _l("Тарификация, с"), lambda row: f"{row.first_seconds} / {row.step_seconds}"),
        Column("rental_day_price", _l("Аренда в день"), lambda row: rate(row.rental_day_price), kind="money"),
        Column("state", _l("Статус"), lambda row: status(_l("Для новых клиентов"), "good") if row.is_default else ""),
    )
    row_links = (
        RowLink(_l("Изменить"), "edit", lambda row: f"/admin/tariffs/edit/?id={row.id}", permission="tariff.edit"),
    )
    page_actions = (PageAction(_l("Добавить тариф"), "/admin/tariffs/new/", permission="tariff.edit"),)
    empty = Empty(_l("Тарифов пока нет"), _l("Без тарифа нельзя завести клиента."), "report-money")

    def name_of(self, row: Any) -> str:
        return str(row.name)

    @expose("/new/", methods=("GET", "POST"))
    @requires("tariff.edit")
    def new_view(self) -> ResponseReturnValue:
        """A new plan."""
        return self._edit().answer(None)

    @expose("/edit/", methods=("GET", "POST"))
    @requires("tariff.edit")
    def change_view(self) -> ResponseReturnValue:
        """Change a plan; calls already charged keep their price."""
        return self._edit().answer(self.row_or_404(request.args.get("id", "")))

    def _edit(self) -> VersionedEdit:
        return VersionedEdit(self, TariffForm, save=tariff.save, reading=reading, shown=shown, title=_l("Новый тариф"))


def support_views() -> list[ListView]:
    return [SupportTariffs()]
