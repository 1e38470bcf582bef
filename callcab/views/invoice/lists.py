"""Lists of invoices of both sides, the PDF, and what support does with an invoice."""

import logging
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from flask import Response, abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import ngettext
from markupsafe import Markup
from wtforms import EmailField, HiddenField, StringField, TextAreaField, validators

from callcab.db import CabSession, unit_of_work
from callcab.lib import tokens
from callcab.lib.errors import DomainError, Invalid, Unavailable
from callcab.lib.money import format_amount, format_number
from callcab.lib.pdf import PdfError
from callcab.models import Customer, Invoice, InvoiceLine, InvoiceState
from callcab.scope import Actor
from callcab.services import forecasts, invoice, invoice_letter, mail
from callcab.services.listing import decode_id, get_one
from callcab.services.specs.invoice import INVOICE, INVOICE_SUPPORT
from callcab.views.invoice.compose import Composing, InnForm
from callcab.views.lookups import CUSTOMERS
from callcab.web import errors, theme
from callcab.web.access import current_actor, current_customer_id, current_scope, may, requires
from callcab.web.database import db
from callcab.web.formatters import day, link, moment, money, status
from callcab.web.forms import Form
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import Action, Column, Empty, FilterField, ListView, RowLink, fixed, table

log = logging.getLogger(__name__)
STATES = {
    InvoiceState.ISSUED: _l("Выставлен"),
    InvoiceState.PARTLY_PAID: _l("Частично оплачен"),
    InvoiceState.PAID: _l("Оплачен"),
    InvoiceState.OVERDUE: _l("Просрочен"),
    InvoiceState.CANCELLED: _l("Отменён"),
}
TONES = {
    InvoiceState.ISSUED: "info",
    InvoiceState.PARTLY_PAID: "warn",
    InvoiceState.PAID: "good",
    InvoiceState.OVERDUE: "bad",
}


class ReasonForm(Form):
    reason = StringField(
        _l("Причина"),
        [validators.InputRequired(_l("Укажите причину."))],
        render_kw={"required": True, "maxlength": invoice.REASON_LIMIT},
    )


class PaidForm(Form):
    amount = StringField(
        _l("Пришло, ₽"), render_kw={"required": True, "maxlength": 20, "inputmode": "decimal", "autocomplete": "off"}
    )
    request_key = HiddenField()


class SendForm(Form):
    recipient = EmailField(
        _l("Кому"),
        description=_l("Пусто — на адрес клиента. Введите адрес, чтобы отправить плательщику."),
        render_kw={"maxlength": 254, "autocomplete": "off"},
    )
    subject = StringField(
        _l("Тема"),
        [validators.InputRequired(_l("Введите тему.")), validators.Length(max=150)],
        default=_l("Счёт № {number} от {date}"),
    )
    text = TextAreaField(
        _l("Текст"),
        [validators.InputRequired(_l("Введите текст.")), validators.Length(max=invoice_letter.TEXT_LIMIT)],
        default=_l("Здравствуйте!\n\nВо вложении счёт № {number} от {date} на сумму {total}. Оплатите его до {due}."),
        description=_l("Вместо {number}, {date}, {due} и {total} подставятся номер, даты и сумма каждого счёта."),
        render_kw={"rows": 6},
    )

    def validate_recipient(self, field: EmailField) -> None:
        if (field.data or "").strip() and not mail.is_address(field.data.strip()):
            raise validators.ValidationError(errors.message(Invalid("mail.recipient")))


def state_of(row: Invoice) -> Markup:
    """The status with its dot."""
    return status(STATES[row.state], TONES.get(row.state, ""))


def is_open(row: Invoice) -> bool:
    return row.state in invoice.OPEN_STATES


def may_cancel(row: Invoice) -> bool:
    return is_open(row) and not row.paid_total


def cancel(session: CabSession, rows: list[Invoice], params: dict[str, Any], actor: Actor) -> str:
    """Cancel ticked invoices, all or none."""
    reason = str(params.get("reason") or "")
    for row in sorted(rows, key=lambda item: item.id):
        invoice.cancel(session, row.id, customer_id=row.customer_id, reason=reason, actor=actor)
    return ngettext("Отменён %(num)s счёт.", "Отменено счетов: %(num)s.", len(rows))


def pay_in_full(session: CabSession, rows: list[Invoice], params: dict[str, Any], actor: Actor) -> str:
    """Credit what is left of ticked invoices, all or none."""
    for row in sorted(rows, key=lambda item: item.id):
        invoice.mark_paid(session, row.id, amount=invoice.left(row), actor=actor)
    return ngettext("Оплачен %(num)s счёт.", "Оплачено счетов: %(num)s.", len(rows))


