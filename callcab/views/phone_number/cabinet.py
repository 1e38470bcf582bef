"""Outgoing numbers of a customer, and the card of the call that proves his own."""

from typing import Any

import sqlalchemy as sa
from flask import abort, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import ngettext
from wtforms import Form, StringField

from callcab.db import CabSession, unit_of_work
from callcab.lib import clock
from callcab.lib.errors import DomainError
from callcab.models import NumberKind, NumberState, PhoneNumber, Verification
from callcab.providers import telephony
from callcab.scope import Scope
from callcab.services import verification as verifications
from callcab.services.phone_number import forecasts
from callcab.services.specs.phone_number import CABINET_NUMBER
from callcab.services.verification.limits import PER_NUMBER_DAY
from callcab.views.phone_number import tabs
from callcab.views.phone_number.renting import Renting, is_rented, may_rent
from callcab.web import errors, live, theme
from callcab.web import telephony_words as words
from callcab.web.access import current_actor, current_customer_id, requires
from callcab.web.database import db
from callcab.web.formatters import moment, phone
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import (
    NUMBER_HINT,
    Action,
    Column,
    Empty,
    FilterField,
    ListView,
    PageAction,
    RowLink,
    Tab,
    fixed,
)

# Whether the robot may ring counts over all customers, so asking for a call is the machine's business.
SYSTEM = Scope.system("verification events")
FILTERS = (
    FilterField("kind", _l("Тип"), words.KIND_FILTER),
    FilterField("state", _l("Статус"), words.STATE_FILTER),
    FilterField("created", _l("Дата создания")),
)


def needs_proof(number: PhoneNumber) -> bool:
    if number.kind is not NumberKind.PERSONAL:
        return False
    return number.state in (NumberState.PENDING, NumberState.FAILED) or verifications.may_renew(number, clock.now())


class NumberForm(Form):
    phone = StringField(
        _l("Номер телефона"),
        description=_l("Например, +7 (925) 394-45-77. Мобильный или городской номер России."),
        render_kw={"required": True, "maxlength": 40, "inputmode": "tel", "autocomplete": "tel", "placeholder": "+7"},
    )


