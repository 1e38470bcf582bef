"""First pages: figures, charts and what wants attention."""

from typing import Any

from flask_admin import AdminIndexView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup

from callcab.lib import svg
from callcab.services import dashboard
from callcab.services.dashboard import Sums
from callcab.web.access import Page, current_customer_id, may
from callcab.web.database import db
from callcab.web.formatters import DASH, current_zone, money, number

WEEKDAYS = (_l("Пн"), _l("Вт"), _l("Ср"), _l("Чт"), _l("Пт"), _l("Сб"), _l("Вс"))
CHECKS = {"verified": _l("Подтверждены"), "failed": _l("Не подтверждены"), "open": _l("Идут")}
# Code -> words, address of the list that shows them, permission to open it.
CONCERNS = {
    "no_free_numbers": (_l("Свободных номеров не осталось"), "/admin/numbers/", "number.read"),
    "mail_failed": (_l("Письма не доставлены за сутки"), "/admin/mail/?state=failed", "mail.read"),
    "operations_failed": (_l("Операции не выполнены за сутки"), "/admin/jobs/?state=failed", "job.read"),
    "campaigns_waiting": (
        _l("Рассылки ждут номера, денег или часа звонка"),
        "/admin/campaigns/?state=waiting",
        "campaign.read",
    ),
    "invoices_overdue": (_l("Счета просрочены"), "/admin/invoices/?state=overdue", "invoice.read"),
    "customers_in_debt": (_l("Клиенты с отрицательным балансом"), "/admin/clients/?balance_max=-0.01", "customer.read"),
    "ip_denied": (_l("Отказы во входе по IP за сутки"), "/admin/ip-denied/", "ip.read"),
}
# What a new customer does first: words, address, permission.
STEPS = {
    "number": (_l("Создайте исходящий номер"), "/cabinet/numbers/new/", "number.create"),
    "payment": (_l("Пополните баланс"), "/cabinet/invoices/", "invoice.compose"),
    "campaign": (_l("Создайте рассылку"), "/cabinet/campaigns/new/", "campaign.edit"),
    "call": (_l("Запустите рассылку и посмотрите звонки"), "/cabinet/calls/", "call.read"),
}


def picture(drawing: str) -> Markup:
    """A chart of ours: every text in it is escaped by ``callcab.lib.svg``."""
    return Markup(drawing)  # noqa: S704 - drawn and escaped by callcab.lib.svg


def short_day(moment: Any) -> str:
    return f"{moment.day:02}.{moment.month:02}"


def per_day(data: list[tuple[Any, Any]], label: str, shown: Any) -> Markup:
    """Bars per day."""
    return picture(svg.bars([(short_day(day), value) for day, value in data], label=label, value_format=shown))


def tile(label: str, value: str, note: str = "", url: str = "", sign: str = "") -> dict[str, str]:
    return {"label": label, "value": value, "note": note, "url": url, "sign": sign}


def month_note(sums: Sums, shown: Any) -> str:
    return _("за 30 дней: %(value)s", value=shown(sums.month))


def days_words(days: int | None) -> str:
    """«хватит на N дней» at the present pace."""
    if days is None:
        return _("расходов за две недели не было")
    return str(ngettext("хватит на %(num)s день", "хватит на %(num)s дней", days))


class Home(Page, AdminIndexView):
    """What a person sees after signing in."""

    permission = "home.read"

    @expose("/")
    def index(self) -> str:
        return self.render(self._template, **self.figures())

    def figures(self) -> dict[str, Any]:
        """Variables of the template."""
        raise NotImplementedError


