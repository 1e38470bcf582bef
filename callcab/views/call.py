"""Calls with their outcomes, and «почему (не) позвонили» by number."""

from typing import Any

import sqlalchemy as sa
from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from callcab.db import unit_of_work
from callcab.lib import clock
from callcab.lib import phone as phone_lib
from callcab.lib.errors import NotFound
from callcab.models import Call, CallEvent, Campaign, CampaignState, Contact, Customer, Outcome
from callcab.scope import Scope
from callcab.services import call as calls
from callcab.services import decision
from callcab.services.listing import decode_id
from callcab.services.specs.campaign import CALL
from callcab.views.phone_number.support import customers
from callcab.views.verification import event_line
from callcab.web import telephony_words as words
from callcab.web import theme
from callcab.web.access import current_customer_id
from callcab.web.database import db
from callcab.web.formatters import duration, link, moment, money, phone
from callcab.web.listing import Column, Empty, FilterField, ListView, PageAction, Tab
from callcab.web.texts.call import TEXTS

# The platform's list is past what one customer may see; the answer tells only whether a number is on it.
SYSTEM = Scope.system("decision")


def load_events(session: Any, row: Call) -> dict[str, Any]:
    """What the provider told about this call."""
    statement = sa.select(CallEvent).where(CallEvent.call_id == row.id).order_by(CallEvent.at, CallEvent.id)
    return {"events": [event_line(item) for item in session.scalars(statement)]}


def load_trace(session: Any, row: Call) -> dict[str, Any]:
    """The decision that was stored with the call."""
    return {"trace": words.trace_lines(row.decision)}


def campaigns(session: Any, text: str) -> list[tuple[int, str]]:
    """Suggestions of campaigns by name."""
    statement = sa.select(Campaign.id, Campaign.name).where(Campaign.name.icontains(text, autoescape=True))
    return [(row.id, row.name) for row in session.execute(statement.order_by(Campaign.id.desc()).limit(20))]