class CabinetNumber(Renting, ListView):
    """Numbers that the customer may call from, and his own."""

    spec = CABINET_NUMBER
    search_hint = NUMBER_HINT
    face = "cabinet"
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
        Column("kind", _l("Тип"), words.number_kind_cell),
        Column("state", _l("Статус"), words.number_status),
        Column("busy_at", _l("Был занят"), lambda row: moment(row.busy_at), kind="time"),
        Column("rented_until", _l("Аренда до"), lambda row: moment(row.rented_until), kind="time"),
    )
    filters = FILTERS
    row_links = (
        RowLink(
            _l("Взять в аренду"),
            "calendar-event",
            lambda row: f"/cabinet/numbers/rent/?id={row.id}",
            permission="number.rent",
            when=lambda row: may_rent(row) and not is_rented(row),
        ),
        RowLink(
            _l("Продлить аренду"),
            "calendar-event",
            lambda row: f"/cabinet/numbers/rent/?id={row.id}",
            permission="number.rent",
            when=lambda row: may_rent(row) and is_rented(row),
        ),
        RowLink(
            _l("Подтвердить звонком"),
            "phone-call",
            lambda row: f"/cabinet/numbers/check/?id={row.id}",
            permission="number.verify",
            when=needs_proof,
        ),
        RowLink(_l("Входящие"), "phone-incoming", lambda row: f"/cabinet/inbound/?search={row.phone}", "call.read"),
    )
    actions = (
        Action(
            "delete",
            _l("Удалить"),
            "number.delete",
            icon="trash",
            operation="number.delete_own",
            preview=fixed(forecasts.delete_own),
            question=lambda count: ngettext("Удалить %(num)s личный номер?", "Удалить личные номера: %(num)s?", count),
            danger=True,
            when=lambda row: row.kind is NumberKind.PERSONAL and row.state is not NumberState.BLOCKED,
        ),
    )
    page_actions = (
        PageAction(_l("Создать исходящий номер"), "/cabinet/numbers/new/", "phone-plus", permission="number.create"),
    )
    empty = Empty(
        _l("Номеров пока нет"), _l("Добавьте свой номер: при перезвоне абоненты попадут на вас."), "device-mobile"
    )

    tabs = (
        Tab("rentals", _l("Аренда"), "cabinet/numbers/rentals.html", tabs.rentals(tabs.CABINET)),
        Tab("leases", _l("Занятость"), "cabinet/numbers/tab.html", tabs.leases(tabs.CABINET)),
        Tab("log", _l("Журнал"), "support/numbers/log.html", tabs.history(tabs.CABINET)),
    )

    def name_of(self, row: Any) -> str:
        return phone(row.phone)

    def facts_of(self, row: PhoneNumber) -> list[tuple[Any, Any]]:
        facts = [(column.label, column.cell(row)) for column in self.columns if column.key != "rented_until"]
        facts += tabs.holder_facts(tabs.CABINET, row, current_customer_id())
        if row.customer_id is not None:
            facts.append((_("Дозвон"), tabs.health_text(row)))
        return facts

    @expose("/new/", methods=("GET", "POST"))
    @requires("number.create")
    def new_view(self) -> ResponseReturnValue:
        """The page «Создание исходящего номера»; what was typed stays when it is refused."""
        form = NumberForm(request.form or None)
        if request.method == "POST":
            try:
                with unit_of_work(SYSTEM) as session:
                    attempt = verifications.request(
                        session,
                        customer_id=current_customer_id() or 0,
                        text=form.phone.data or "",
                        actor=current_actor(),
                    )
                return redirect(f"{self.url}/check/?id={attempt.number_id}", 303)
            except DomainError as problem:
                form.phone.errors = [errors.message(problem)]
        crumbs = [{"url": f"{self.url}/", "name": self.name}, {"url": "", "name": _("Создание исходящего номера")}]
        page = self.render("cabinet/numbers/new.html", form=form, crumbs=crumbs, health=telephony.provider().health())
        return page, 422 if form.phone.errors else 200

    @expose("/check/")
    def check_view(self) -> ResponseReturnValue:
        """The live verification card of a personal number."""
        number = self._own_number()
        crumbs = [{"url": f"{self.url}/", "name": self.name}, {"url": "", "name": phone(number.phone)}]
        return self.render("cabinet/numbers/check.html", crumbs=crumbs, **self._card(number))

    @expose("/card/")
    def card_view(self) -> ResponseReturnValue:
        """The card alone, fetched every second while the call goes on."""
        return self.render("cabinet/numbers/_card.html", **self._card(self._own_number()))

    @expose("/live/")
    def live_view(self) -> ResponseReturnValue:
        """Says when the card has changed."""
        number_id = self._own_number().id

        def look(session: CabSession) -> str | None:
            newest = sa.select(Verification.id, Verification.state).where(Verification.number_id == number_id)
            row = session.execute(newest.order_by(Verification.id.desc()).limit(1)).first()
            return f"{row.id}:{row.state.value}" if row is not None and row.state.is_open else None

        return live.stream(look)

    @expose("/call/", methods=("POST",))
    @requires("number.verify")
    def call_view(self) -> ResponseReturnValue:
        """«Позвонить ещё раз»."""
        number = self._own_number(request.form.get("id", ""))
        try:
            with unit_of_work(SYSTEM) as session:
                verifications.start(
                    session, number_id=number.id, customer_id=current_customer_id() or 0, actor=current_actor()
                )
        except DomainError as problem:
            errors.flash_error(problem)
        return redirect(f"{self.url}/check/?id={number.id}", 303)

    def _own_number(self, number_id: str | None = None) -> PhoneNumber:
        number = self.row_or_404(request.args.get("id", "") if number_id is None else number_id)
        if number.kind is not NumberKind.PERSONAL:
            abort(404)
        return number

    def _card(self, number: PhoneNumber) -> dict[str, Any]:
        # Number and attempt as of one moment: the call may end between two questions.
        number, attempt = db.session.execute(
            sa.select(PhoneNumber, Verification)
            .outerjoin(Verification, Verification.number_id == PhoneNumber.id)
            .where(PhoneNumber.id == number.id)
            .order_by(Verification.id.desc())
            .limit(1)
            .execution_options(populate_existing=True)
        ).one()
        now = clock.now()
        left, again_at = PER_NUMBER_DAY, None
        if attempt is not None and not attempt.state.is_open:
            with unit_of_work(SYSTEM) as session:
                left = verifications.attempts_left(session, attempt, now=now)
                again_at = verifications.retry_at(session, attempt, now=now)
        return {
            "number": number,
            "attempt": attempt,
            "seconds_left": max(0, int((attempt.deadline_at - now).total_seconds())) if attempt else 0,
            "failure": words.FAILURES.get(attempt.outcome, "") if attempt and attempt.outcome else "",
            "renewable": verifications.may_renew(number, now),
            "attempts_left": left,
            "again_at": again_at,
            "health": telephony.provider().health(),
            "health_text": errors.TEXTS.get(telephony.provider().health().code, ""),
            "simulated": telephony.provider().name == "simulator",
        }
