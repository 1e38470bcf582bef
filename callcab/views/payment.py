"""«История платежей» of a customer; all payments for support, who record, correct and reverse them."""

from decimal import Decimal
from typing import Any

from flask import flash, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import ngettext
from wtforms import Form, HiddenField, SelectField, StringField
from wtforms.validators import DataRequired, Length

from callcab.db import CabSession, unit_of_work
from callcab.lib import money as sums
from callcab.lib import tokens
from callcab.lib.errors import DomainError, Invalid
from callcab.lib.receipt import safe_link
from callcab.models import Payment, PaymentKind, PaymentMethod
from callcab.scope import Actor
from callcab.services import forecasts, payment
from callcab.services.specs.payment import PAYMENT, PAYMENT_SUPPORT
from callcab.views.lookups import CUSTOMERS
from callcab.web import errors, theme
from callcab.web.access import current_actor, current_scope, requires
from callcab.web.database import db
from callcab.web.formatters import DASH, link, moment, money, status
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import Action, Column, Empty, FilterField, ListView, PageAction, fixed
from callcab.web.listing.acting import go
from callcab.web.texts.payment import TEXTS

KINDS = {item: TEXTS[payment.KINDS[item.value]] for item in PaymentKind}
METHODS = {item: TEXTS[payment.METHODS[item.value]] for item in PaymentMethod}
# What support records by hand; promo codes and reversals make their payments themselves.
BY_HAND = (PaymentMethod.CARD, PaymentMethod.SBP, PaymentMethod.INVOICE, PaymentMethod.MANUAL)


class ReasonForm(Form):
    reason = StringField(_l("Причина"), [DataRequired(TEXTS["payment.reason"]), Length(max=payment.REASON_LIMIT)])


class MoneyForm(Form):
    """What both forms ask; the key makes a form that is sent twice one payment (F-20)."""

    key = HiddenField()
    customer = StringField(
        _l("Клиент"),
        description=_l("Начните вводить название или введите номер клиента."),
        render_kw={
            "required": True,
            "maxlength": 200,
            "autocomplete": "off",
            "list": "payment-customers",
            "data-lookup": "/admin/payments/lookup/?field=customer",
        },
    )
    amount = StringField(
        _l("Сумма, ₽"), render_kw={"required": True, "inputmode": "decimal", "maxlength": 30, "autocomplete": "off"}
    )


class RecordForm(MoneyForm):
    method = SelectField(_l("Метод оплаты"), choices=[(item.value, METHODS[item]) for item in BY_HAND])
    receipt_url = StringField(_l("Ссылка на чек"), render_kw={"maxlength": 2000, "inputmode": "url"})
    external_id = StringField(
        _l("Номер операции в банке"),
        description=_l("Если указан, второй платёж с этим номером записать нельзя."),
        render_kw={"maxlength": payment.EXTERNAL_ID_LIMIT},
    )


class CorrectForm(MoneyForm):
    reason = StringField(_l("Причина"), render_kw={"required": True, "maxlength": payment.REASON_LIMIT})


def receipt_cell(row: Payment) -> Any:
    """A link that tells nothing to the other side; a dash for what must not be clickable (rules P3, P5)."""
    url = safe_link(row.receipt_url)
    if url is None:
        return DASH
    return link(url, _("Чек"), outside=True)


def kind_cell(row: Payment) -> Any:
    if row.reverses_id is not None:
        return _("Сторно")
    return status(_("%(kind)s, сторнировано", kind=KINDS[row.kind]), "warn") if row.is_reversed else KINDS[row.kind]


def customer_cell(row: Payment) -> Any:
    return link(f"/admin/clients/details/?id={row.customer_id}", row.customer.name)


CREATED = Column("created_at", _l("Дата создания"), lambda row: moment(row.created_at), sort="created_at", kind="time")
AMOUNT = Column("amount", _l("Сумма"), lambda row: money(row.amount), sort="amount", kind="money")
OTHERS = (
    Column("tariff", _l("Тариф"), lambda row: row.tariff_name),
    Column("kind", _l("Тип"), kind_cell),
    Column("method", _l("Метод оплаты"), lambda row: METHODS[row.method]),
    Column("receipt", _l("Ссылка на чек"), receipt_cell),
)
FILTERS = (
    FilterField("created", _l("Дата создания")),
    FilterField("kind", _l("Тип"), KINDS),
    FilterField("method", _l("Метод оплаты"), METHODS),
)


class PaymentList(ListView):
    """What both sides share."""

    slug = "payments"
    group = theme.FINANCE
    icon = "receipt"
    permission = "payment.read"
    export_permission = "payment.export"
    search_label = _l("Поиск по сумме")

    def name_of(self, row: Any) -> str:
        return _("Платёж № %(number)s", number=row.id)


class CabinetPayments(PaymentList):
    spec = PAYMENT
    face = "cabinet"
    label = _l("История платежей")
    columns = (CREATED, AMOUNT, *OTHERS)
    filters = FILTERS
    empty = Empty(_l("Платежей пока нет"), _l("Выставьте счёт или активируйте промокод."), "receipt")


def reverse_rows(session: CabSession, rows: list[Any], params: dict[str, Any], actor: Actor) -> str:
    """«Сторно»: all of the chosen payments or, when the rules refuse one, none."""
    # In one order for everybody: two such actions wait for each other, never in a ring.
    for row in sorted(rows, key=lambda item: (item.customer_id, item.id)):
        payment.reverse(session, row.id, reason=params.get("reason") or "", actor=actor)
    return ngettext("Сторнирован %(num)s платёж.", "Сторнировано платежей: %(num)s.", len(rows))


