"""First pages: figures, charts and what wants attention."""

from typing import Any

from flask_admin import AdminIndexView, expose
from flask_babel import ngettext

from callcab.services import dashboard
from callcab.services.dashboard import CustomerFigures, Sums, SupportFigures
from callcab.views.call import CallList
from callcab.views.home_charts import calls_chart, heat_chart, money_chart, outcomes_chart
from callcab.web.access import Page, current_customer_id, may
from callcab.web.database import db
from callcab.web.formatters import DASH, current_zone, money, number
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import table

# Code -> words, address of the list that shows them, permission to open it.
CONCERNS = {
    "ledger_off": (_l("Баланс не сходится с журналом операций"), "/admin/ledger/", "ledger.read"),
    "no_free_numbers": (_l("Свободных номеров не осталось"), "/admin/numbers/", "number.read"),
    "campaigns_waiting": (_l("Рассылки ждут номера или денег"), "/admin/campaigns/?state=waiting", "campaign.read"),
    "near_limit": (_l("Денег меньше чем на день звонков"), "/admin/clients/", "customer.read"),
    "mail_failed": (_l("Письма не доставлены за сутки"), "/admin/mail/?state=failed", "mail.read"),
    "operations_failed": (_l("Задания не выполнены за сутки"), "/admin/jobs/?state=failed", "job.read"),
    "invoices_overdue": (_l("Счета просрочены"), "/admin/invoices/?state=overdue", "invoice.read"),
    "ip_denied": (_l("Отказы во входе по IP за сутки"), "/admin/ip-denied/", "ip.read"),
}
# What a new customer does first: words, address, permission.
STEPS = {
    "number": (_l("Добавьте номер"), "/cabinet/numbers/new/", "number.create"),
    "payment": (_l("Пополните баланс"), "/cabinet/invoices/", "invoice.compose"),
    "campaign": (_l("Создайте рассылку"), "/cabinet/campaigns/new/", "campaign.edit"),
}
# The newest calls show what a list of calls shows, without what a glance does not need.
NEWEST = tuple(column for column in CallList.columns if column.key in ("created_at", "phone", "outcome", "cost"))


def month_note(sums: Sums, shown: Any) -> str:
    return _("за 30 дней: %(value)s", value=shown(sums.month))


def tile(label: str, value: str, note: str = "", url: str = "", sign: str = "") -> dict[str, str]:
    return {"label": label, "value": value, "note": note, "url": url, "sign": sign}


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
        session: Any = db.session
        zone = current_zone()
        calls = dashboard.calls(session, zone=zone)
        return {
            "tiles": support_tiles(dashboard.support(session, zone=zone)),
            "concerns": [concern for item in dashboard.concerns(session) if (concern := describe(item))],
            "charts": [
                calls_chart(calls),
                money_chart(_("Поступления по дням"), dashboard.income_by_day(session, zone=zone)),
                heat_chart(calls),
                outcomes_chart(dashboard.verifications(session, zone=zone)),
            ],
        }


def support_tiles(found: SupportFigures) -> list[dict[str, str]]:
    """Tiles of support, in the order of the page."""
    pool = found.pool
    return [
        tile(
            _("Поступило сегодня"),
            money(found.income.today),
            month_note(found.income, money),
            "/admin/payments/",
            "coin",
        ),
        tile(
            _("Свободных номеров"),
            number(pool.free),
            _("занято: %(busy)s, заблокировано: %(blocked)s", busy=number(pool.busy), blocked=number(pool.blocked)),
            "/admin/numbers/",
            "phone",
        ),
        tile(_("Заданий в очереди"), number(found.waiting), "", "/admin/jobs/", "list-check"),
        tile(
            _("Проверок сегодня"),
            number(found.verifications.today),
            month_note(found.verifications, number),
            "/admin/verifications/",
            "phone-check",
        ),
        tile(_("Отказов во входе"), number(found.refused), _("за 24 часа"), "/admin/ip-denied/", "shield-x"),
    ]


def describe(item: dashboard.Concern) -> dict[str, Any] | None:
    """A concern with its words; None when the person may not open the list."""
    words, url, permission = CONCERNS[item.code]
    if not may(permission):
        return None
    people = [(f"/admin/clients/details/?id={key}", name) for key, name in item.customers]
    rest = item.count - len(people) if people else 0
    more = ngettext("и ещё %(num)s", "и ещё %(num)s", rest) if rest else ""
    return {"words": words, "count": number(item.count), "url": url, "people": people, "more": more}


class CabinetHome(Home):
    def __init__(self) -> None:
        super().__init__(name=_l("Главная"), url="/cabinet", endpoint="cabinet", template="cabinet/home/index.html")

    def figures(self) -> dict[str, Any]:
        session: Any = db.session
        zone = current_zone()
        customer_id = current_customer_id()
        assert customer_id is not None  # noqa: S101 - only people of a customer open the cabinet
        calls = dashboard.calls(session, zone=zone, customer_id=customer_id)
        spending = dashboard.spending_by_day(session, zone=zone, customer_id=customer_id)
        return {
            "tiles": cabinet_tiles(dashboard.customer(session, customer_id=customer_id, days=spending), calls),
            "steps": open_steps(dashboard.first_steps(session, customer_id=customer_id)),
            "charts": [calls_chart(calls), money_chart(_("Расходы по дням"), spending)],
            "newest": table(
                NEWEST,
                dashboard.newest_calls(session, customer_id=customer_id),
                base="/cabinet/calls",
                empty=_("Звонков пока нет. Они появятся, когда начнётся рассылка."),
            ),
        }


def cabinet_tiles(found: CustomerFigures, calls: dashboard.Calls) -> list[dict[str, str]]:
    """Tiles of a customer."""
    held = _("в резерве: %(value)s", value=money(found.reserved)) if found.reserved else ""
    days = found.days_left
    lasts = DASH if days is None else ngettext("%(num)s день", "%(num)s дней", days)
    basis = _("за последние 7 дней расходов не было") if days is None else _("по расходам за последние 7 дней")
    return [
        tile(_("Баланс"), money(found.balance), held, "/cabinet/payments/", "wallet"),
        tile(_("Хватит на"), lasts, basis, "", "calendar"),
        tile(_("Расходы сегодня"), money(found.spent.today), month_note(found.spent, money), "", "receipt"),
        tile(
            _("Звонков сегодня"),
            number(calls.today),
            month_note(Sums(calls.today, calls.total), number),
            "/cabinet/calls/",
            "phone-outgoing",
        ),
    ]


def open_steps(done: dict[str, bool]) -> list[tuple[Any, str, bool]]:
    """Words, address and whether it is done; no list at all when everything is."""
    if all(done.values()):
        return []
    return [(words, url if may(permission) else "", done[name]) for name, (words, url, permission) in STEPS.items()]
