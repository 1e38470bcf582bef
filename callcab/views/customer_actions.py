"""What support does with customers, one or many: each action says first what it would do."""

from typing import Any

import sqlalchemy as sa
from flask_babel import ngettext
from wtforms import Form, StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from callcab.db import CabSession
from callcab.lib import money
from callcab.lib.errors import Invalid
from callcab.models import Customer, CustomerStatus
from callcab.scope import Actor
from callcab.services import audit, customer, forecasts, ip_rule, mail, payment, user
from callcab.views.user import send_invitation
from callcab.web.formatters import money as money_text
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import Action, Preview, fixed, outlook

STATES = {
    CustomerStatus.ACTIVE: (_l("Активен"), "good"),
    CustomerStatus.BLOCKED: (_l("Заблокирован"), "bad"),
}


class BlockForm(Form):
    reason = StringField(_l("Причина (её увидит клиент)"), [DataRequired(_l("Укажите причину.")), Length(max=200)])


class CreditForm(Form):
    amount = StringField(_l("Сумма, ₽"), [DataRequired(_l("Укажите сумму."))], render_kw={"inputmode": "decimal"})
    reason = StringField(_l("Причина (её увидит клиент)"), [DataRequired(_l("Укажите причину.")), Length(max=200)])


STATUS_WORDS: dict[str, Any] = {
    "field": _l("Статус"),
    "values": {key.value: text for key, (text, _tone) in STATES.items()},
}


class LetterForm(Form):
    subject = StringField(_l("Тема"), [DataRequired(_l("Введите тему.")), Length(max=200)])
    text = TextAreaField(_l("Текст"), [DataRequired(_l("Введите текст.")), Length(max=10_000)], render_kw={"rows": 8})


def block(session: CabSession, rows: list[Customer], params: dict[str, Any], actor: Actor) -> str:
    for row in sorted(rows, key=lambda item: item.id):
        customer.block(session, row.id, reason=params["reason"], actor=actor)
    return ngettext("Заблокирован %(num)s клиент.", "Заблокировано клиентов: %(num)s.", len(rows))


def unblock(session: CabSession, rows: list[Customer], params: dict[str, Any], actor: Actor) -> str:
    for row in sorted(rows, key=lambda item: item.id):
        customer.unblock(session, row.id, actor=actor)
    return ngettext("Разблокирован %(num)s клиент.", "Разблокировано клиентов: %(num)s.", len(rows))


def credit(session: CabSession, rows: list[Customer], params: dict[str, Any], actor: Actor) -> str:
    try:
        amount = money.parse_amount(params["amount"])
    except money.AmountError as error:
        raise Invalid(f"amount.{error.reason}", field="amount") from None
    for row in sorted(rows, key=lambda item: item.id):
        payment.correct(session, customer_id=row.id, amount=amount, reason=params["reason"], actor=actor)
    return _("Начислено %(amount)s.", amount=money_text(amount))


def preview_credit(session: CabSession, rows: Any, params: dict[str, Any] | None) -> Preview | None:
    """What all of them get together. Of a single one the field says it already, so nothing is asked twice."""
    count, balance = session.execute(
        rows.with_only_columns(sa.func.count(Customer.id), sa.func.sum(Customer.balance)).order_by(None)
    ).one()
    if count == 1:
        return Preview([(_("Сейчас на счёте"), money_text(balance))], seal="one")
    try:
        amount = None if params is None else money.parse_amount(params["amount"])
    except money.AmountError:
        amount = None
    rules = None if amount is None else forecasts.credit(amount)
    return outlook(lambda *asked: rules, sums={"money": _l("Всего начислится")})(session, rows, params)


def write(session: CabSession, rows: list[Customer], params: dict[str, Any], actor: Actor) -> str:
    for row in rows:
        mail.send(
            session,
            kind="support",
            recipient=row.email,
            subject=params["subject"],
            text=params["text"],
            customer_id=row.id,
        )
        audit.record(
            session,
            "customer.mail",
            actor=actor,
            customer_id=row.id,
            object_type="customer",
            object_id=row.id,
            after={"subject": params["subject"]},
        )
    return ngettext("Письмо поставлено в очередь.", "Писем в очереди: %(num)s.", len(rows))


def open_door(session: CabSession, rows: list[Customer], params: dict[str, Any], actor: Actor) -> str:
    for row in rows:
        ip_rule.open_door(session, customer_id=row.id, actor=actor)
    return _("Вход с любого адреса открыт на 60 минут.")


def invite_owner(session: CabSession, rows: Any, params: dict[str, Any], actor: Actor) -> str:
    """Send the owner of a cabinet his first invitation (a customer from a file has none), or another one."""
    for row in rows:
        found = customer.owner(session, row.id)
        send_invitation(session, user.invite_again(session, customer_id=row.id, user_id=found.id, actor=actor))
    return _("Приглашение отправлено.")


ACTIONS = (
    Action(
        "invite",
        _l("Пригласить владельца"),
        "customer.create",
        icon="user-plus",
        perform=invite_owner,
        bulk=False,
    ),
    Action(
        "letter",
        _l("Написать"),
        "customer.mail",
        icon="mail",
        perform=write,
        preview=fixed(forecasts.everything),
        final=True,
        question=_l("Письмо клиентам: %(count)s."),
        fields=LetterForm,
    ),
    Action(
        "credit",
        _l("Начислить"),
        "customer.credit",
        icon="coin",
        perform=credit,
        preview=preview_credit,
        question=_l("Начислить клиентам: %(count)s. Отрицательная сумма списывает."),
        fields=CreditForm,
    ),
    Action(
        "door",
        _l("Открыть вход на 60 минут"),
        "ip.open",
        icon="lock-open",
        perform=open_door,
        bulk=False,
        question=_l("Пустить клиента с любого адреса на 60 минут?"),
    ),
    Action(
        "unblock",
        _l("Разблокировать"),
        "customer.block",
        icon="lock-open",
        perform=unblock,
        preview=fixed(forecasts.unblock_customers, **STATUS_WORDS),
        when=lambda row: row.status is CustomerStatus.BLOCKED,
    ),
    Action(
        "block",
        _l("Заблокировать"),
        "customer.block",
        icon="lock",
        perform=block,
        preview=fixed(
            forecasts.block_customers, warning=_l("Их рассылки остановятся вместе с кабинетом."), **STATUS_WORDS
        ),
        question=_l("Заблокировать клиентов: %(count)s? Кабинет, API и звонки остановятся сразу."),
        fields=BlockForm,
        danger=True,
        when=lambda row: row.status is CustomerStatus.ACTIVE,
    ),
)
