"""«Входящие»: who called our numbers, whom he reached and how it ended."""

from typing import Any

import sqlalchemy as sa

from callcab.models import CallEvent, InboundAction, InboundCall, Outcome
from callcab.services.specs.inbound_call import INBOUND_CALL
from callcab.views.call_why import why_link
from callcab.views.lookups import CAMPAIGNS, CUSTOMERS
from callcab.views.verification import event_line
from callcab.web import telephony_words as words
from callcab.web import theme
from callcab.web.formatters import duration, link, moment, phone
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import NUMBER_HINT, Column, Empty, FilterField, ListView, Tab
from callcab.web.texts.inbound_call import TEXTS

# The same outcomes as of our own calls, from the other side.
ENDS = {
    Outcome.COMPLETED: _l("Поговорили"),
    Outcome.NO_ANSWER: _l("Владелец не ответил"),
    Outcome.BUSY: _l("Владелец занят"),
    Outcome.REJECTED: _l("Владелец отклонил звонок"),
}


def caller_of(row: InboundCall) -> Any:
    return phone(row.phone) if row.phone else _("Скрыт")


def ended(row: InboundCall) -> Any:
    """How the call ended; nothing while it goes on, and for one that was not taken."""
    if row.outcome is None or row.action is InboundAction.REFUSE:
        return None
    if row.action is InboundAction.CONNECT and row.outcome in ENDS:
        return ENDS[row.outcome]
    return words.OUTCOMES[row.outcome.value][0]


def load_events(session: Any, row: InboundCall) -> dict[str, Any]:
    """What the line told about this call."""
    statement = sa.select(CallEvent).where(CallEvent.inbound_call_id == row.id).order_by(CallEvent.at, CallEvent.id)
    return {"events": [event_line(item) for item in session.scalars(statement)]}


class InboundList(ListView):
    """What both sides share."""

    spec = INBOUND_CALL
    search_hint = NUMBER_HINT
    slug = "inbound"
    label = _l("Входящие")
    group = theme.TELEPHONY
    icon = "phone-incoming"
    permission = "call.read"
    export_permission = "call.export"
    can_view_details = True
    columns: Any = (
        Column("created_at", _l("Дата создания"), lambda row: moment(row.created_at), "created_at", "time"),
        Column("phone", _l("Кто звонил"), caller_of, kind="main phone", link=True),
        Column("to_phone", _l("На номер"), lambda row: phone(row.to_phone), kind="phone"),
        Column("campaign", _l("Рассылка"), lambda row: row.campaign.name if row.campaign else None),
        Column("action", _l("Что сделано"), words.inbound_done),
        Column("digits", _l("Нажато"), lambda row: row.digits),
        Column("outcome", _l("Итог"), ended),
        Column("seconds", _l("Разговор"), lambda row: duration(row.seconds), kind="num"),
    )
    filters: Any = (
        FilterField(
            "action", _l("Что сделано"), {item.value: TEXTS[f"inbound_action.{item.value}"] for item in InboundAction}
        ),
        FilterField("campaign", _l("Рассылка"), lookup=CAMPAIGNS),
        FilterField("created", _l("Дата создания")),
    )
    tabs = (Tab("events", _l("События"), "support/numbers/log.html", load_events),)
    empty = Empty(
        _l("Входящих пока нет"), _l("Здесь будут звонки на номера, с которых звонят рассылки."), "phone-incoming"
    )

    def name_of(self, row: Any) -> str:
        return str(caller_of(row))

    def facts_of(self, row: Any) -> list[tuple[Any, Any]]:
        return [
            *((column.label, column.cell(row)) for column in self.columns),
            (_("Почему"), TEXTS[row.code]),
            (_("Ответ"), moment(row.answered_at)),
            (_("Конец"), moment(row.ended_at)),
        ]


class CabinetInbound(InboundList):
    face = "cabinet"
    row_links = (why_link("cabinet"),)


class SupportInbound(InboundList):
    row_links = (why_link("admin"),)
    columns = (
        *InboundList.columns[:3],
        Column("customer", _l("Клиент"), words.customer_link),
        Column(
            "campaign",
            _l("Рассылка"),
            lambda row: (
                link(f"/admin/campaigns/details/?id={row.campaign_id}", row.campaign.name) if row.campaign else None
            ),
        ),
        *InboundList.columns[4:],
    )
    filters = (*InboundList.filters, FilterField("customer", _l("Клиент"), lookup=CUSTOMERS))


def support_views() -> list[ListView]:
    return [SupportInbound()]


def cabinet_views() -> list[ListView]:
    return [CabinetInbound()]
