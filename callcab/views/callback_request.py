"""Requests to be called back, left by a digit of a campaign's menu."""

from collections.abc import Sequence
from typing import Any

from callcab.db import CabSession
from callcab.models import CallbackRequest, CallbackState
from callcab.scope import Actor
from callcab.services import callback_request, forecasts
from callcab.services.specs.callback_request import CALLBACK_REQUEST
from callcab.views.lookups import CAMPAIGNS, CUSTOMERS
from callcab.web import telephony_words as words
from callcab.web import theme
from callcab.web.formatters import link, moment, phone, status
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import NUMBER_HINT, Action, Column, Empty, FilterField, ListView, RowLink, fixed


def done(session: CabSession, rows: Sequence[CallbackRequest], params: dict[str, Any], actor: Actor) -> str:
    for row in sorted(rows, key=lambda item: item.id):
        callback_request.done(session, row.id, actor=actor)
    return _("Отмечено: перезвонили.")


def reopen(session: CabSession, rows: Sequence[CallbackRequest], params: dict[str, Any], actor: Actor) -> str:
    for row in sorted(rows, key=lambda item: item.id):
        callback_request.reopen(session, row.id, actor=actor)
    return _("Заявки снова новые.")


def call_of(row: CallbackRequest) -> str:
    """The address of the call it was left in, below the face's own."""
    if row.call_id is None:
        return f"inbound/details/?id={row.inbound_call_id}"
    return f"calls/details/?id={row.call_id}"


class CallbackList(ListView):
    """What both sides share."""

    spec = CALLBACK_REQUEST
    search_hint = NUMBER_HINT
    slug = "callbacks"
    label = _l("Заявки на звонок")
    group = theme.TELEPHONY
    icon = "phone-call"
    permission = "callback.read"
    export_permission = "callback.export"
    columns: Any = (
        Column("created_at", _l("Дата создания"), lambda row: moment(row.created_at), "created_at", "time"),
        Column("phone", _l("Телефон"), lambda row: phone(row.phone), kind="main phone"),
        Column("campaign", _l("Рассылка"), lambda row: row.campaign.name),
        Column("state", _l("Состояние"), lambda row: status(*words.CALLBACK_STATES[row.state])),
        Column("done_at", _l("Обработана"), lambda row: moment(row.done_at), kind="time"),
        Column("done_name", _l("Кто"), lambda row: row.done_name),
    )
    filters: Any = (
        FilterField(
            "state", _l("Состояние"), {state.value: text for state, (text, _tone) in words.CALLBACK_STATES.items()}
        ),
        FilterField("campaign", _l("Рассылка"), lookup=CAMPAIGNS),
        FilterField("created", _l("Дата создания")),
    )
    empty = Empty(
        _l("Заявок пока нет"),
        _l("Они появятся, когда человек нажмёт клавишу с действием «Записать заявку на звонок»."),
        "phone-call",
    )

    def name_of(self, row: Any) -> str:
        return phone(row.phone)


def _moved(state: CallbackState) -> Any:
    names = {key.value: text for key, (text, _tone) in words.CALLBACK_STATES.items()}
    return fixed(lambda: forecasts.move_requests(state), field=_l("Состояние"), values=names)


class CabinetCallback(CallbackList):
    face = "cabinet"
    actions = (
        Action(
            "done",
            _l("Перезвонили"),
            "callback.edit",
            icon="check",
            perform=done,
            preview=_moved(CallbackState.DONE),
            when=lambda row: row.state is CallbackState.NEW,
        ),
        Action(
            "reopen",
            _l("Вернуть в новые"),
            "callback.edit",
            icon="arrow-back-up",
            perform=reopen,
            preview=_moved(CallbackState.NEW),
            when=lambda row: row.state is CallbackState.DONE,
        ),
    )
    row_links = (RowLink(_l("Звонок"), "phone-outgoing", lambda row: f"/cabinet/{call_of(row)}"),)


class SupportCallback(CallbackList):
    columns = (
        *CallbackList.columns[:2],
        Column("customer", _l("Клиент"), words.customer_link),
        Column(
            "campaign",
            _l("Рассылка"),
            lambda row: link(f"/admin/campaigns/details/?id={row.campaign_id}", row.campaign.name),
        ),
        *CallbackList.columns[3:],
    )
    filters = (*CallbackList.filters, FilterField("customer", _l("Клиент"), lookup=CUSTOMERS))
    row_links = (RowLink(_l("Звонок"), "phone-outgoing", lambda row: f"/admin/{call_of(row)}"),)


def support_views() -> list[ListView]:
    return [SupportCallback()]


def cabinet_views() -> list[ListView]:
    return [CabinetCallback()]