class SupportHome(Home):
    def __init__(self) -> None:
        super().__init__(name=_l("Сводка"), url="/admin", endpoint="admin", template="support/home/index.html")

    def figures(self) -> dict[str, Any]:
        session, zone = db.session(), current_zone()
        found = dashboard.support(session, zone=zone)
        free, busy, blocked = found.pool
        return {
            "tiles": [
                tile(
                    _("Платежи сегодня"),
                    money(found.money.today),
                    month_note(found.money, money),
                    "/admin/payments/",
                    "wallet",
                ),
                tile(
                    _("Свободных номеров"),
                    number(free),
                    _("занято: %(busy)s, заблокировано: %(blocked)s", busy=number(busy), blocked=number(blocked)),
                    "/admin/numbers/",
                    "phone",
                ),
                tile(_("Операций в очереди"), number(found.waiting), "", "/admin/jobs/", "list-check"),
                tile(
                    _("Проверок номеров сегодня"),
                    number(found.verifications.today),
                    _(
                        "за 30 дней: %(value)s, подтверждено: %(verified)s",
                        value=number(found.verifications.month),
                        verified=number(found.verified),
                    ),
                    "/admin/verifications/",
                    "phone-check",
                ),
                tile(
                    _("Отказов во входе сегодня"),
                    number(found.refused.today),
                    month_note(found.refused, number),
                    "/admin/ip-denied/",
                    "shield-x",
                ),
            ],
            "charts": self._charts(session, zone),
            "concerns": [
                (words, number(item.count), url)
                for item in dashboard.concerns(session)
                for words, url, permission in [CONCERNS[item.code]]
                if may(permission)
            ],
        }

    def _charts(self, session: Any, zone: Any) -> list[tuple[str, Markup]]:
        hours = dashboard.calls_by_hour(session, zone=zone)
        checks = [(str(CHECKS[name]), count) for name, count in dashboard.outcomes(session, zone=zone)]
        titles = _("Платежи по дням"), _("Звонки по дням"), _("Звонки по часам"), _("Проверки номеров")
        return [
            (titles[0], per_day(dashboard.payments_by_day(session, zone=zone), titles[0], money)),
            (titles[1], per_day(dashboard.calls_by_day(session, zone=zone), titles[1], number)),
            (
                titles[2],
                picture(
                    svg.heat_map(
                        [(str(name), row) for name, row in zip(WEEKDAYS, hours, strict=True)],
                        label=titles[2],
                        value_format=number,
                    )
                ),
            ),
            (
                f"{titles[3]}: " + ", ".join(f"{name} — {number(count)}" for name, count in checks),
                picture(svg.stacked_bar(checks, label=titles[3], value_format=number)),
            ),
        ]


class CabinetHome(Home):
    def __init__(self) -> None:
        super().__init__(name=_l("Главная"), url="/cabinet", endpoint="cabinet", template="cabinet/home/index.html")

    def figures(self) -> dict[str, Any]:
        session, zone = db.session(), current_zone()
        customer_id = current_customer_id()
        assert customer_id is not None  # noqa: S101 - only people of a customer open the cabinet
        found = dashboard.customer(session, customer_id=customer_id, zone=zone)
        held = _("в резерве: %(value)s", value=money(found.reserved)) if found.reserved else ""
        calls, spending = _("Звонки по дням"), _("Расходы по дням")
        done = dashboard.first_steps(session, customer_id=customer_id)
        steps = [
            (words, url if may(permission) else "", done[name]) for name, (words, url, permission) in STEPS.items()
        ]
        return {
            "tiles": [
                tile(
                    _("Баланс"),
                    money(found.balance),
                    held or days_words(found.days_left),
                    "/cabinet/payments/",
                    "wallet",
                ),
                tile(_("Хватит на"), self._days(found.days_left), days_words(found.days_left), "", "calendar"),
                tile(_("Расходы сегодня"), money(found.spent.today), month_note(found.spent, money), "", "receipt"),
                tile(
                    _("Звонков сегодня"),
                    number(found.calls.today),
                    month_note(found.calls, number),
                    "/cabinet/calls/",
                    "phone",
                ),
            ],
            "charts": [
                (calls, per_day(dashboard.calls_by_day(session, zone=zone, customer_id=customer_id), calls, number)),
                (
                    spending,
                    per_day(dashboard.spending_by_day(session, zone=zone, customer_id=customer_id), spending, money),
                ),
            ],
            "steps": [] if all(done.values()) else steps,
        }

    def _days(self, days: int | None) -> str:
        if days is None:
            return DASH
        return str(ngettext("%(num)s день", "%(num)s дней", days))