CANCEL = Action(
    "cancel",
    _l("Аннулировать"),
    "invoice.cancel",
    icon="circle-x",
    perform=cancel,
    preview=fixed(forecasts.cancel_invoices, field=_l("Статус"), values=STATES, sums={"money": _l("На сумму")}),
    final=True,
    question=lambda count: ngettext(
        "Аннулировать %(num)s счёт? Номер останется занятым.",
        "Аннулировать счета (%(num)s)? Номера останутся занятыми.",
        count,
    ),
    fields=ReasonForm,
    danger=True,
    when=may_cancel,
)
NUMBER = Column("number", _l("№"), lambda row: str(row.number), kind="main")
CREATED = Column("created_at", _l("Дата создания"), lambda row: moment(row.created_at), sort="created_at", kind="time")
TOTAL = Column("total", _l("Сумма"), lambda row: money(row.total), kind="money")
STATE = Column("state", _l("Статус"), state_of)
FILTERS = (
    FilterField("state", _l("Статус"), STATES),
    FilterField("created", _l("Дата создания")),
    FilterField("amount", _l("Сумма")),
)


LINE_COLUMNS = (
    Column("name", _l("Название"), lambda line: line.name, kind="main"),
    Column("quantity", _l("Кол-во"), lambda line: f"{format_number(line.quantity)} {line.unit}", kind="num"),
    Column("price", _l("Цена"), lambda line: money(line.price), kind="money"),
    Column("vat_rate", _l("НДС"), lambda line: vat_of(line)),
    Column("total", _l("Сумма"), lambda line: money(line.total), kind="money"),
)


def vat_of(line: InvoiceLine) -> str:
    """`22 %, 21,64 ₽`."""
    if line.vat_rate is None:
        return _("без НДС")
    return f"{format_number(line.vat_rate)}\u00a0%, {money(line.vat)}"


class InvoiceList(ListView):
    """What both sides share: the PDF, and the notice after composing."""

    group = theme.FINANCE
    icon = "file-invoice"
    permission = "invoice.read"
    export_permission = "invoice.export"

    def name_of(self, row: Any) -> str:
        return _("Счёт № %(number)s", number=row.number)

    def pdf_url(self, row: Invoice) -> str:
        return f"{self.url}/pdf/?id={row.id}"

    def list_extras(self) -> dict[str, Any]:
        asked = request.args.get("issued", "")
        issued = get_one(db.session(), self.spec, asked, customer_id=self.customer_id()) if decode_id(asked) else None
        return {"issued": issued}

    @expose("/pdf/")
    def pdf_view(self) -> ResponseReturnValue:
        """The invoice as a file, always from its frozen copy (AC-51)."""
        row = self.row_or_404(request.args.get("id", ""))
        try:
            content, name, plain = invoice.pdf_file(row)
        except PdfError as problem:
            log.exception("an invoice can't be drawn", extra={"invoice": row.id, "reason": problem.reason})
            raise Unavailable("invoice.pdf") from problem
        answer = Response(content, mimetype="application/pdf")
        answer.headers["Content-Disposition"] = (
            f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
        )
        return answer


class CabinetInvoices(InvoiceList):
    """«Счета» of the customer, with the block that composes one."""

    spec = INVOICE
    face = "cabinet"
    slug = "invoices"
    label = _l("Счета")
    list_template = "cabinet/invoices/list.html"
    columns = (
        NUMBER,
        CREATED,
        TOTAL,
        STATE,
        Column("pdf", _l("Документ"), lambda row: link(f"/cabinet/invoices/pdf/?id={row.id}", _("Скачать"))),
    )
    filters = FILTERS
    actions = (replace(CANCEL, bulk=False),)
    search_label = _l("Номер, ИНН или плательщик")
    empty = Empty(_l("Счетов пока нет"), _l("Введите ИНН плательщика ниже: остальное подставится."), "file-invoice")

    def list_extras(self) -> dict[str, Any]:
        composing = Composing(self, current_customer_id() or 0) if may("invoice.compose") else None
        earlier = composing.earlier() if composing else ()
        return {**super().list_extras(), "composing": composing, "earlier": earlier, "inn_form": InnForm()}

    @expose("/compose/", methods=("GET", "POST"))
    @requires("invoice.compose")
    def compose_view(self) -> ResponseReturnValue:
        """Compose an invoice."""
        return Composing(self, current_customer_id() or 0).answer()


def customer_of(row: Invoice) -> Markup:
    return link(f"/admin/clients/details/?id={row.customer_id}", row.customer.name)


