"""IP allow list: the customer's own page, the lists of support, and the refusals of both."""

from dataclasses import replace
from typing import Any

from flask import flash, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import ngettext
from wtforms import BooleanField, Form, StringField

from callcab.db import CabSession, unit_of_work
from callcab.lib.errors import Conflict, DomainError, Invalid
from callcab.models import Door, IpRule
from callcab.scope import Actor
from callcab.services import forecasts, ip_rule
from callcab.services.specs.ip_rule import IP_DENIAL, IP_RULE
from callcab.views.lookups import CUSTOMERS
from callcab.web import errors, theme
from callcab.web.access import current_actor, current_scope, may, requires
from callcab.web.database import db
from callcab.web.formatters import DASH, browser_name, link, moment
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import Action, CellEdit, Column, Empty, FilterField, ListView, Preview, RowLink, fixed

NOTICES = {
    "host_bits": _l("Адрес внутри сети заменён на саму сеть."),
    "mapped": _l("Запись IPv4 в виде IPv6 заменена на обычный IPv4-адрес."),
    "loopback": _l("Это адрес самого сервера."),
    "link_local": _l("Это адрес локального сегмента сети: из интернета с него не приходят."),
    "multicast": _l("Это адрес групповой рассылки: с него не заходят."),
    "carrier": _l("Это общий адрес оператора связи: под ним могут быть посторонние."),
    "private": _l("Это адрес внутренней сети: из интернета с него не приходят."),
    "reserved": _l("Это зарезервированный адрес: с него не заходят."),
}
DOORS = {Door.CABINET: _l("Личный кабинет"), Door.API: _l("API"), Door.ADMIN: _l("Поддержка")}


class AddForm(Form):
    network = StringField(
        _l("IP-адрес"), render_kw={"required": True, "maxlength": 100, "autocomplete": "off", "spellcheck": "false"}
    )
    note = StringField(_l("Комментарий"), render_kw={"maxlength": ip_rule.NOTE_LIMIT})


class DeleteForm(Form):
    confirmed_loss = BooleanField(_l("Удалить, даже если с моего текущего адреса больше нельзя будет войти"))


def address_text(value: Any) -> str:
    """`10.0.0.1`, as people write it; PostgreSQL adds the mask of a single address."""
    text = str(value)
    return text.removesuffix("/32") if ":" not in text else text.removesuffix("/128")


def customer_name(row: Any) -> Any:
    """Whose row it is, for support."""
    if row.customer is None:
        return _("Поддержка")
    return link(f"/admin/clients/details/?id={row.customer_id}", row.customer.name)


def delete_rows(session: CabSession, rows: list[IpRule], params: dict[str, Any], actor: Actor) -> str:
    """Delete ticked entries; the lists of several customers go one by one, in the order of their locks."""
    customers = sorted({row.customer_id for row in rows}, key=lambda value: value or 0)
    done = 0
    for customer_id in customers:
        done += ip_rule.delete(
            session,
            customer_id=customer_id,
            ids=[row.id for row in rows if row.customer_id == customer_id],
            current_address=actor.address if customer_id == actor.customer_id else None,
            confirmed=bool(params.get("confirmed_loss")),
            actor=actor,
        )
    return ngettext("Удалён %(num)s адрес.", "Удалено адресов: %(num)s.", done)


def preview_deletion(session: CabSession, rows: Any, params: dict[str, Any] | None) -> Preview | None:
    """How many go, and whether the person would stand before a closed door."""
    shown = fixed(forecasts.everything)(session, rows, params)
    if shown is None or not ip_rule.locks_out(session, rows, address=g.client_address, actor=current_actor()):
        return shown
    return replace(shown, warning=_("С вашего текущего адреса войти больше будет нельзя."))


def note_link(section: str) -> tuple[RowLink, ...]:
    """The way to the comment's own page."""
    url = f"/{section}/cell/?field=note&id="
    return (RowLink(_l("Комментарий"), "edit", lambda row: f"{url}{row.id}", permission="ip.edit"),)