class CallList(ListView):
    """What both sides share."""

    spec = CALL
    slug = "calls"
    label = _l("Звонки")
    group = theme.TELEPHONY
    icon = "phone-outgoing"
    permission = "call.read"
    export_permission = "call.export"
    can_view_details = True
    columns: Any = (
        Column("created_at", _l("Дата создания"), lambda row: moment(row.created_at), "created_at", "time"),
        Column("phone", _l("Телефон"), lambda row: phone(row.phone), kind="main phone", link=True),
        Column("campaign", _l("Рассылка"), lambda row: row.campaign.name),
        Column("from_phone", _l("С номера"), lambda row: phone(row.from_phone), kind="phone"),
        Column("outcome", _l("Исход"), words.call_status),
        Column("digits", _l("Нажато"), lambda row: row.digits),
        Column("seconds", _l("Разговор"), lambda row: duration(row.seconds), kind="num"),
        Column("cost", _l("Стоимость"), lambda row: money(row.cost), kind="money"),
    )
    filters: Any = (
        FilterField("outcome", _l("Исход"), {item.value: words.OUTCOMES[item.value][0] for item in Outcome}),
        FilterField("campaign", _l("Рассылка"), lookup=campaigns),
        FilterField("created", _l("Дата создания")),
    )
    tabs = (
        Tab("events", _l("События"), "support/numbers/log.html", load_events),
        Tab("why", _l("Почему позвонили"), "cabinet/calls/trace.html", load_trace),
    )
    empty = Empty(_l("Звонков пока нет"), _l("Они появятся, когда начнётся рассылка."), "phone-outgoing")

    def name_of(self, row: Any) -> str:
        return phone(row.phone)

    def facts_of(self, row: Any) -> list[tuple[Any, Any]]:
        facts = [(column.label, column.cell(row)) for column in self.columns]
        if reason := calls.why_free(db.session, row):
            facts.append((_("Почему бесплатно"), TEXTS[reason]))
        return [
            *facts,
            (_("Попытка"), row.attempt),
            (_("Ответ"), moment(row.answered_at)),
            (_("Конец"), moment(row.ended_at)),
        ]

    @expose("/why/")
    def why_view(self) -> ResponseReturnValue:
        """Why a number is or is not called: what would be decided now, and what was decided before."""
        typed = request.args.get("phone", "").replace("\x00", "")[:100].strip()
        customer_id = self._whose()
        context: dict[str, Any] = {"typed": typed, "verdict": None, "trace": [], "calls": [], "contact": None}
        if typed and customer_id:
            context |= self._answer(typed, customer_id)
        context["customer_id"] = request.args.get("customer", "")
        crumbs = [{"url": f"{self.url}/", "name": self.name}, {"url": "", "name": _("Почему не позвонили")}]
        return self.render("cabinet/calls/why.html", crumbs=crumbs, words=words, **context)

    def _whose(self) -> int | None:
        return current_customer_id()

    def _answer(self, typed: str, customer_id: int) -> dict[str, Any]:
        made, contact = self._past(typed, customer_id)
        with unit_of_work(SYSTEM) as session:
            campaign = session.get(Campaign, contact.campaign_id) if contact else None
            if campaign is not None and campaign.state in (CampaignState.FINISHED, CampaignState.STOPPED):
                # Nothing of it is dialled any more: the question is about a new call.
                campaign = contact = None
            try:
                found = decision.decide(
                    session,
                    customer_id=customer_id,
                    phone=typed,
                    campaign=campaign,
                    now=clock.now(),
                    attempts=contact.attempts if contact else 0,
                )
            except NotFound:
                return {}
        return {
            "verdict": found,
            "headline": words.reason(found.code),
            "trace": words.trace_lines(found.stored()),
            "calls": made,
            "contact": contact,
            "campaign": campaign,
        }

    def _past(self, typed: str, customer_id: int) -> tuple[list[Call], Contact | None]:
        try:
            number = phone_lib.to_int(phone_lib.parse(typed).e164)
        except phone_lib.PhoneError:
            return [], None
        made = db.session.scalars(
            sa.select(Call)
            .where(Call.customer_id == customer_id, Call.phone == number)
            .order_by(Call.id.desc())
            .limit(20)
        ).all()
        contact = db.session.scalar(
            sa.select(Contact)
            .where(Contact.customer_id == customer_id, Contact.phone == number)
            .order_by(Contact.id.desc())
            .limit(1)
        )
        return list(made), contact


class CabinetCall(CallList):
    face = "cabinet"
    page_actions = (PageAction(_l("Почему не позвонили"), "/cabinet/calls/why/", "help-circle", primary=False),)


class SupportCall(CallList):
    page_actions = (PageAction(_l("Почему не позвонили"), "/admin/calls/why/", "help-circle", primary=False),)
    columns = (
        *CallList.columns[:2],
        Column("customer", _l("Клиент"), words.customer_link),
        Column(
            "campaign",
            _l("Рассылка"),
            lambda row: link(f"/admin/campaigns/details/?id={row.campaign_id}", row.campaign.name),
        ),
        *CallList.columns[3:],
    )
    filters = (*CallList.filters, FilterField("customer", _l("Клиент"), lookup=customers))

    def _whose(self) -> int | None:
        """The customer that was named: by id, or the only one whose lists hold the number."""
        named = decode_id(request.args.get("customer", "").strip() or "-")
        if named is not None:
            return named if db.session.get(Customer, named) else None
        try:
            number = phone_lib.to_int(phone_lib.parse(request.args.get("phone", "")).e164)
        except phone_lib.PhoneError:
            return None
        return db.session.scalar(
            sa.select(Contact.customer_id).where(Contact.phone == number).order_by(Contact.id.desc()).limit(1)
        )


def support_views() -> list[ListView]:
    return [SupportCall()]


def cabinet_views() -> list[ListView]:
    return [CabinetCall()]