class SupportPayments(PaymentList):
    spec = PAYMENT_SUPPORT
    face = "admin"
    label = _l("Платежи")
    columns = (CREATED, Column("customer", _l("Клиент"), customer_cell, kind="main"), AMOUNT, *OTHERS)
    filters = (*FILTERS, FilterField("customer", _l("Клиент"), lookup=CUSTOMERS))
    empty = Empty(_l("Платежей пока нет"), "", "receipt")
    page_actions = (
        PageAction(_l("Записать платёж"), "/admin/payments/new/", permission="payment.record"),
        PageAction(
            _l("Корректировка"), "/admin/payments/correct/", "edit", permission="payment.correct", primary=False
        ),
    )
    actions = (
        Action(
            "reverse",
            _l("Сторно"),
            "payment.reverse",
            icon="arrow-back-up",
            perform=reverse_rows,
            preview=fixed(forecasts.reverse_payments, sums={"money": _l("Балансы изменятся на")}),
            final=True,
            question=_l("Сторнировать платежей: %(count)s?"),
            note=_l("Деньги вернутся обратной проводкой, сами платежи останутся в списке."),
            fields=ReasonForm,
            danger=True,
            when=lambda row: row.reverses_id is None and not row.is_reversed,
        ),
    )

    @expose("/new/", methods=("GET", "POST"))
    @requires("payment.record")
    def new_view(self) -> ResponseReturnValue:
        """«Записать платёж»."""
        return self._money_page(RecordForm, _("Записать платёж"), record_payment)

    @expose("/correct/", methods=("GET", "POST"))
    @requires("payment.correct")
    def correct_view(self) -> ResponseReturnValue:
        """«Корректировка»: up, or down with a minus, and always with a reason."""
        return self._money_page(CorrectForm, _("Корректировка"), correct_balance)

    def _money_page(self, form_class: type[MoneyForm], title: str, save: Any) -> ResponseReturnValue:
        form = form_class(request.form)
        if request.method == "GET":
            form.key.data = tokens.random_token()
            form.customer.data = request.args.get("customer", "")
            return self._form(form, title)
        try:
            with unit_of_work(current_scope()) as session:
                row = save(session, form, current_actor())
                amount = row.amount
        except DomainError as problem:
            at_fault = form._fields.get(problem.field or "", form.amount)
            at_fault.errors = [errors.message(problem)]
            return self._form(form, title), problem.status
        flash(_("Записано: %(amount)s.", amount=money(amount)), "success")
        return go(f"{self.url}/")

    def _form(self, form: MoneyForm, title: str) -> str:
        crumbs = [{"url": f"{self.url}/", "name": self.name}, {"url": "", "name": title}]
        return self.render("support/payments/form.html", form=form, heading=title, target=request.path, crumbs=crumbs)


def record_payment(session: CabSession, form: RecordForm, actor: Actor) -> Payment:
    if form.method.data not in {item.value for item in BY_HAND}:
        raise Invalid("field.choice", field="method")
    return payment.record(
        session,
        customer_id=read_customer(form.customer.data),
        amount=read_amount(form.amount.data),
        method=PaymentMethod(form.method.data),
        receipt_url=_plain(form.receipt_url.data),
        external_id=_plain(form.external_id.data) or form_key(form),
        actor=actor,
    )


def correct_balance(session: CabSession, form: CorrectForm, actor: Actor) -> Payment:
    return payment.correct(
        session,
        customer_id=read_customer(form.customer.data),
        amount=read_amount(form.amount.data, signed=True),
        reason=_plain(form.reason.data),
        external_id=form_key(form),
        actor=actor,
    )


def form_key(form: MoneyForm) -> str:
    """The form's own key; a browser that dropped it gets a new one, which only costs the guard."""
    key = _plain(form.key.data)
    return f"form:{key if 0 < len(key) <= 64 else tokens.random_token()}"


def read_customer(text: str | None) -> int:
    """The customer of `12 · ООО «Ромашка»`, of a bare number, or of a name that only one has."""
    typed = _plain(text)
    number = typed.split("·")[0].strip()
    if number.isascii() and number.isdigit() and len(number) < 19:
        return int(number)
    found = CUSTOMERS.suggest(db.session(), typed) if typed else []
    exact = [item for item in found if item[1].casefold() == typed.casefold()] or found
    if len(exact) != 1:
        raise Invalid("payment.customer", field="customer")
    return exact[0][0]


def read_amount(text: str | None, *, signed: bool = False) -> Decimal:
    """The sum as typed, nothing rounded (AC-50)."""
    typed = _plain(text)
    negative = signed and typed[:1] in ("-", "\u2212")
    try:
        amount = sums.parse_amount(typed[1:] if negative else typed.removeprefix("+") if signed else typed)
    except sums.AmountError as error:
        code = {"too_many_decimals": "payment.fraction", "negative": "payment.not_positive"}
        raise Invalid(code.get(error.reason, "payment.bad_amount"), field="amount") from None
    return -amount if negative else amount


def _plain(text: str | None) -> str:
    return (text or "").replace("\x00", "").strip()


def support_views() -> list[ListView]:
    return [SupportPayments()]


def cabinet_views() -> list[ListView]:
    return [CabinetPayments()]
