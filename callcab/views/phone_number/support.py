"""The pool of outgoing numbers, for support."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, IntegerField, SelectField, StringField, TextAreaField, validators

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.lib import phone as phone_lib
from callcab.lib.errors import DomainError
from callcab.models import Customer, NumberEvent, NumberKind, NumberLease, NumberState, PhoneNumber, Verification
from callcab.services import phone_number as numbers
from callcab.services.phone_number.rental import end_of_day
from callcab.services.specs.phone_number import PHONE_NUMBER
from callcab.views.phone_number.cabinet import FILTERS
from callcab.web import errors, theme
from callcab.web import telephony_words as words
from callcab.web.access import current_actor, current_scope, requires
from callcab.web.database import db
from callcab.web.formatters import link, moment, phone
from callcab.web.forms import Form
from callcab.web.listing import Action, Column, FilterField, ListView, PageAction, RowLink, Tab


def customers(session: Any, text: str) -> list[tuple[int, str]]:
    """Suggestions of customers by name."""
    found = session.execute(
        sa.select(Customer.id, Customer.name)
        .where(Customer.name.icontains(text, autoescape=True))
        .order_by(Customer.name)
        .limit(20)
    )
    return [(row.id, row.name) for row in found]


class ReasonForm(Form):
    reason = StringField(_l("Причина"), [validators.InputRequired()], render_kw={"maxlength": 300})


class KindForm(Form):
    kind = SelectField(_l("Тип"), choices=[("shared", _l("Общий")), ("duty", _l("Дежурный"))])


class RentForm(Form):
    customer_id = IntegerField(_l("Номер клиента"), [validators.InputRequired(), validators.NumberRange(1, 2**31)])
    until = DateField(_l("До (включительно)"), [validators.InputRequired()])


class PoolForm(Form):
    kind = SelectField(_l("Тип"), choices=[("shared", _l("Общий")), ("duty", _l("Дежурный"))])
    phones = TextAreaField(
        _l("Номера"),
        description=_l("По одному в строке, в любом виде."),
        render_kw={"rows": 10, "required": True, "maxlength": 200_000},
    )


def _end_of_day(text: str, customer: Customer) -> datetime:
    return end_of_day(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(customer.zone)))


def load_leases(session: Any, row: PhoneNumber) -> dict[str, Any]:
    """The tab «Занятость»: which campaigns held the number."""
    statement = sa.select(NumberLease).where(NumberLease.number_id == row.id).order_by(NumberLease.id.desc()).limit(100)
    return {"leases": session.scalars(statement).all()}


def load_attempts(session: Any, row: PhoneNumber) -> dict[str, Any]:
    statement = sa.select(Verification).where(Verification.phone == row.phone).order_by(Verification.id.desc())
    return {"attempts": session.scalars(statement.limit(100)).all(), "words": words}


def load_history(session: Any, row: PhoneNumber) -> dict[str, Any]:
    statement = sa.select(NumberEvent).where(NumberEvent.number_id == row.id).order_by(NumberEvent.id.desc()).limit(200)
    return {
        "events": [
            {
                "at": item.created_at,
                "title": EVENTS.get(item.kind, item.kind),
                "author": item.actor,
                "text": _said(item),
            }
            for item in session.scalars(statement)
        ]
    }


EVENTS = {
    "created": _l("Добавлен"),
    "verification": _l("Заказан звонок"),
    "verified": _l("Подтверждён"),
    "not_verified": _l("Не подтверждён"),
    "lost": _l("Подтверждён другим клиентом"),
    "proof_expired": _l("Срок подтверждения истёк"),
    "taken": _l("Занят рассылкой"),
    "released": _l("Освобождён"),
    "rented": _l("Сдан в аренду"),
    "rental_ended": _l("Аренда закончилась"),
    "blocked": _l("Заблокирован"),
    "unblocked": _l("Разблокирован"),
    "kind": _l("Изменён тип"),
}


def _said(item: NumberEvent) -> str:
    if item.data.get("outcome"):
        return str(words.OUTCOMES.get(item.data["outcome"], (item.data["outcome"], ""))[0])
    return str(item.data.get("reason") or "")


class SupportNumber(ListView):
    """All numbers, for support."""

    spec = PHONE_NUMBER
    slug = "numbers"
    label = _l("Номера телефонов")
    group = theme.TELEPHONY
    icon = "device-mobile"
    permission = "number.read"
    export_permission = "number.export"
    can_view_details = True
    columns = (
        Column("created_at", _l("Дата создания"), lambda row: moment(row.created_at), "created_at", "time"),
        Column("phone", _l("Телефон"), lambda row: phone(row.phone), kind="main phone", link=True),
        Column("kind", _l("Тип"), words.number_kind),
        Column("state", _l("Статус"), words.number_status),
        Column("customer", _l("Клиент"), words.customer_link),
        Column(
            "campaign",
            _l("Рассылка"),
            lambda row: (
                link(f"/admin/campaigns/details/?id={row.open_lease.campaign_id}", row.open_lease.campaign.name)
                if row.open_lease
                else None
            ),
        ),
        Column("busy_at", _l("Был занят"), lambda row: moment(row.busy_at), kind="time"),
    )
    filters = (*FILTERS, FilterField("customer", _l("Клиент"), lookup=customers))
    actions = (
        Action(
            "release",
            _l("Освободить"),
            "number.release",
            icon="lock-open",
            operation="number.release",
            fields=ReasonForm,
            question=_l("Освободить номеров: %(count)s? Рассылки будут ждать другой номер."),
            when=lambda row: row.state is NumberState.BUSY,
        ),
        Action(
            "kind",
            _l("Изменить тип"),
            "number.edit",
            icon="tag",
            operation="number.kind",
            fields=KindForm,
            question=_l("Изменить тип номеров: %(count)s?"),
            when=lambda row: row.kind is not NumberKind.PERSONAL,
        ),
        Action(
            "rent",
            _l("Сдать в аренду"),
            "number.rent",
            icon="calendar-event",
            operation="number.rent",
            fields=RentForm,
            question=_l("Сдать в аренду номеров: %(count)s? Деньги спишутся сразу за все начатые дни."),
            row=False,
        ),
        Action(
            "block",
            _l("Заблокировать"),
            "number.block",
            icon="ban",
            operation="number.block",
            fields=ReasonForm,
            question=_l("Заблокировать номеров: %(count)s?"),
            danger=True,
            when=lambda row: row.state is not NumberState.BLOCKED,
        ),
        Action(
            "unblock",
            _l("Разблокировать"),
            "number.block",
            icon="check",
            operation="number.unblock",
            question=_l("Разблокировать номеров: %(count)s?"),
            when=lambda row: row.state is NumberState.BLOCKED,
        ),
        Action(
            "delete",
            _l("Удалить"),
            "number.delete",
            icon="trash",
            operation="number.delete",
            question=_l("Удалить номеров: %(count)s? Вернуть их будет нельзя."),
            danger=True,
        ),
    )
    row_links = (
        RowLink(
            _l("Аренда до…"),
            "calendar-event",
            lambda row: f"/admin/numbers/rent/?id={row.id}",
            permission="number.rent",
            when=lambda row: row.kind is NumberKind.SHARED and row.state is not NumberState.BLOCKED,
        ),
        RowLink(_l("Входящие"), "phone-incoming", lambda row: f"/admin/inbound/?search={row.phone}", "call.read"),
    )
    page_actions = (PageAction(_l("Добавить номера"), "/admin/numbers/new/", permission="number.edit"),)
    tabs = (
        Tab("leases", _l("Занятость"), "support/numbers/leases.html", load_leases),
        Tab("checks", _l("Проверки"), "support/numbers/checks.html", load_attempts, "verification.read"),
        Tab("log", _l("Журнал"), "support/numbers/log.html", load_history),
    )

    def name_of(self, row: Any) -> str:
        return phone(row.phone)

    def facts_of(self, row: Any) -> list[tuple[Any, Any]]:
        facts = [(column.label, column.cell(row)) for column in self.columns]
        return [*facts, (_("Аренда до"), moment(row.rented_until)), (_("Заметка"), row.note)]

    @expose("/new/", methods=("GET", "POST"))
    @requires("number.edit")
    def new_view(self) -> ResponseReturnValue:
        """Add numbers to the pool."""
        form = PoolForm(request.form or None)
        if request.method == "POST" and form.validate():
            found = phone_lib.extract(form.phones.data or "")
            wanted = [phone_lib.to_int(item.e164) for item in found.phones if phone_lib.is_dialable(item)]
            with unit_of_work(current_scope()) as session:
                kind = NumberKind(form.kind.data)
                added = numbers.add_to_pool(session, phones=wanted, kind=kind, actor=current_actor())
            refused = len(found.rejected) + len(found.phones) - len(wanted)
            flash(
                _(
                    "Добавлено: %(added)s, уже были: %(known)s, не подошли: %(bad)s.",
                    added=added,
                    known=len(wanted) - added + found.duplicates,
                    bad=refused,
                ),
                "success" if added else "warning",
            )
            return redirect(f"{self.url}/", 303)
        crumbs = [{"url": f"{self.url}/", "name": self.name}, {"url": "", "name": _("Добавить номера")}]
        return self.render("support/numbers/new.html", form=form, crumbs=crumbs)

    @expose("/rent/", methods=("GET", "POST"))
    @requires("number.rent")
    def rent_view(self) -> ResponseReturnValue:
        """Rent one number: the price is shown before it is taken."""
        number = self.row_or_404(request.values.get("id", ""))
        form = RentForm(request.form or None)
        if number.customer_id and not request.form:
            form.customer_id.data = number.customer_id
        price = None
        if request.method == "POST" and form.validate():
            customer = db.session.get(Customer, form.customer_id.data)
            start = max(number.rented_until or clock.now(), clock.now())
            until = _end_of_day(form.until.data.isoformat(), customer) if customer else start
            if customer is None:
                form.customer_id.errors = [_("Такого клиента нет.")]
            elif not start < until <= start + timedelta(days=366):
                form.until.errors = [_("Укажите дату окончания в будущем, не дальше года.")]
            elif request.form.get("confirmed") == "1":
                return self._rent(number, customer, until)
            else:
                price = {"customer": customer, "until": until, "sum": numbers.rent_price(customer.tariff, start, until)}
        crumbs = [{"url": f"{self.url}/", "name": self.name}, {"url": "", "name": phone(number.phone)}]
        return self.render("support/numbers/rent.html", form=form, number=number, price=price, crumbs=crumbs)

    def _rent(self, number: PhoneNumber, customer: Customer, until: datetime) -> ResponseReturnValue:
        try:
            with unit_of_work(current_scope()) as session:
                numbers.rent(session, number_id=number.id, customer_id=customer.id, until=until, actor=current_actor())
            flash(_("Номер сдан в аренду до %(until)s.", until=moment(until)), "success")
        except DomainError as problem:
            errors.flash_error(problem)
        return redirect(f"{self.url}/details/?id={number.id}", 303)
