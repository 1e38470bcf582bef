"""Composing an invoice: the INN first, then the checked requisites and the sum. The same pages on both sides."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_limiter.errors import RateLimitExceeded
from wtforms import BooleanField, Form, HiddenField, StringField

from callcab.db import unit_of_work
from callcab.lib import tokens
from callcab.lib.errors import DomainError, Invalid
from callcab.providers.company import CompanyInfo, CompanyStatus
from callcab.services import company, invoice
from callcab.services.company import Buyer
from callcab.web import errors
from callcab.web.access import current_actor, current_scope
from callcab.web.database import db
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.limits import limiter
from callcab.web.listing import ListView

# Each question to a register costs somebody money (AC-55).
LOOK_UPS = "20 per minute"
INN_INPUT = {"required": True, "maxlength": 30, "inputmode": "numeric", "autocomplete": "off", "spellcheck": "false"}
# How loud a notice about the payer is; what is not listed is a plain hint.
TONES = {
    "company.unavailable": "warn",
    "company.too_often": "warn",
    "company.liquidating": "warn",
    "company.reorganizing": "warn",
    "company.bankrupt": "warn",
    "company.liquidated": "bad",
}


def _line(label: Any, limit: int, *, required: bool = False, hint: Any = "") -> StringField:
    attributes: dict[str, Any] = {"maxlength": limit, "autocomplete": "off"}
    return StringField(label, description=hint, render_kw=attributes | ({"required": True} if required else {}))


class InnForm(Form):
    inn = StringField(_l("Введите ИНН"), render_kw=INN_INPUT)


class ComposeForm(Form):
    inn = StringField(_l("ИНН плательщика"), render_kw=INN_INPUT)
    kpp = _line(_l("КПП"), 30, hint=_l("У предпринимателя оставьте пустым."))
    name = _line(_l("Плательщик"), company.NAME_LIMIT, required=True)
    address = _line(_l("Адрес"), company.ADDRESS_LIMIT)
    ogrn = _line(_l("ОГРН или ОГРНИП"), 30)
    head = _line(_l("Руководитель"), company.HEAD_LIMIT)
    basis = _line(_l("Основание"), invoice.BASIS_LIMIT, hint=_l("Например, номер договора. Можно не заполнять."))
    amount = StringField(
        _l("Сумма, ₽"), render_kw={"required": True, "maxlength": 20, "inputmode": "decimal", "autocomplete": "off"}
    )
    request_key = HiddenField()
    status = HiddenField()
    confirmed = BooleanField(_l("Счёт всё равно нужен"))


class Composing:
    """The two steps for one customer; ``view`` is the list that they belong to."""

    def __init__(
        self, view: ListView, customer_id: int, *, fixed: Mapping[str, Any] | None = None, owner: str = ""
    ) -> None:
        self.view = view
        self.owner = owner
        self.customer_id = customer_id
        # Goes along with every step: for which customer support composes.
        self.fixed = dict(fixed or {})

    @property
    def target(self) -> str:
        return f"{self.view.url}/compose/" + (f"?{urlencode(self.fixed)}" if self.fixed else "")

    def answer(self) -> ResponseReturnValue:
        """Answer the page: GET asks for the INN or offers the form, POST issues the invoice."""
        if request.method == "POST":
            return self._issue(ComposeForm(request.form))
        if "inn" not in request.args:
            return self.ask_inn(InnForm())
        return self._offer(_typed("inn"), _typed("kpp"))

    def ask_inn(self, form: InnForm, status: int = 200) -> ResponseReturnValue:
        """The first step, with the payers of earlier invoices as buttons."""
        page = self._page("cabinet/invoices/inn.html", inn_form=form, earlier=self.earlier())
        return page, status

    def earlier(self) -> Sequence[CompanyInfo]:
        return company.earlier(db.session(), self.customer_id)

    def _offer(self, inn: str, kpp: str) -> ResponseReturnValue:
        try:
            found, notice = self._look_up(inn)
        except Invalid as problem:
            form = InnForm(data={"inn": inn})
            form.inn.errors = [errors.message(problem)]
            return self.ask_inn(form, problem.status)
        chosen = next((item for item in found if item.kpp == kpp), found[0] if found else None)
        data: dict[str, Any] = {"inn": inn}
        if chosen:
            data = {name: getattr(chosen, name) for name in CompanyInfo.__slots__}
            data["status"] = chosen.status.value
            if chosen.status is not CompanyStatus.ACTIVE:
                notice = f"company.{chosen.status.value}"
        data["request_key"] = tokens.random_token()
        others = found if len(found) > 1 else ()
        return self._form_page(ComposeForm(data=data), notice=notice, others=others, chosen=chosen)

    def _look_up(self, inn: str) -> tuple[Sequence[CompanyInfo], str]:
        company.check_inn(inn)
        try:
            with limiter.limit(LOOK_UPS, key_func=lambda: f"company:{self.customer_id}"):
                return company.look_up(db.session(), self.customer_id, inn)
        except RateLimitExceeded:
            return (), "company.too_often"

    def _issue(self, form: ComposeForm) -> ResponseReturnValue:
        try:
            amount = self._amount(form)
            with unit_of_work(current_scope()) as session:
                made = invoice.issue(
                    session,
                    customer_id=self.customer_id,
                    buyer=Buyer(**{name: form[name].data or "" for name in Buyer.__slots__}),
                    amount=amount,
                    basis=form.basis.data or "",
                    request_key=form.request_key.data or "",
                    actor=current_actor(),
                )
        except DomainError as problem:
            return self._refused(form, problem)
        return redirect(f"{self.view.url}/?issued={made.id}", 303)

    def _amount(self, form: ComposeForm) -> Any:
        """The sum. The requisites are checked first, so that errors come in the order of the fields."""
        company.check(Buyer(**{name: form[name].data or "" for name in Buyer.__slots__}))
        amount = invoice.read_amount(form.amount.data or "")
        if form.status.data == CompanyStatus.LIQUIDATED and not form.confirmed.data:
            raise Invalid("company.confirm", field="confirmed")
        return amount

    def _refused(self, form: ComposeForm, problem: DomainError) -> ResponseReturnValue:
        sentence = errors.message(problem)
        at_fault = form._fields.get(problem.field or "")
        if at_fault is not None:
            at_fault.errors = [sentence]
            sentence = ""
        page = self._form_page(form, problem=sentence)
        return page, problem.status

    def _form_page(self, form: ComposeForm, *, notice: str = "", **more: Any) -> str:
        liquidated = form.status.data == CompanyStatus.LIQUIDATED
        context = {
            "problem": "",
            "others": (),
            "chosen": None,
            "notice_text": str(errors.TEXTS[notice]) if notice else "",
            "notice_tone": TONES.get(notice, "info"),
            "hidden": ("request_key", "status", *(() if liquidated else ("confirmed",))),
            **more,
        }
        return self._page("cabinet/invoices/compose.html", form=form, **context)

    def offer_url(self, payer: CompanyInfo) -> str:
        """Where the form is filled with this payer."""
        return f"{self.view.url}/compose/?" + urlencode({**self.fixed, "inn": payer.inn, "kpp": payer.kpp})

    def _page(self, template: str, **context: Any) -> str:
        crumbs = [{"url": f"{self.view.url}/", "name": self.view.name}, {"url": "", "name": _("Составление счёта")}]
        return str(self.view.render(template, composing=self, crumbs=crumbs, **context))


def _typed(name: str) -> str:
    return request.args.get(name, "").replace("\x00", "")[:100]
