"""Customers, for support: the list, one customer with everything that belongs to him, making and editing."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask import abort, flash, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import orm
from wtforms import EmailField, Form, HiddenField, SelectField, StringField

from callcab.db import unit_of_work
from callcab.lib.errors import Conflict, DomainError
from callcab.models import Customer, Tariff, User
from callcab.services import cell, customer, label
from callcab.services.specs.customer import CUSTOMER
from callcab.views.customer_actions import ACTIONS, STATES
from callcab.views.customer_tabs import TABS
from callcab.views.lookups import MANAGERS, TARIFFS
from callcab.views.user import send_invitation
from callcab.web import errors
from callcab.web import telephony_words as words
from callcab.web.access import current_actor, current_scope, requires
from callcab.web.database import db
from callcab.web.formatters import DASH, moment, number, status
from callcab.web.formatters import money as money_text
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import CellEdit, Column, Empty, FilterField, ListView, PageAction, RowLink

ZONES = (
    "Europe/Kaliningrad",
    "Europe/Moscow",
    "Europe/Samara",
    "Asia/Yekaterinburg",
    "Asia/Omsk",
    "Asia/Krasnoyarsk",
    "Asia/Irkutsk",
    "Asia/Yakutsk",
    "Asia/Vladivostok",
    "Asia/Magadan",
    "Asia/Kamchatka",
)


_UNLIMITED = _l("Пусто — без предела.")
_COUNT = {"maxlength": 4, "inputmode": "numeric"}


class CustomerForm(Form):
    """Fields that support may change; money is never one of them (F-22)."""

    version = HiddenField()
    name = StringField(_l("Название"), render_kw={"required": True, "maxlength": customer.NAME_LIMIT})
    inn = StringField(_l("ИНН"), render_kw={"maxlength": 20, "inputmode": "numeric"})
    email = EmailField(_l("Email"), render_kw={"required": True, "maxlength": customer.NAME_LIMIT})
    tariff_id = SelectField(_l("Тариф"), coerce=int)
    manager_id = SelectField(_l("Менеджер"), coerce=cell.text_of)
    zone = SelectField(_l("Часовой пояс"), choices=[(zone, zone) for zone in ZONES])
    lines = StringField(_l("Линий во всех рассылках"), description=_UNLIMITED, render_kw=_COUNT)
    calls_per_second = StringField(_l("Звонков в секунду"), description=_UNLIMITED, render_kw=_COUNT)

    label_name = StringField(
        _l("Маркировка: кто звонит"),
        description=_l("Название или «ИП Фамилия И. О.». Пусто во всех трёх полях — без маркировки."),
        render_kw={"maxlength": label.LIMITS["label_name"]},
    )
    label_category = StringField(
        _l("Маркировка: категория"),
        description=_l("Как в договоре с оператором, например «Доставка»."),
        render_kw={"maxlength": label.LIMITS["label_category"]},
    )
    label_text = StringField(
        _l("Маркировка: текст на экране"),
        description=_l("До 32 знаков; его покажет телефон абонента, если линия передаёт имя."),
        render_kw={"maxlength": label.LIMITS["label_text"]},
    )

    def values(self) -> dict[str, Any]:
        """What was typed, as the service takes it."""
        return {
            "name": plain(self.name.data),
            "inn": plain(self.inn.data) or None,
            "email": plain(self.email.data),
            "tariff_id": self.tariff_id.data,
            "manager_id": customer.read_id(self.manager_id.data or ""),
            "zone": self.zone.data or "",
            "lines": plain(str(self.lines.data or "")),
            "calls_per_second": plain(str(self.calls_per_second.data or "")),
            **{name: plain(self._fields[name].data) for name in label.LIMITS},
        }


class NewCustomerForm(CustomerForm):
    owner_name = StringField(_l("Имя владельца кабинета"), render_kw={"maxlength": 100})


def plain(text: str | None) -> str:
    return (text or "").replace("\x00", "").strip()


def managers(session: orm.Session) -> list[tuple[str, Any]]:
    """Whom a customer can be given to, and nobody."""
    return [("", DASH), *((str(row.id), row.name) for row in customer.managers(db.session()))]


def manager_name(row: Customer) -> str | None:
    """Who looks after the customer; the names are read once for a page, when the column is shown."""
    if row.manager_id is None:
        return None
    if "manager_names" not in g:
        staff = sa.select(User.id, User.name).where(User.customer_id.is_(None))
        g.manager_names = {found.id: found.name for found in db.session.execute(staff)}
    return str(g.manager_names.get(row.manager_id, f"№ {row.manager_id}"))


def tariffs(session: orm.Session) -> Sequence[Any]:
    """Ids and names of all tariffs."""
    return session.execute(sa.select(Tariff.id, Tariff.name).order_by(Tariff.name)).all()


class SupportCustomers(ListView):
    spec = CUSTOMER
    face = "admin"
    slug = "clients"
    label = _l("Клиенты")
    icon = "building"
    permission = "customer.read"
    export_permission = "customer.export"
    can_view_details = True
    search_label = _l("Название, ИНН, email или номер")
    empty = Empty(_l("Клиентов пока нет"), _l("Создайте первого клиента: владелец получит приглашение."), "building")
    columns = (
        Column("name", _l("Клиент"), lambda row: row.name, kind="main", link=True),
        Column("inn", _l("ИНН"), lambda row: row.inn, kind="num"),
        Column("email", _l("Email"), lambda row: row.email, kind="mail"),
        Column("balance", _l("Баланс"), lambda row: money_text(row.balance), kind="money"),
        Column("numbers", _l("Номеров"), lambda row: number(row.numbers_count), kind="num"),
        Column("last_login", _l("Последний вход"), lambda row: moment(row.last_login_at), kind="time"),
        Column("status", _l("Статус"), lambda row: status(*STATES[row.status])),
        Column("tariff", _l("Тариф"), lambda row: row.tariff.name, extra=True),
        Column("manager", _l("Менеджер"), manager_name, extra=True),
        Column("created_at", _l("Создан"), lambda row: moment(row.created_at), sort="created_at", kind="time"),
    )
    filters = (
        FilterField("status", _l("Статус"), {key.value: text for key, (text, _tone) in STATES.items()}),
        FilterField("balance", _l("Баланс")),
        FilterField("tariff", _l("Тариф"), lookup=TARIFFS, hint=_l("Номер или название тарифа")),
        FilterField("manager", _l("Менеджер"), lookup=MANAGERS, hint=_l("Номер или имя сотрудника")),
        FilterField("created", _l("Создан")),
    )
    actions = ACTIONS
    edits = (
        CellEdit(
            "tariff",
            _l("Тариф"),
            "customer.edit",
            lambda row: str(row.tariff_id),
            customer.set_tariff,
            choices=lambda session: [(str(row.id), row.name) for row in tariffs(session)],
        ),
        CellEdit(
            "manager",
            _l("Менеджер"),
            "customer.edit",
            lambda row: cell.text_of(row.manager_id),
            customer.set_manager,
            choices=managers,
        ),
    )
    row_links = (
        RowLink(
            _l("Составить счёт"),
            "file-invoice",
            lambda row: f"/admin/invoices/compose/?customer={row.id}",
            permission="invoice.compose",
        ),
        RowLink(
            _l("Изменить данные"),
            "edit",
            lambda row: f"/admin/clients/edit/?id={row.id}",
            permission="customer.edit",
        ),
    )
    page_actions = (
        PageAction(_l("Создать клиента"), "/admin/clients/new/", icon="plus", permission="customer.create"),
        PageAction(
            _l("Загрузить"), "/admin/load/clients/", icon="file-import", permission="customer.create", primary=False
        ),
    )
    tabs = TABS

    def name_of(self, row: Any) -> str:
        return str(row.name)

    def facts_of(self, row: Any) -> list[tuple[Any, Any]]:
        found: list[tuple[Any, Any]] = [(column.label, column.cell(row)) for column in self.columns]
        found += [
            (_("Зарезервировано"), money_text(row.reserved)),
            (_("Кредитный лимит"), money_text(row.credit_limit)),
            (_("Часовой пояс"), row.zone),
            (_("Маркировка"), words.label_text(row)),
            (_("Причина блокировки"), row.block_reason),
        ]
        if row.ip_open_until:
            found.append((_("Вход открыт до"), moment(row.ip_open_until)))
        return found

    @expose("/new/", methods=("GET", "POST"))
    @requires("customer.create")
    def new_view(self) -> ResponseReturnValue:
        """Make a customer and invite the owner of its cabinet."""
        form = self._form(NewCustomerForm(request.form, zone="Europe/Moscow"))
        if request.method == "GET":
            return self._page(form, _("Новый клиент"))
        try:
            with unit_of_work(current_scope()) as session:
                made = customer.create(
                    session, values=form.values(), owner_name=plain(form.owner_name.data), actor=current_actor()
                )
                send_invitation(session, customer.owner(session, made.id))
        except DomainError as problem:
            return self._refused(form, problem, _("Новый клиент"))
        flash(_("Клиент создан, владелец приглашён письмом."), "success")
        return redirect(f"{self.url}/details/?id={made.id}", 303)

    @expose("/edit/", methods=("GET", "POST"))
    @requires("customer.edit")
    def edit_view(self) -> ResponseReturnValue:
        """Change a customer; a second saver is shown what the first one wrote."""
        row = self.row_or_404(request.args.get("id", ""))
        form = self._form(CustomerForm(request.form, obj=row))
        if request.method == "GET":
            return self._page(form, row.name)
        seen = form.version.data or ""
        try:
            with unit_of_work(current_scope()) as session:
                customer.edit(
                    session,
                    row.id,
                    values=form.values(),
                    version=int(seen) if seen.isascii() and seen.isdigit() else 0,
                    actor=current_actor(),
                )
        except DomainError as problem:
            if problem.code == "edit.stale":
                self._show_conflict(form, problem)
            return self._refused(form, problem, row.name)
        flash(_("Сохранено."), "success")
        return redirect(f"{self.url}/details/?id={row.id}", 303)

    @expose("/note/", methods=("POST",))
    @requires("customer.note")
    def note_view(self) -> ResponseReturnValue:
        """Leave a note for colleagues."""
        row = self.row_or_404(request.form.get("id", ""))
        try:
            with unit_of_work(current_scope()) as session:
                customer.add_note(session, row.id, text=plain(request.form.get("text")), actor=current_actor())
        except DomainError as problem:
            errors.flash_error(problem)
        return redirect(f"{self.url}/details/?id={row.id}&tab=notes", 303)

    def _form(self, form: Any) -> Any:
        form.tariff_id.choices = [(row.id, row.name) for row in tariffs(db.session())]
        form.manager_id.choices = managers(db.session())
        kept = form.manager_id.data or ""
        if kept not in dict(form.manager_id.choices) and customer.read_id(kept):
            form.manager_id.choices.append((kept, f"№ {kept}"))
        if form.zone.data and form.zone.data not in ZONES:
            form.zone.choices = [*form.zone.choices, (form.zone.data, form.zone.data)]
        if request.method == "POST" and not form.validate():
            abort(400)  # only a forged choice fails here: all other rules are the service's
        return form

    def _show_conflict(self, form: Any, problem: Conflict | DomainError) -> None:
        """Both values beside each field that differs; the next save is over the newest version."""
        for name, value in problem.params.pop("current").items():
            field = form._fields[name]
            shown = value
            if name in ("tariff_id", "manager_id"):
                shown = dict(field.choices).get(field.coerce(value), value)
            field.errors = [_("Сейчас сохранено: %(value)s", value=shown if shown is not None else "—")]
        fresh = db.session.scalar(sa.select(Customer.version).where(Customer.id == int(request.args["id"])))
        form.version.data = form.version.raw_data = None
        form.version.process_data(fresh)

    def _refused(self, form: Any, problem: DomainError, title: str) -> ResponseReturnValue:
        field = form._fields.get(problem.field or "")
        if field is not None:
            field.errors = [errors.message(problem)]
        else:
            flash(errors.message(problem), "error")
        return self._page(form, title), problem.status

    def _page(self, form: Any, title: str) -> str:
        crumbs = [{"url": f"{self.url}/", "name": self.name}, {"url": "", "name": title}]
        return self.render(
            "support/clients/form.html", form=form, title=title, target=request.full_path.rstrip("?"), crumbs=crumbs
        )


def support_views() -> list[ListView]:
    return [SupportCustomers()]