class RuleList(ListView):
    """What both sides share: the form above the list, adding, deleting."""

    spec = IP_RULE
    group = theme.ACCESS
    icon = "shield-lock"
    permission = "ip.read"
    search_label = _l("Поиск")
    inline_actions = True
    edits = (
        CellEdit(
            "note", _l("Комментарий"), "ip.edit", lambda row: row.note, ip_rule.set_note, limit=ip_rule.NOTE_LIMIT
        ),
    )
    actions = (
        Action(
            "delete",
            _l("Удалить"),
            "ip.edit",
            icon="trash",
            perform=delete_rows,
            preview=preview_deletion,
            question=lambda count: ngettext(
                "Удалить %(num)s адрес из белого списка?", "Удалить адреса из белого списка: %(num)s?", count
            ),
            fields=DeleteForm,
            danger=True,
        ),
    )

    def name_of(self, row: Any) -> str:
        return address_text(row.network)

    def list_customer(self) -> int | None:
        """Whose list the form adds to; None is the list of support itself."""
        return self.customer_id()

    def list_extras(self) -> dict[str, Any]:
        here = g.client_address
        return {
            "form": g.get("ip_form") or AddForm(),
            "current_address": here,
            "offer_current": may("ip.edit")
            and not ip_rule.covered(db.session, customer_id=self.list_customer(), address=here),
            "may_edit": may("ip.edit"),
        }

    @expose("/add/", methods=("POST",))
    @requires("ip.edit")
    def add_view(self) -> ResponseReturnValue:
        """Add one address; the lock-out guard asks first (rule I5)."""
        form = AddForm(request.form)
        try:
            with unit_of_work(current_scope()) as session:
                added = ip_rule.add(
                    session,
                    customer_id=self.list_customer(),
                    text=form.network.data or "",
                    note=(form.note.data or "").replace("\x00", ""),
                    current_address=g.client_address,
                    confirmed=request.form.get("confirmed") == "1",
                    actor=current_actor(),
                )
        except DomainError as problem:
            return self._problem(form, problem)
        flash(_("Адрес %(network)s добавлен.", network=added.rule.network), "success")
        for notice in added.notices:
            flash(NOTICES[notice], "warning")
        return redirect(f"{self.url}/", 303)

    def _problem(self, form: AddForm, problem: DomainError) -> ResponseReturnValue:
        if isinstance(problem, Conflict) and problem.code == "ip.locks_you_out":
            crumbs = [{"url": f"{self.url}/", "name": self.name}, {"url": "", "name": _("Подтверждение")}]
            page = self.render(
                "cabinet/ip/locks_out.html",
                form=form,
                text=errors.message(problem),
                target=f"{self.url}/add/",
                back=f"{self.url}/",
                crumbs=crumbs,
            )
            return page, 409
        at_fault = form.note if problem.field == "note" else form.network
        at_fault.errors = [errors.message(problem)]
        g.ip_form = form
        return self.index_view(), 422 if isinstance(problem, Invalid) else problem.status


class CabinetRules(RuleList):
    """«Белый список IP» of the customer."""

    face = "cabinet"
    row_links = note_link("cabinet/ip")
    slug = "ip"
    label = _l("Проверка IP")
    list_template = "cabinet/ip/list.html"
    columns = (
        Column("created_at", _l("Дата создания"), lambda row: moment(row.created_at), sort="created_at", kind="time"),
        Column("network", _l("IP-адрес"), lambda row: address_text(row.network), kind="main"),
        Column("note", _l("Комментарий"), lambda row: row.note),
        Column("last_used_at", _l("Последний вход"), lambda row: moment(row.last_used_at), kind="time"),
    )
    filters = (FilterField("created", _l("Дата создания")),)
    empty = Empty(
        _l("Список пуст: войти можно с любого адреса"),
        _l("Добавьте первый адрес, и вход останется только с адресов из списка."),
        "shield-lock",
    )


