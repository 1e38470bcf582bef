"""Renting a number for oneself with the price in sight, and letting a rental go on by itself."""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import ngettext
from wtforms import BooleanField, HiddenField, RadioField
from wtforms.widgets import HiddenInput

from callcab.db import unit_of_work
from callcab.lib.errors import Conflict, DomainError
from callcab.models import Customer, NumberKind, NumberState, PhoneNumber
from callcab.scope import Scope
from callcab.services import phone_number as numbers
from callcab.services.phone_number.rental import PERIODS, Offer, days_price, offers, rent_days
from callcab.web import errors
from callcab.web.access import current_actor, current_customer_id, current_scope, requires
from callcab.web.database import db
from callcab.web.formatters import day, moment, money, phone
from callcab.web.forms import Form
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l

# A customer may not write the pool's rows: the service takes a number for him alone, at the price he saw.
SYSTEM = Scope.system("number rentals")


class RentForm(Form):
    """``seen`` holds what the prices on the page were reckoned from; another one at the submission is refused."""

    days = RadioField(_l("На сколько"), coerce=int)
    prolong = BooleanField(_l("Продлевать автоматически на такой же срок, пока хватает денег"))
    seen = HiddenField(widget=HiddenInput())


def may_rent(row: PhoneNumber) -> bool:
    """Whether this customer could rent the number now, or prolong his rental of it."""
    if row.kind is not NumberKind.SHARED or row.state is NumberState.BLOCKED:
        return False
    held = row.open_lease
    mine = held is not None and held.customer_id == current_customer_id()
    return row.state is NumberState.FREE or mine or row.rented_until is not None


def is_rented(row: PhoneNumber) -> bool:
    return row.rented_until is not None


def period_label(offer: Offer) -> str:
    days = ngettext("%(num)s день", "%(num)s дней", offer.days)
    return _("%(days)s — %(price)s, до %(until)s", days=days, price=money(offer.price), until=day(offer.until))


class Prolonging:
    """The door that switches «продлевать автоматически» of a rental; the scope says whose rental it may be."""

    @expose("/prolong/", methods=("POST",))
    @requires("number.rent")
    def prolong_view(self: Any) -> ResponseReturnValue:
        """Go on by so many days each time; an empty value means that the rental ends."""
        number = self.row_or_404(request.form.get("id", ""))
        chosen = request.form.get("days", "")
        days = int(chosen) if chosen in map(str, PERIODS) else None
        customer_id = self.customer_id()
        try:
            with unit_of_work(current_scope()) as session:
                numbers.set_prolonging(session, number.id, days, customer_id=customer_id, actor=current_actor())
            flash(_("Сохранено."), "success")
        except DomainError as problem:
            errors.flash_error(problem)
        return redirect(f"{self.url}/details/?id={number.id}&tab=rentals", 303)


class Renting(Prolonging):
    """The page «Аренда номера» of a customer."""

    @expose("/rent/", methods=("GET", "POST"))
    @requires("number.rent")
    def rent_view(self: Any) -> ResponseReturnValue:
        """Choose a period; each shows its price and its last moment before anything is charged."""
        number, customer = self._fresh(request.values.get("id", ""))
        form = RentForm(request.form or None)
        form.days.choices = [(offer.days, period_label(offer)) for offer in offers(number, customer.tariff)]
        if request.method == "GET":
            form.days.data = 30
            form.prolong.data = number.prolong_days is not None
            form.seen.data = seen_text(number, customer)
        elif form.validate():
            problem = self._rent(number, form)
            if problem is None:
                return redirect(f"{self.url}/details/?id={number.id}&tab=rentals", 303)
            form.days.errors = [problem]
            number, customer = self._fresh(number.id)
            form.days.choices = [(offer.days, period_label(offer)) for offer in offers(number, customer.tariff)]
            form.seen.data = seen_text(number, customer)
        crumbs = [{"url": f"{self.url}/", "name": self.name}, {"url": "", "name": phone(number.phone)}]
        page = self.render(
            "cabinet/numbers/rent.html", form=form, number=number, customer=customer, crumbs=crumbs,
            free=may_rent(number),
        )  # fmt: skip
        return page, 422 if form.errors else 200

    def _fresh(self: Any, number_id: Any) -> tuple[PhoneNumber, Customer]:
        """The number and its would-be renter as they are stored now."""
        db.session().refresh_view()
        number = self.row_or_404(str(number_id))
        if number.kind is not NumberKind.SHARED:
            abort(404)
        return number, db.session().get_one(Customer, current_customer_id())

    def _rent(self: Any, number: PhoneNumber, form: RentForm) -> str | None:
        """Rent the number as chosen; a sentence when it was refused."""
        customer_id, days = current_customer_id() or 0, form.days.data
        seen = read_seen(form.seen.data or "", days)
        if seen is None:
            return errors.message(Conflict("rental.changed"))
        rented = {"number_id": number.id, "customer_id": customer_id, "actor": current_actor()}
        try:
            with unit_of_work(SYSTEM) as session:
                until = rent_days(session, days=days, seen=seen, **rented).period.upper
                prolong = days if form.prolong.data else None
                numbers.set_prolonging(session, number.id, prolong, customer_id=customer_id, actor=current_actor())
        except DomainError as problem:
            return errors.message(problem)
        text = _("Номер ваш до %(until)s. Списано %(price)s.", until=moment(until), price=money(seen.price))
        flash(text, "success")
        return None


def seen_text(number: PhoneNumber, customer: Customer) -> str:
    until = number.rented_until.isoformat() if number.rented_until else "-"
    return f"{until} {customer.tariff.rental_day_price}"


def read_seen(text: str, days: int) -> numbers.Seen | None:
    """What ``seen_text`` wrote, for the chosen days; None for anything else."""
    try:
        until, price = text.split()
        moment_seen = None if until == "-" else datetime.fromisoformat(until)
        return numbers.Seen(moment_seen, days_price(Decimal(price), days))
    except (ValueError, InvalidOperation):
        return None
