"""Promo codes: activation by customers; batches, codes and who took them for support."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import flash, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import ngettext
from wtforms import Form, HiddenField, StringField

from callcab.db import CabSession, unit_of_work
from callcab.lib import clock, tokens
from callcab.lib.errors import DomainError, Invalid
from callcab.lib.money import AmountError, parse_amount
from callcab.models import Customer, PromoActivation, PromoBatch, PromoCode, PromoState
from callcab.scope import Actor, Scope
from callcab.services import forecasts, promo
from callcab.services.listing.filters import BadValue, read_date
from callcab.services.specs.promo import PROMO_ACTIVATION, PROMO_BATCH, PROMO_CODE
from callcab.views.lookups import CUSTOMERS, PROMO_BATCHES
from callcab.web import errors, theme
from callcab.web.access import current_actor, current_customer_id, current_scope, may, requires
from callcab.web.formatters import DEFAULT_ZONE, day, link, moment, money, number, status
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import Action, Column, Empty, FilterField, ListView, PageAction, RowLink, Tab, fixed, table

SHOWN_IN_TAB = 50
BATCH_STATES = {"active": _l("Действует"), "paused": _l("Пауза"), "expired": _l("Истёк")}
TONES = {"active": "good", "paused": "warn", "expired": ""}
USES = {"unused": _l("Не использован"), "partly": _l("Использован частично"), "whole": _l("Использован")}


class CodeForm(Form):
    code = StringField(
        _l("Введите промокод"),
        render_kw={"maxlength": promo.CODE_LIMIT, "autocomplete": "off", "spellcheck": "false", "required": True},
    )


class BatchForm(Form):
    name = StringField(_l("Название"), render_kw={"maxlength": promo.NAME_LIMIT, "required": True})
    amount = StringField(_l("Номинал, ₽"), render_kw={"maxlength": 20, "inputmode": "decimal", "required": True})
    count = StringField(
        _l("Сколько кодов"),
        description=_l("0 — если загрузите готовые коды из файла."),
        render_kw={"maxlength": 6, "inputmode": "numeric", "required": True},
    )
    uses_per_code = StringField(
        _l("Активаций на один код"), default="1", render_kw={"maxlength": 7, "inputmode": "numeric", "required": True}
    )
    expires_at = StringField(
        _l("Действует до (включительно)"),
        description=_l("ДД.ММ.ГГГГ; пусто — без срока."),
        render_kw={"maxlength": 10, "inputmode": "numeric"},
    )
    request_key = HiddenField()


class CabinetPromo(ListView):
    """«Активация промокода», and what was activated before."""

    spec = PROMO_ACTIVATION
    face = "cabinet"
    slug = "promo"
    label = _l("Промокоды")
    group = theme.FINANCE
    icon = "ticket"
    permission = "promo.read"
    list_template = "cabinet/promo/list.html"
    search_label = _l("Промокод")
    columns = (
        Column("created_at", _l("Дата активации"), lambda row: moment(row.created_at), sort="created_at", kind="time"),
        Column("code", _l("Промокод"), lambda row: tokens.group_code(row.code), kind="main"),
        Column("amount", _l("Начислено"), lambda row: money(row.amount), kind="money"),
        Column("state", _l("Статус"), lambda row: activation_state(row)),
    )
    filters = (
        FilterField("state", _l("Статус"), {"credited": _l("Начислено"), "reversed": _l("Сторнировано")}),
        FilterField("created", _l("Дата активации")),
    )
    empty = Empty(_l("Вы ещё не активировали промокодов"), _l("Введите код в поле выше."), "ticket")

    def list_extras(self) -> dict[str, Any]:
        return {"form": g.get("promo_form") or CodeForm(), "may_activate": may("promo.activate")}

    @expose("/activate/", methods=("POST",))
    @requires("promo.activate")
    def activate_view(self) -> ResponseReturnValue:
        """Take a code; a refused try is committed as well, so that guesses are counted (AC-48)."""
        form = CodeForm(request.form)
        customer_id = current_customer_id()
        assert customer_id is not None  # noqa: S101 - the cabinet is open to customers only
        # Codes are not readable by customers: the service runs as the system, for this customer alone.
        with unit_of_work(Scope.system("promo activation")) as session:
            found = promo.attempt(session, customer_id=customer_id, code=form.code.data or "", actor=current_actor())
        if found.activation is not None:
            flash(_("Промокод активирован. Начислено %(sum)s.", sum=money(found.activation.amount)), "success")
            return redirect(f"{self.url}/", 303)
        assert found.refusal is not None  # noqa: S101 - one of the two is set
        form.code.errors = [errors.message(found.refusal)]
        g.promo_form = form
        return self.index_view(), found.refusal.status


def activation_state(row: PromoActivation) -> Any:
    """Whether the money is still his; the day on which it was taken back."""
    if row.reversed_at is None:
        return status(_("Начислено"), "good")
    return status(_("Сторнировано %(day)s", day=day(row.reversed_at)), "warn")


def batch_state(row: PromoBatch) -> str:
    """What the batch is to a customer now; the end of its time goes before a pause."""
    if row.expires_at is not None and row.expires_at <= clock.now():
        return "expired"
    return row.state.value


def budget(row: PromoBatch) -> Decimal:
    """What the batch costs when every use of every code is taken."""
    return row.amount * row.uses_per_code * row.codes_count


def pause(session: CabSession, rows: Sequence[PromoBatch], params: dict[str, Any], actor: Actor) -> str:
    for row in sorted(rows, key=lambda item: item.id):
        promo.pause(session, row.id, actor=actor)
    return _("Выпуск на паузе: активировать его коды нельзя.")


def resume(session: CabSession, rows: Sequence[PromoBatch], params: dict[str, Any], actor: Actor) -> str:
    for row in sorted(rows, key=lambda item: item.id):
        promo.resume(session, row.id, actor=actor)
    return _("Выпуск снова действует.")


def load_funnel(session: CabSession, row: PromoBatch) -> Mapping[str, Any]:
    """Issued, taken at least once, taken up to the limit."""
    touched, whole = session.execute(
        sa.select(
            sa.func.count().filter(PromoCode.used_count > 0),
            sa.func.count().filter(PromoCode.used_count >= PromoCode.uses_limit),
        ).where(PromoCode.batch_id == row.id)
    ).one()
    taken_back = promo.reversed_count(session, row.id)
    steps = [
        (_("Выпущено кодов"), row.codes_count),
        (_("Использованы хотя бы раз"), touched),
        (_("Использованы до конца"), whole),
    ]
    return {
        "steps": [{"name": name, "count": count} for name, count in steps],
        "whole": row.codes_count,
        "activations": row.activations_count,
        "reversed": taken_back,
        "credited": row.amount * (row.activations_count - taken_back),
        "budget": budget(row),
    }


def load_codes(session: CabSession, row: PromoBatch) -> Mapping[str, Any]:
    codes = session.scalars(
        sa.select(PromoCode).where(PromoCode.batch_id == row.id).order_by(PromoCode.id.desc()).limit(SHOWN_IN_TAB)
    )
    return {
        "table": table(CODE_COLUMNS, codes.all(), base="/admin/promo-codes"),
        "more": f"/admin/promo-codes/?batch={row.id}",
    }


def shown(row: PromoActivation, customer: str) -> dict[str, Any]:
    return {"row": row, "customer": customer, "code": tokens.group_code(row.code), "state": activation_state(row)}


def load_activations(session: CabSession, row: PromoBatch) -> Mapping[str, Any]:
    found = session.execute(
        sa.select(PromoActivation, Customer.name)
        .join(PromoCode, PromoCode.id == PromoActivation.code_id)
        .join(Customer, Customer.id == PromoActivation.customer_id)
        .where(PromoCode.batch_id == row.id)
        .order_by(PromoActivation.id.desc())
        .limit(SHOWN_IN_TAB)
    )
    return {"activations": [shown(activation, name) for activation, name in found]}


CODE_COLUMNS = (
    Column("code", _l("Промокод"), lambda row: tokens.group_code(row.code), kind="main", link=True),
    Column("used", _l("Активировано"), lambda row: f"{number(row.used_count)} / {number(row.uses_limit)}", kind="num"),
    Column("created_at", _l("Создан"), lambda row: moment(row.created_at), sort="created_at", kind="time"),
)


def _switched(state: PromoState) -> Any:
    return fixed(lambda: forecasts.switch_promos(state), field=_l("Статус"), values=BATCH_STATES)


class SupportPromos(ListView):
    spec = PROMO_BATCH
    face = "admin"
    slug = "promos"
    label = _l("Промокоды")
    group = theme.FINANCE
    icon = "ticket"
    permission = "promo.read"
    can_view_details = True
    columns = (
        Column("name", _l("Название"), lambda row: row.name, kind="main", link=True),
        Column("amount", _l("Номинал"), lambda row: money(row.amount), kind="money"),
        Column("codes_count", _l("Выпущено"), lambda row: number(row.codes_count), kind="num"),
        Column("activations_count", _l("Активировано"), lambda row: number(row.activations_count), kind="num"),
        Column("budget", _l("Бюджет"), lambda row: money(budget(row)), kind="money"),
        Column("expires_at", _l("До"), lambda row: last_day(row.expires_at), kind="time"),
        Column("state", _l("Статус"), lambda row: status(BATCH_STATES[batch_state(row)], TONES[batch_state(row)])),
        Column("created_at", _l("Создан"), lambda row: moment(row.created_at), sort="created_at", kind="time"),
    )
    filters = (FilterField("state", _l("Статус"), BATCH_STATES), FilterField("created", _l("Дата создания")))
    actions = (
        Action(
            "pause",
            _l("Поставить на паузу"),
            "promo.edit",
            icon="player-pause",
            perform=pause,
            preview=_switched(PromoState.PAUSED),
            question=_l("Поставить на паузу? Выбрано выпусков: %(count)s."),
            when=lambda row: row.state is PromoState.ACTIVE,
        ),
        Action(
            "resume",
            _l("Возобновить"),
            "promo.edit",
            icon="player-play",
            perform=resume,
            preview=_switched(PromoState.ACTIVE),
            when=lambda row: row.state is PromoState.PAUSED,
        ),
    )
    row_links = (
        RowLink(_l("Коды выпуска"), "list", lambda row: f"/admin/promo-codes/?batch={row.id}"),
        RowLink(
            _l("Загрузить коды"),
            "file-import",
            lambda row: f"/admin/load/promo-codes/?batch={row.id}",
            permission="promo.edit",
        ),
    )
    page_actions = (
        PageAction(_l("Выпустить промокоды"), "/admin/promos/new/", permission="promo.edit"),
        PageAction(_l("Все коды"), "/admin/promo-codes/", icon="list", primary=False),
    )
    tabs = (
        Tab("funnel", _l("Воронка"), "support/promo/funnel.html", load=load_funnel),
        Tab("codes", _l("Коды"), "support/promo/codes.html", load=load_codes),
        Tab("activations", _l("Активации"), "support/promo/activations.html", load=load_activations),
    )
    empty = Empty(_l("Промокодов ещё не выпускали"), "", "ticket")

    def name_of(self, row: Any) -> str:
        return str(row.name)

    @expose("/new/", methods=("GET", "POST"))
    @requires("promo.edit")
    def new_view(self) -> ResponseReturnValue:
        """Issue a batch of codes."""
        form = BatchForm(request.form)
        if request.method == "GET":
            form = BatchForm(data={"request_key": secrets.token_urlsafe(24), "uses_per_code": "1"})
            return self._new_page(form)
        try:
            values = read_batch(form)
            with unit_of_work(current_scope()) as session:
                made = promo.create_batch(session, **values, actor=current_actor())
        except DomainError as problem:
            at_fault = form._fields.get(problem.field or "", form.name)
            at_fault.errors = [errors.message(problem)]
            return self._new_page(form), problem.status
        done = ngettext("Выпущен %(num)s промокод.", "Выпущено %(num)s промокодов.", made.codes_count)
        flash(done, "success")
        return redirect(f"{self.url}/details/?id={made.id}&tab=codes", 303)

    def _new_page(self, form: BatchForm) -> str:
        crumbs = [{"url": f"{self.url}/", "name": self.name}, {"url": "", "name": _("Новый выпуск")}]
        return str(self.render("support/promo/new.html", form=form, target=f"{self.url}/new/", crumbs=crumbs))


class SupportPromoCodes(ListView):
    spec = PROMO_CODE
    face = "admin"
    slug = "promo-codes"
    label = _l("Коды")
    group = theme.FINANCE
    icon = "hash"
    permission = "promo.read"
    export_permission = "promo.export"
    menu_visible = False
    can_view_details = True
    search_label = _l("Промокод")
    columns = (
        CODE_COLUMNS[0],
        Column("batch", _l("Выпуск"), lambda row: link(f"/admin/promos/details/?id={row.batch_id}", row.batch.name)),
        Column("amount", _l("Номинал"), lambda row: money(row.batch.amount), kind="money"),
        *CODE_COLUMNS[1:],
    )
    filters = (
        FilterField("used", _l("Использование"), USES),
        FilterField("batch", _l("Выпуск"), lookup=PROMO_BATCHES),
        FilterField("customer", _l("Кто активировал"), lookup=CUSTOMERS),
        FilterField("created", _l("Дата создания")),
    )
    empty = Empty(_l("Кодов ещё нет"), _l("Они появятся, когда вы выпустите промокоды."), "hash")
    tabs = (
        Tab(
            "who", _l("Кто активировал"), "support/promo/activations.html", load=lambda session, row: who(session, row)
        ),
    )

    def name_of(self, row: Any) -> str:
        return tokens.group_code(row.code)


def who(session: CabSession, row: PromoCode) -> Mapping[str, Any]:
    """Customers who took the code, the latest first."""
    found = session.execute(
        sa.select(PromoActivation, Customer.name)
        .join(Customer, Customer.id == PromoActivation.customer_id)
        .where(PromoActivation.code_id == row.id)
        .order_by(PromoActivation.id.desc())
        .limit(SHOWN_IN_TAB)
    )
    return {"activations": [shown(activation, name) for activation, name in found]}


def last_day(expires_at: datetime | None) -> str:
    """The last day on which a code works: codes end at midnight after it."""
    return _("без срока") if expires_at is None else day(expires_at - timedelta(microseconds=1))


def read_batch(form: BatchForm) -> dict[str, Any]:
    """What the service takes. Raises Invalid with the field at fault."""
    key = (form.request_key.data or "")[:64] or secrets.token_urlsafe(24)
    try:
        amount = parse_amount(form.amount.data or "")
    except AmountError:
        raise Invalid("promo.amount", field="amount", limit=promo.AMOUNT_LIMIT) from None
    return {
        "name": form.name.data or "",
        "amount": amount,
        "count": _whole(form.count.data, "count"),
        "uses_per_code": _whole(form.uses_per_code.data, "uses_per_code"),
        "expires_at": _end_of(form.expires_at.data or ""),
        "request_key": key,
    }


def _whole(text: str | None, field: str) -> int:
    digits = "".join((text or "").split())
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise Invalid("promo.bad_number", field=field)
    return int(digits)


def _end_of(text: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        last = read_date(text.strip(), "expires_at")
    except BadValue:
        raise Invalid("promo.bad_date", field="expires_at") from None
    return datetime.combine(last + timedelta(days=1), time(), DEFAULT_ZONE)


def support_views() -> list[ListView]:
    return [SupportPromos(), SupportPromoCodes()]


def cabinet_views() -> list[ListView]:
    return [CabinetPromo()]
