"""Calls with their outcomes, and «почему (не) позвонили» by number."""

from typing import Any

import sqlalchemy as sa
from flask import request

from callcab.models import Call, CallbackRequest, CallEvent, Customer, Outcome
from callcab.services import call as calls
from callcab.services.specs.campaign import CALL
from callcab.views.call_why import WhyPages, answer, read_number, why_link, why_url
from callcab.views.lookups import CAMPAIGNS, CUSTOMERS
from callcab.views.verification import event_line
from callcab.web import telephony_words as words
from callcab.web import theme
from callcab.web.database import db
from callcab.web.formatters import duration, link, moment, money, phone
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import NUMBER_HINT, Column, Empty, FilterField, ListView, PageAction, Tab
from callcab.web.listing.address import first
from callcab.web.texts.call import TEXTS


def load_events(session: Any, row: Call) -> dict[str, Any]:
    """What the provider told about this call."""
    statement = sa.select(CallEvent).where(CallEvent.call_id == row.id).order_by(CallEvent.at, CallEvent.id)
    return {"events": [event_line(item) for item in session.scalars(statement)]}


def load_trace(session: Any, row: Call) -> dict[str, Any]:
    """The decision that was stored with the call."""
    return {"trace": words.trace_lines(row.decision)}


class CallList(WhyPages, ListView):
    """What both sides share."""

    spec = CALL
    search_hint = NUMBER_HINT
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
        FilterField("campaign", _l("Рассылка"), lookup=CAMPAIGNS),
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
            *self._callback(row),
        ]

    def _callback(self, row: Call) -> list[tuple[Any, Any]]:
        """The request that was left in this call."""
        found = db.session.scalar(sa.select(CallbackRequest).where(CallbackRequest.call_id == row.id))
        if found is None:
            return []
        url = f"{self.url.replace('calls', 'callbacks')}/?search={row.phone}"
        return [(_("Просил перезвонить"), link(url, words.CALLBACK_STATES[found.state][0]))]


class CabinetCall(CallList):
    face = "cabinet"
    list_template = "cabinet/calls/list.html"
    row_links = (why_link("cabinet"),)
    page_actions = (PageAction(_l("Почему не позвонили"), "/cabinet/calls/why/", "help-circle", primary=False),)

    def list_extras(self) -> dict[str, Any]:
        """Who looks for a whole number is told at once whether it may be called, also when it was never called."""
        typed = first(request.args, "search")
        phone, _problem = read_number(typed)
        customer = db.session.get(Customer, self.customer_id()) if phone else None
        if phone is None or customer is None:
            return {}
        return {"answer": answer(typed, customer), "why": why_url("cabinet", phone)}


class SupportCall(CallList):
    row_links = (why_link("admin"),)
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
    filters = (*CallList.filters, FilterField("customer", _l("Клиент"), lookup=CUSTOMERS))


def support_views() -> list[ListView]:
    return [SupportCall()]


def cabinet_views() -> list[ListView]:
    return [CabinetCall()]
