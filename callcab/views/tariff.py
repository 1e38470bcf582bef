"""Price plans."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from wtforms import BooleanField, Form, StringField

from callcab.lib.errors import Invalid
from callcab.lib.money import AmountError, format_number, plain_decimal
from callcab.models import Customer, Tariff
from callcab.services import pricing, tariff
from callcab.services.specs.tariff import TARIFF
from callcab.web import theme
from callcab.web.access import Page, current_customer_id, requires
from callcab.web.database import db
from callcab.web.formatters import duration, money, number, rate, status
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import Column, Empty, ListView, PageAction, RowLink
from callcab.web.versioned import VersionedEdit

NUMBER = {"maxlength": 20, "inputmode": "decimal", "autocomplete": "off", "required": True}
OPTIONAL = {**NUMBER, "required": False, "placeholder": _l("как с общего")}
SECONDS = ("first_seconds", "step_seconds")
# Conversations whose price is shown as an example.
EXAMPLES = (30, 60, 95)


class TariffForm(Form):
    name = StringField(
        _l("Название"), render_kw={"maxlength": tariff.NAME_LIMIT, "autocomplete": "off", "required": True}
    )
    minute_price = StringField(
        _l("Цена минуты, ₽"),
        description=_l("Разговор с общего номера. Считается с начала ответа, округляется до копеек один раз в конце."),
        render_kw=NUMBER,
    )
    rented_minute_price = StringField(
        _l("Минута с арендного номера, ₽"), description=_l("Пусто — как с общего."), render_kw=OPTIONAL
    )
    duty_minute_price = StringField(
        _l("Минута с дежурного номера, ₽"), description=_l("Пусто — как с общего."), render_kw=OPTIONAL
    )
    personal_minute_price = StringField(
        _l("Минута с личного номера, ₽"), description=_l("Пусто — как с общего."), render_kw=OPTIONAL
    )
    first_seconds = StringField(
        _l("Первый интервал, секунд"),
        description=_l("Оплачивается целиком, даже если разговор короче. Обычно 60."),
        render_kw=NUMBER,
    )
    step_seconds = StringField(
        _l("Следующие интервалы, секунд"),
        description=_l("Дальше оплачивается каждый начатый интервал. 1 — посекундно."),
        render_kw=NUMBER,
    )
    attempt_price = StringField(
        _l("Недозвон, ₽"),
        description=_l("За звонок, который дошёл до телефона: не ответили, занято, отклонили. 0 — бесплатно."),
        default="0",
        render_kw=NUMBER,
    )
    machine_price = StringField(
        _l("Автоответчик, ₽"),
        description=_l("За звонок, на который ответила машина, сколько бы он ни длился. 0 — бесплатно."),
        default="0",
        render_kw=NUMBER,
    )
    rental_day_price = StringField(
        _l("Аренда номера в день, ₽"),
        description=_l("За каждые начатые сутки; оплачивается вперёд за весь срок."),
        render_kw=NUMBER,
    )
    match_region = BooleanField(
        _l("Подбирать номер региона абонентов"),
        description=_l(
            "Рассылка займёт общий номер того региона, где городских номеров больше всего, если он свободен."
        ),
    )
    is_default = BooleanField(
        _l("Для новых клиентов"), description=_l("Основной тариф один: прежний перестанет им быть.")
    )


def reading(form: Form) -> Mapping[str, Any]:
    """Values for the service. Raises Invalid for what is no number."""
    values = dict(form.data)
    for name in SECONDS:
        text = str(values[name] or "").strip()
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise Invalid("tariff.seconds", field=name, limit=tariff.SECONDS_LIMIT)
        values[name] = int(text)
    for name in tariff.PRICES:
        values[name] = _price(str(values[name] or ""), name)
    for name in tariff.OWN_PRICES:
        text = str(values[name] or "").strip()
        values[name] = _price(text, name) if text else None
    return values


def _price(text: str, name: str) -> Decimal:
    try:
        return plain_decimal(text.replace("\u00a0", "").replace(" ", "").replace(",", "."))
    except AmountError:
        raise Invalid("tariff.price", field=name, limit=tariff.PRICE_LIMIT) from None


def shown(row: Tariff) -> Mapping[str, Any]:
    prices = {name: getattr(row, name) for name in (*tariff.PRICES, *tariff.OWN_PRICES)}
    return {
        "name": row.name,
        "match_region": row.match_region,
        "is_default": row.is_default,
        **{name: str(getattr(row, name)) for name in SECONDS},
        **{name: "" if price is None else format_number(price, 2) for name, price in prices.items()},
    }


def conditions(row: Tariff) -> list[tuple[Any, Any]]:
    """Names and values of a plan, as customers read it."""
    kinds = {
        pricing.SHARED: _("Минута с общего номера"),
        pricing.RENTED: _("Минута с арендного номера"),
        pricing.DUTY: _("Минута с дежурного номера"),
        pricing.PERSONAL: _("Минута с личного номера"),
    }
    lines: list[tuple[Any, Any]] = [
        (words, rate(pricing.terms(row, kind).minute_price)) for kind, words in kinds.items()
    ]
    return [
        *lines,
        (_("Как считаем"), _counting(row)),
        (_("Не ответили, занято, отклонили"), free_or(row.attempt_price)),
        (_("Автоответчик"), free_or(row.machine_price)),
        (_("Номер не существует, сбой сети, отказ до набора"), _("бесплатно")),
        (_("Аренда номера в день"), free_or(row.rental_day_price)),
        (_("Номер региона абонентов"), _("подбираем, если свободен") if row.match_region else _("не подбираем")),
    ]


def _counting(row: Tariff) -> str:
    return _(
        "первые %(first)s с целиком, дальше по %(step)s с",
        first=number(row.first_seconds),
        step=number(row.step_seconds),
    )


def free_or(price: Decimal) -> str:
    return rate(price) if price else _("бесплатно")


def examples(row: Tariff) -> list[tuple[str, str]]:
    """What conversations from a shared number cost."""
    return [(duration(seconds), money(pricing.call_price(row, seconds))) for seconds in EXAMPLES]


class SupportTariffs(ListView):
    spec = TARIFF
    face = "admin"
    slug = "tariffs"
    label = _l("Тарифы")
    group = theme.SYSTEM
    icon = "report-money"
    permission = "tariff.read"
    can_view_details = True
    columns = (
        Column("name", _l("Название"), lambda row: row.name, kind="main", link=True),
        Column("minute_price", _l("Цена минуты"), lambda row: rate(row.minute_price), kind="money"),
        Column("interval", _l("Тарификация, с"), lambda row: f"{row.first_seconds} / {row.step_seconds}"),
        Column("attempt_price", _l("Недозвон"), lambda row: rate(row.attempt_price), kind="money"),
        Column("machine_price", _l("Автоответчик"), lambda row: rate(row.machine_price), kind="money"),
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

    def facts_of(self, row: Tariff) -> list[tuple[Any, Any]]:
        return conditions(row)

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


class CabinetTariff(Page):
    """What the customer pays for."""

    permission = "tariff.read"

    def __init__(self) -> None:
        super().__init__(
            name=_l("Тариф"),
            category=theme.FINANCE,
            url="tariff",
            endpoint="cabinet_tariff",
            menu_icon_value="report-money",
        )

    @expose("/")
    def index(self) -> str:
        """The plan with all its prices, and examples."""
        customer = db.session.get_one(Customer, current_customer_id())
        row = customer.tariff
        return str(self.render("cabinet/tariff/index.html", row=row, facts=conditions(row), examples=examples(row)))


def support_views() -> list[ListView]:
    return [SupportTariffs()]


def cabinet_views() -> list[Page]:
    return [CabinetTariff()]
