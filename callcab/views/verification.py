"""Verification calls, for support: what happened, again, or confirmed by hand with a reason."""

from typing import Any

import sqlalchemy as sa
from wtforms import StringField, validators

from callcab.db import CabSession
from callcab.lib.errors import NotFound
from callcab.models import CallEvent, Verification, VerificationState
from callcab.scope import Actor
from callcab.services import verification as verifications
from callcab.services.specs.verification import OUTCOMES, VERIFICATION
from callcab.views.lookups import CUSTOMERS
from callcab.web import telephony_words as words
from callcab.web import theme
from callcab.web.formatters import moment, phone, status
from callcab.web.forms import Form
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import NUMBER_HINT, Action, Column, Empty, FilterField, ListView, Tab

STATES = {
    VerificationState.QUEUED: _l("В очереди"),
    VerificationState.DIALLING: _l("Набираем"),
    VerificationState.RINGING: _l("Звоним"),
    VerificationState.ANSWERED: _l("Ответил"),
}


class ConfirmForm(Form):
    reason = StringField(
        _l("Причина"),
        [validators.InputRequired()],
        description=_l("Чем подтверждено, что номер принадлежит клиенту."),
        render_kw={"maxlength": 300},
    )


def result(row: Verification) -> Any:
    """The outcome, or how far the call is."""
    if row.state in STATES:
        return status(STATES[row.state], "info", live=True)
    return words.outcome_status(row.outcome)


def retry(session: CabSession, rows: list[Verification], params: dict[str, Any], actor: Actor) -> str:
    """Ring again for ticked attempts, within the limits of everybody (AC-10)."""
    for row in rows:
        if row.number_id is None:
            raise NotFound("number.not_found")
        verifications.start(session, number_id=row.number_id, customer_id=row.customer_id, actor=actor)
    return _("Звонки заказаны.")


def confirm(session: CabSession, rows: list[Verification], params: dict[str, Any], actor: Actor) -> str:
    for row in rows:
        verifications.confirm_by_hand(session, row.id, actor=actor, reason=str(params["reason"]))
    return _("Номер подтверждён вручную.")


def load_events(session: Any, row: Verification) -> dict[str, Any]:
    """What the provider told about this call."""
    statement = sa.select(CallEvent).where(CallEvent.verification_id == row.id).order_by(CallEvent.at, CallEvent.id)
    return {"events": [event_line(item) for item in session.scalars(statement)]}


EVENTS = {
    "placed": _l("Звонок поставлен"),
    "ringing": _l("Телефон звонит"),
    "answered": _l("Ответ"),
    "digit": _l("Нажата цифра"),
    "hangup": _l("Конец звонка"),
}


def event_line(item: CallEvent) -> dict[str, Any]:
    """A provider's event for the timeline."""
    text = str(item.data.get("digit", ""))
    if item.kind == "hangup":
        cause = str(item.data.get("cause", ""))
        text = str(_("разговор окончен") if cause == "completed" else words.OUTCOMES.get(cause, (cause, ""))[0])
    return {"at": item.at, "title": EVENTS.get(item.kind, item.kind), "text": text}


class SupportVerification(ListView):
    spec = VERIFICATION
    search_hint = NUMBER_HINT
    slug = "verifications"
    label = _l("Проверки номеров")
    group = theme.TELEPHONY
    icon = "phone-check"
    permission = "verification.read"
    can_view_details = True
    columns = (
        Column("created_at", _l("Создана"), lambda row: moment(row.created_at), "created_at", "time"),
        Column("phone", _l("Телефон"), lambda row: phone(row.phone), kind="main phone", link=True),
        Column("customer", _l("Клиент"), words.customer_link),
        Column("attempt", _l("Попытка"), lambda row: row.attempt, kind="num"),
        Column("outcome", _l("Исход"), result),
    )
    filters = (
        FilterField(
            "result",
            _l("Результат"),
            {"open": _l("Идёт"), "verified": _l("Подтверждён"), "failed": _l("Не подтверждён")},
        ),
        FilterField("outcome", _l("Исход"), {name: words.OUTCOMES[name][0] for name in OUTCOMES}),
        FilterField("created", _l("Создана")),
        FilterField("customer", _l("Клиент"), lookup=CUSTOMERS),
    )
    actions = (
        Action(
            "retry",
            _l("Повторить"),
            "number.verify",
            icon="phone-call",
            perform=retry,
            question=_l("Позвонить ещё раз? Номеров: %(count)s."),
            bulk=False,
            when=lambda row: row.state is VerificationState.FAILED and row.number_id is not None,
        ),
        Action(
            "confirm",
            _l("Подтвердить вручную"),
            "verification.confirm",
            icon="user-check",
            perform=confirm,
            fields=ConfirmForm,
            question=_l("Подтвердить номер без звонка? Если его подтвердил другой клиент, тот его потеряет."),
            bulk=False,
            when=lambda row: row.state is not VerificationState.VERIFIED and row.number_id is not None,
        ),
    )
    tabs = (Tab("events", _l("События"), "support/numbers/log.html", load_events),)
    empty = Empty(_l("Проверок ещё не было"), icon="phone-check")

    def name_of(self, row: Any) -> str:
        return phone(row.phone)

    def facts_of(self, row: Any) -> list[tuple[Any, Any]]:
        facts = [(column.label, column.cell(row)) for column in self.columns]
        return [
            *facts,
            (_("Нажато"), row.digits),
            (_("Ответ"), moment(row.answered_at)),
            (_("Завершена"), moment(row.finished_at)),
            (_("Причина"), row.reason),
        ]


def support_views() -> list[ListView]:
    return [SupportVerification()]
