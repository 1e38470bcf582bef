"""API tokens of a customer: made, shown once, revoked."""

from datetime import datetime, time, timedelta
from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import ngettext
from wtforms import Form, SelectField, SelectMultipleField, StringField
from wtforms.widgets import CheckboxInput, ListWidget

from callcab.db import CabSession, unit_of_work
from callcab.lib import clock
from callcab.lib.errors import DomainError
from callcab.models import ApiToken
from callcab.scope import Actor
from callcab.services import api_token, forecasts
from callcab.services.specs.api_token import API_TOKEN
from callcab.web import errors, theme
from callcab.web.access import current_actor, current_customer_id, current_scope, requires
from callcab.web.formatters import current_zone, moment, status
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import Action, Column, Empty, ListView, PageAction, fixed

SCOPES = {
    "account:read": _l("Баланс"),
    "blacklist:read": _l("Чёрный список: чтение"),
    "blacklist:write": _l("Чёрный список: изменение"),
    "callbacks:read": _l("Заявки на звонок: чтение"),
    "callbacks:write": _l("Заявки на звонок: отметка «перезвонили»"),
    "check:write": _l("Проверка номера перед звонком"),
    "inbound:read": _l("Входящие"),
    "payments:read": _l("Платежи"),
    "numbers:read": _l("Номера"),
}
LIVES = {"30": _l("30 дней"), "90": _l("90 дней"), "365": _l("Год"), "": _l("Бессрочно")}


class TokenForm(Form):
    name = StringField(
        _l("Название"),
        description=_l("Для какой программы этот ключ."),
        render_kw={"required": True, "maxlength": api_token.NAME_LIMIT, "autocomplete": "off"},
    )
    scopes = SelectMultipleField(
        _l("Что можно"),
        choices=list(SCOPES.items()),
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
        validate_choice=False,
    )
    life = SelectField(_l("Срок"), choices=list(LIVES.items()), default="90")


def state_of(row: ApiToken) -> Any:
    """The status with its dot."""
    if row.revoked_at is not None:
        return status(_("Отозван"), "bad")
    if row.expires_at is not None and row.expires_at <= clock.now():
        return status(_("Истёк"), "warn")
    return status(_("Действует"), "good")


def revoke(session: CabSession, rows: list[ApiToken], params: dict[str, Any], actor: Actor) -> None:
    for row in sorted(rows, key=lambda item: item.id):
        api_token.revoke(session, customer_id=row.customer_id, token_id=row.id, actor=actor)


class CabinetTokens(ListView):
    spec = API_TOKEN
    face = "cabinet"
    slug = "api"
    label = _l("API")
    group = theme.ACCESS
    icon = "api"
    permission = "token.read"
    intro = _l("Ключи для ваших программ. Белый список IP действует и для них.")
    columns = (
        Column("name", _l("Название"), lambda row: row.name, kind="main"),
        Column("prefix", _l("Начало ключа"), lambda row: f"{row.prefix}…"),
        Column("scopes", _l("Что можно"), lambda row: ", ".join(str(SCOPES.get(name, name)) for name in row.scopes)),
        Column("status", _l("Статус"), state_of),
        Column("expires_at", _l("Действует до"), lambda row: moment(row.expires_at), kind="time"),
        Column("last_used_at", _l("Последний запрос"), lambda row: moment(row.last_used_at), kind="time"),
        Column("created_at", _l("Дата создания"), lambda row: moment(row.created_at), sort="created_at", kind="time"),
    )
    actions = (
        Action(
            "revoke",
            _l("Отозвать"),
            "token.edit",
            icon="ban",
            perform=revoke,
            preview=fixed(forecasts.revoke_tokens),
            final=True,
            question=lambda count: ngettext(
                "Отозвать %(num)s ключ? Программы с ним сразу потеряют доступ.",
                "Отозвать ключи: %(num)s? Программы с ними сразу потеряют доступ.",
                count,
            ),
            danger=True,
            when=lambda row: row.revoked_at is None,
        ),
    )
    page_actions = (
        PageAction(_l("Создать ключ"), "/cabinet/api/new/", permission="token.edit"),
        PageAction(_l("Описание API"), "/api/docs", icon="book", primary=False),
    )
    empty = Empty(_l("Ключей пока нет"), _l("Создайте ключ, чтобы ваша программа работала с callcab."), "key")

    def name_of(self, row: Any) -> str:
        return str(row.name)

    @expose("/new/", methods=("GET", "POST"))
    @requires("token.edit")
    def new_view(self) -> ResponseReturnValue:
        """Make a key; its text is shown on the answer and never again."""
        form = TokenForm(request.form)
        if request.method == "GET":
            return self._form_page(form)
        customer_id = current_customer_id()
        if customer_id is None:
            return redirect(f"{self.url}/", 303)
        try:
            with unit_of_work(current_scope()) as session:
                row, text = api_token.create(
                    session,
                    customer_id=customer_id,
                    name=(form.name.data or "").replace("\x00", ""),
                    scopes=form.scopes.data or [],
                    expires_at=_expiry(form.life.data or ""),
                    actor=current_actor(),
                )
        except DomainError as problem:
            at_fault = form._fields.get(problem.field or "", form.name)
            at_fault.errors = [errors.message(problem)]
            return self._form_page(form), problem.status
        return self.render("cabinet/api/created.html", row=row, text=text, crumbs=self._crumbs())

    def _form_page(self, form: TokenForm) -> str:
        return self.render("cabinet/api/new.html", form=form, crumbs=self._crumbs())

    def _crumbs(self) -> list[dict[str, Any]]:
        return [{"url": f"{self.url}/", "name": self.name}, {"url": "", "name": _("Новый ключ")}]


def _expiry(days: str) -> datetime | None:
    """The end of the last day in the customer's zone; an unknown choice counts as the shortest."""
    if days == "":
        return None
    count = int(days) if days in LIVES else 30
    zone = current_zone()
    last = clock.now().astimezone(zone).date() + timedelta(days=count)
    return datetime.combine(last, time(23, 59, 59), zone)


def cabinet_views() -> list[ListView]:
    return [CabinetTokens()]