class SupportInvoices(InvoiceList):
    spec = INVOICE_SUPPORT
    face = "admin"
    slug = "invoices"
    label = _l("Счета")
    list_template = "support/invoices/list.html"
    details_template = "support/invoices/details.html"
    can_view_details = True
    columns = (
        Column("number", _l("№"), lambda row: str(row.number), kind="main", link=True),
        CREATED,
        Column("customer", _l("Клиент"), customer_of),
        Column("buyer_inn", _l("ИНН"), lambda row: row.buyer_inn),
        TOTAL,
        STATE,
        Column("paid", _l("Оплачен"), lambda row: paid_of(row)),
    )
    filters = (*FILTERS, FilterField("customer", _l("Клиент"), lookup=CUSTOMERS))
    actions = (
        Action(
            "paid_in_full",
            _l("Оплачены полностью"),
            "invoice.paid",
            icon="cash",
            perform=pay_in_full,
            preview=fixed(
                forecasts.pay_invoices, field=_l("Статус"), values=STATES, sums={"money": _l("Всего зачислится")}
            ),
            question=lambda count: ngettext(
                "Зачислить остаток по %(num)s счёту?", "Зачислить остатки по счетам (%(num)s)?", count
            ),
            row=False,
        ),
        Action(
            "send",
            _l("Отправить"),
            "invoice.send",
            icon="send",
            operation="invoice.send",
            preview=fixed(forecasts.send_invoices, sums={"money": _l("На сумму")}),
            question=lambda count: ngettext(
                "Отправить %(num)s счёт письмом?", "Отправить счета письмами (%(num)s)?", count
            ),
            fields=SendForm,
            when=lambda row: row.state is not InvoiceState.CANCELLED,
        ),
        Action(
            "archive",
            _l("PDF одним архивом"),
            "invoice.export",
            icon="file-type-pdf",
            operation="invoice.archive",
            row=False,
        ),
        CANCEL,
    )
    row_links = (
        RowLink(
            _l("Отметить оплаченным"),
            "cash",
            lambda row: f"/admin/invoices/paid/?id={row.id}",
            permission="invoice.paid",
            when=is_open,
        ),
        RowLink(_l("Скачать"), "file-type-pdf", lambda row: f"/admin/invoices/pdf/?id={row.id}"),
    )
    search_label = _l("Номер, ИНН или плательщик")
    empty = Empty(
        _l("Счетов пока нет"), _l("Счёт выписывает клиент или поддержка со страницы клиента."), "file-invoice"
    )

    open_states = invoice.OPEN_STATES

    def may_mark_paid(self) -> bool:
        return may("invoice.paid")

    def lines_table(self, row: Invoice) -> Markup:
        """What was invoiced, for the details."""
        return table(LINE_COLUMNS, row.lines)

    def facts_of(self, row: Any) -> list[tuple[Any, Any]]:
        facts = [
            (_("Статус"), state_of(row)),
            (_("Клиент"), customer_of(row)),
            (_("Дата создания"), moment(row.created_at)),
            (_("Оплатить до"), day(row.due_on)),
            (_("Сумма"), money(row.total)),
            (_("В том числе НДС"), money(row.vat_total) if row.vat_total else _("без НДС")),
            (_("Оплачено"), money(row.paid_total)),
            (_("Осталось"), money(invoice.left(row)) if is_open(row) else ""),
            (_("Плательщик"), row.buyer["name"]),
            (_("ИНН"), row.buyer_inn),
            (_("КПП"), row.buyer["kpp"]),
            (_("Адрес"), row.buyer["address"]),
            (_("Основание"), row.basis),
            (_("Отправлен письмом"), moment(row.sent_at)),
            (_("Получатель"), row.seller["name"]),
        ]
        if row.cancelled_at:
            facts += [(_("Отменён"), moment(row.cancelled_at)), (_("Причина"), row.cancel_reason)]
        return facts

    @expose("/compose/", methods=("GET", "POST"))
    @requires("invoice.compose")
    def compose_view(self) -> ResponseReturnValue:
        """Compose an invoice for a customer: ``?customer=``."""
        customer_id = decode_id(request.args.get("customer", ""))
        owner = db.session().get(Customer, customer_id) if customer_id else None
        if owner is None:
            abort(404)
        return Composing(self, owner.id, fixed={"customer": owner.id}, owner=owner.name).answer()

    @expose("/paid/", methods=("GET", "POST"))
    @requires("invoice.paid")
    def paid_view(self) -> ResponseReturnValue:
        """Credit what a transfer brought for an invoice; what is left is offered."""
        row = self.row_or_404(request.args.get("id", ""))
        if request.method == "GET":
            offered = {"amount": format_amount(invoice.left(row)), "request_key": tokens.random_token()}
            return self._paid_page(row, PaidForm(data=offered))
        form = PaidForm(request.form)
        try:
            with unit_of_work(current_scope()) as session:
                paid = invoice.mark_paid(
                    session,
                    row.id,
                    amount=invoice.read_amount(form.amount.data or ""),
                    actor=current_actor(),
                    external_id=f"form:{form.request_key.data}"[:80] if form.request_key.data else None,
                )
        except DomainError as problem:
            form.amount.errors = [errors.message(problem)]
            return self._paid_page(row, form), problem.status
        flash(_("Записано. Статус счёта: %(state)s.", state=STATES[paid.state]), "success")
        return redirect(f"{self.url}/details/?id={row.id}", 303)

    def _paid_page(self, row: Invoice, form: PaidForm) -> str:
        crumbs = [
            {"url": f"{self.url}/", "name": self.name},
            {"url": f"{self.url}/details/?id={row.id}", "name": self.name_of(row)},
            {"url": "", "name": _("Оплата")},
        ]
        return str(self.render("support/invoices/paid.html", form=form, row=row, left=invoice.left(row), crumbs=crumbs))


def paid_of(row: Invoice) -> Any:
    """When it was paid, or how much of it came so far."""
    if row.paid_at:
        return day(row.paid_at)
    return money(row.paid_total) if row.paid_total else ""
