"""«Письма»: what was sent to whom and whether it arrived, for support. Their text is never shown here."""

from typing import Any

from flask_babel import ngettext

from callcab.db import CabSession
from callcab.models import MailMessage, MailState
from callcab.scope import Actor
from callcab.services import forecasts, mail
from callcab.services.specs.mail import MAIL
from callcab.views.lookups import CUSTOMERS
from callcab.web import theme
from callcab.web.formatters import DASH, link, moment, number, status
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import Action, Column, Empty, FilterField, ListView, fixed

STATES = {
    MailState.QUEUED: (_l("В очереди"), "info"),
    MailState.SENT: (_l("Отправлено"), "good"),
    MailState.FAILED: (_l("Не доставлено"), "bad"),
}


def customer_cell(row: MailMessage) -> Any:
    if row.customer is None:
        return DASH
    return link(f"/admin/clients/details/?id={row.customer_id}", row.customer.name)


def state_cell(row: MailMessage) -> Any:
    text, tone = STATES[row.state]
    return status(text, tone)


def send_again(session: CabSession, rows: list[MailMessage], params: dict[str, Any], actor: Actor) -> str:
    for row in sorted(rows, key=lambda item: item.id):
        mail.retry(session, row.id, actor=actor)
    return ngettext("Письмо снова в очереди.", "Писем снова в очереди: %(num)s.", len(rows))


class SupportMail(ListView):
    spec = MAIL
    slug = "mail"
    label = _l("Письма")
    group = theme.SYSTEM
    icon = "mail"
    permission = "mail.read"
    search_label = _l("Адрес или тема")
    can_view_details = True
    columns = (
        Column("created_at", _l("Создано"), lambda row: moment(row.created_at), sort="created_at", kind="time"),
        Column("recipient", _l("Кому"), lambda row: row.recipient, kind="main", link=True),
        Column("subject", _l("Тема"), lambda row: row.subject),
        Column("customer", _l("Клиент"), customer_cell),
        Column("state", _l("Состояние"), state_cell),
        Column("sent_at", _l("Отправлено"), lambda row: moment(row.sent_at), kind="time"),
        Column("attempts", _l("Попыток"), lambda row: number(row.attempts), kind="num"),
        Column("error", _l("Ошибка"), lambda row: row.error),
    )
    filters = (
        FilterField("state", _l("Состояние"), {key.value: text for key, (text, _tone) in STATES.items()}),
        FilterField("created", _l("Создано")),
        FilterField("customer", _l("Клиент"), lookup=CUSTOMERS),
    )
    actions = (
        Action(
            "retry",
            _l("Отправить снова"),
            "mail.retry",
            icon="refresh",
            perform=send_again,
            preview=fixed(
                forecasts.retry_letters,
                field=_l("Состояние"),
                values={key.value: text for key, (text, _tone) in STATES.items()},
            ),
            when=lambda row: row.state is MailState.FAILED and not row.secret,
        ),
    )
    empty = Empty(_l("Писем ещё не было"), _l("Здесь появятся письма клиентам и сотрудникам."), "mail")

    def name_of(self, row: MailMessage) -> str:
        return f"{row.recipient}, {moment(row.created_at)}"


def support_views() -> list[ListView]:
    return [SupportMail()]