class SupportRules(RuleList):
    """Lists of all customers; the form adds to the list of support itself."""

    face = "admin"
    row_links = note_link("admin/ip-allow")
    slug = "ip-allow"
    label = _l("Белый список IP")
    list_template = "support/ip/list.html"
    columns = (
        Column("network", _l("IP"), lambda row: address_text(row.network), kind="main"),
        Column("customer", _l("Клиент"), customer_name),
        Column("note", _l("Комментарий"), lambda row: row.note),
        Column("created_at", _l("Создан"), lambda row: moment(row.created_at), sort="created_at", kind="time"),
        Column("last_used_at", _l("Последний вход"), lambda row: moment(row.last_used_at), kind="time"),
    )
    filters = (FilterField("created", _l("Создан")), FilterField("customer", _l("Клиент"), lookup=CUSTOMERS))
    empty = Empty(_l("Никто ещё не ограничил вход по адресам"), "", "shield-lock")

    def list_customer(self) -> int | None:
        return None


def open_doors(session: CabSession, rows: list[Any], params: dict[str, Any], actor: Actor) -> str:
    """Let the customers of the ticked refusals in for an hour."""
    customers = sorted({row.customer_id for row in rows if row.customer_id is not None})
    if not customers:
        raise Conflict("ip.staff_door")
    for customer_id in customers:
        until = ip_rule.open_door(session, customer_id=customer_id, actor=actor, reason=params.get("reason") or "")
    return _("Дверь открыта до %(until)s.", until=moment(until))


class ReasonForm(Form):
    reason = StringField(_l("Причина"), render_kw={"maxlength": 200})


class DenialList(ListView):
    """Refusals of the list."""

    spec = IP_DENIAL
    group = theme.ACCESS
    icon = "shield-x"
    permission = "ip.read"
    filters = (FilterField("created", _l("Когда")), FilterField("door", _l("Куда"), DOORS))
    empty = Empty(_l("Отказов не было"), _l("Здесь появятся попытки войти с адресов не из белого списка."), "shield-x")

    def name_of(self, row: Any) -> str:
        return address_text(row.address)


WHEN = Column("created_at", _l("Когда"), lambda row: moment(row.created_at), sort="created_at", kind="time")
FROM = Column("address", _l("IP"), lambda row: address_text(row.address), kind="main")
WHERE = Column("door", _l("Куда"), lambda row: DOORS[row.door])
LETTER = Column("mailed", _l("Письмо"), lambda row: _("отправлено") if row.mailed else DASH)
AGENT = Column("agent", _l("Браузер"), lambda row: browser_name(row.agent))


class CabinetDenials(DenialList):
    face = "cabinet"
    slug = "ip-denied"
    label = _l("Отказы во входе")
    columns = (WHEN, FROM, WHERE, LETTER, AGENT)
    menu_visible = False


class SupportDenials(DenialList):
    face = "admin"
    slug = "ip-denied"
    label = _l("Отказы по IP")
    columns = (WHEN, Column("customer", _l("Клиент"), customer_name), FROM, WHERE, LETTER, AGENT)
    filters = (*DenialList.filters, FilterField("customer", _l("Клиент"), lookup=CUSTOMERS))
    actions = (
        Action(
            "open",
            _l("Открыть дверь на 60 минут"),
            "ip.open",
            icon="lock-open",
            perform=open_doors,
            preview=fixed(forecasts.open_doors),
            question=_l("Впустить клиентов на 60 минут с любого адреса? Выбрано отказов: %(count)s."),
            fields=ReasonForm,
            when=lambda row: row.customer_id is not None,
        ),
    )


def support_views() -> list[ListView]:
    return [SupportRules(), SupportDenials()]


def cabinet_views() -> list[ListView]:
    return [CabinetRules(), CabinetDenials()]
