"""What support does with numbers, one or many: each action says first whom it touches and what it costs."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from wtforms import DateField, IntegerField, SelectField, StringField, validators

from callcab.db import CabSession
from callcab.models import Customer, NumberKind, NumberState, PhoneNumber
from callcab.scope import Actor
from callcab.services import label, phone_number
from callcab.services.phone_number import forecasts
from callcab.services.phone_number import quote as quotes
from callcab.services.phone_number.lease import is_resting
from callcab.services.phone_number.rental import end_of_day
from callcab.services.phone_number.resting import LONGEST as LONGEST_REST
from callcab.web.database import db
from callcab.web.formatters import moment, money, number, phone
from callcab.web.forms import Form
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import Action, Preview, fixed, outlook
from callcab.web.telephony_words import STATE_FILTER

# Numbers whose price is shown one by one.
LISTED = 20
# Why a number of the selection will not be rented out; the sentences of errors speak to customers.
REFUSALS = {
    "number.not_shared": _l("не общий"),
    "number.blocked": _l("заблокирован"),
    "number.rented": _l("в аренде у другого клиента"),
    "number.busy": _l("занят рассылкой другого клиента"),
    "customer.blocked": _l("клиент заблокирован"),
    "rental.until": _l("дата в прошлом или дальше года"),
}
POOL_KINDS = [("shared", _l("Общий")), ("duty", _l("Дежурный"))]


class CustomerField(StringField):
    """A customer by his number or a part of his name that fits nobody else; ``data`` becomes the id."""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.typed = (valuelist[0] if valuelist else "").replace("\x00", "").strip()
        self.data = None
        if not self.typed:
            return
        named = Customer.name.icontains(self.typed, autoescape=True)
        if self.typed.isascii() and self.typed.isdigit() and len(self.typed) < 19:
            named = sa.or_(named, Customer.id == int(self.typed), Customer.inn == self.typed)
        found = db.session.execute(sa.select(Customer.id, Customer.name).where(named).order_by(Customer.id).limit(4))
        rows = found.all()
        exact = [row for row in rows if self.typed in (str(row.id), row.name)]
        if len(exact) == 1 or len(rows) == 1:
            self.data = (exact or rows)[0].id
        elif rows:
            names = ", ".join(f"{row.name} (№ {row.id})" for row in rows[:3])
            raise ValueError(_("Подходят несколько клиентов: %(names)s. Введите номер нужного.", names=names))
        else:
            raise ValueError(_("Такого клиента нет."))

    def _value(self) -> str:
        return getattr(self, "typed", None) or str(self.data or "")


class ReasonForm(Form):
    reason = StringField(_l("Причина"), [validators.InputRequired()], render_kw={"maxlength": 300})


class KindForm(Form):
    kind = SelectField(_l("Тип"), choices=POOL_KINDS)


class LabelForm(Form):
    label_name = StringField(
        _l("Кто звонит"),
        description=_l("Название или «ИП Фамилия И. О.». Пусто во всех трёх полях — как у клиента."),
        render_kw={"maxlength": label.LIMITS["label_name"]},
    )
    label_category = StringField(
        _l("Категория"),
        description=_l("Как в договоре с оператором, например «Доставка»."),
        render_kw={"maxlength": label.LIMITS["label_category"]},
    )
    label_text = StringField(
        _l("Текст на экране"),
        description=_l("До 32 знаков; его покажет телефон абонента, если линия передаёт имя."),
        render_kw={"maxlength": label.LIMITS["label_text"]},
    )


def set_label(session: CabSession, rows: list[PhoneNumber], params: dict[str, Any], actor: Actor) -> str:
    for row in rows:
        phone_number.set_label(session, row.id, values=params, actor=actor)
    return _("Маркировка сохранена.")


class RentForm(Form):
    customer_id = CustomerField(
        _l("Клиент"),
        [validators.InputRequired()],
        description=_l("Название, ИНН или номер клиента."),
        render_kw={"maxlength": 100, "autocomplete": "off"},
    )
    until = DateField(_l("До (включительно)"), [validators.InputRequired()])


class RestForm(Form):
    days = IntegerField(
        _l("Сколько дней"), [validators.InputRequired(), validators.NumberRange(1, LONGEST_REST.days)], default=3
    )
    reason = StringField(_l("Причина"), render_kw={"maxlength": 300})


# What would happen


def _state(rules: Any, warning: Any = "") -> Any:
    """A preview of actions after which the number is in another state."""
    words = {"field": _l("Статус"), "values": STATE_FILTER, "sums": {"rented": _l("Из них в аренде")}}
    return fixed(rules, warning=warning, **words)


def preview_rent(session: Any, rows: Any, params: dict[str, Any] | None) -> Preview | None:
    """The price of each number and of all, once customer and date are given."""
    if params is None:
        return None
    customer = session.get(Customer, params["customer_id"])
    if customer is None:
        return None
    day = date.fromisoformat(params["until"])
    until = end_of_day(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(customer.zone)))
    found = quotes.quote(session, rows, customer=customer, until=until)
    facts: list[tuple[Any, Any]] = [(_("Клиент"), customer.name), (_("Аренда до"), moment(until))]
    facts += [(phone(line.phone), _line_text(line)) for line in found.lines[:LISTED]]
    if len(found.lines) > LISTED:
        rest = found.lines[LISTED:]
        total = sum((line.price for line in rest), Decimal("0.00"))
        facts.append((_("И ещё номеров: %(count)s", count=number(len(rest))), money(total)))
    facts.append((_("Всего спишется"), money(found.total)))
    facts.append((_("Доступно у клиента"), money(found.available)))
    return Preview(facts, f"{customer.id} {until.isoformat()} {found.rentable} {found.total}", _rent_warning(found))


def _line_text(line: quotes.Line) -> Any:
    return REFUSALS[line.refusal] if line.refusal else money(line.price)


def _rent_warning(found: quotes.Quote) -> str:
    if not found.enough:
        return _("Денег у клиента не хватит: часть номеров останется без аренды.")
    if found.refused:
        return _("Не будет сдано номеров: %(count)s.", count=number(found.refused))
    return ""


WAITING = _l("Рассылки остановятся и будут ждать другой номер.")
KIND = outlook(
    lambda rows, params, actor: forecasts.change_kind(NumberKind(params["kind"])) if params else None,
    field=_l("Тип"),
    values=dict(POOL_KINDS),
)


ACTIONS = (
    Action(
        "release",
        _l("Освободить"),
        "number.release",
        icon="lock-open",
        operation="number.release",
        fields=ReasonForm,
        preview=_state(forecasts.release, WAITING),
        question=_l("Освободить номеров: %(count)s?"),
        when=lambda row: row.state is NumberState.BUSY,
    ),
    Action(
        "release_stuck",
        _l("Освободить застрявшие"),
        "number.release",
        icon="refresh",
        operation="number.release_stuck",
        preview=_state(forecasts.release_stuck),
        question=_l("Освободить застрявших номеров: %(count)s? Номера, с которых звонят, останутся у своих рассылок."),
        row=False,
    ),
    Action(
        "rent",
        _l("Сдать в аренду"),
        "number.rent",
        icon="calendar-event",
        operation="number.rent",
        fields=RentForm,
        preview=preview_rent,
        question=_l("Сдать клиенту номеров: %(count)s? Деньги спишутся сразу за все начатые дни."),
        when=lambda row: row.kind is NumberKind.SHARED and row.state is not NumberState.BLOCKED,
    ),
    Action(
        "rest",
        _l("Дать отдохнуть"),
        "number.rest",
        icon="moon",
        operation="number.rest",
        fields=RestForm,
        preview=fixed(
            forecasts.rest,
            warning=_l("Рассылки, которые заняли номер, дозвонят с него. Новым он не достанется."),
        ),
        question=_l("Дать отдохнуть номерам: %(count)s?"),
        when=lambda row: row.kind is not NumberKind.PERSONAL and row.state is not NumberState.BLOCKED,
    ),
    Action(
        "wake",
        _l("Вернуть в работу"),
        "number.rest",
        icon="sun",
        operation="number.wake",
        preview=fixed(forecasts.wake),
        question=_l("Вернуть в работу номеров: %(count)s?"),
        when=is_resting,
    ),
    Action(
        "label",
        _l("Своя маркировка"),
        "customer.edit",
        icon="tag",
        perform=set_label,
        bulk=False,
        question=_l("Чем номер назовётся на телефоне абонента?"),
        fields=LabelForm,
        when=lambda row: row.kind is NumberKind.PERSONAL,
    ),
    Action(
        "kind",
        _l("Изменить тип"),
        "number.edit",
        icon="tag",
        operation="number.kind",
        fields=KindForm,
        preview=KIND,
        question=_l("Изменить тип номеров: %(count)s?"),
        when=lambda row: row.kind is not NumberKind.PERSONAL,
    ),
    Action(
        "block",
        _l("Заблокировать"),
        "number.block",
        icon="ban",
        operation="number.block",
        fields=ReasonForm,
        preview=_state(forecasts.block, WAITING),
        question=_l("Заблокировать номеров: %(count)s?"),
        danger=True,
        when=lambda row: row.state is not NumberState.BLOCKED,
    ),
    Action(
        "unblock",
        _l("Разблокировать"),
        "number.block",
        icon="check",
        operation="number.unblock",
        preview=_state(forecasts.unblock),
        question=_l("Разблокировать номеров: %(count)s?"),
        when=lambda row: row.state is NumberState.BLOCKED,
    ),
    Action(
        "delete",
        _l("Удалить"),
        "number.delete",
        icon="trash",
        operation="number.delete",
        preview=fixed(forecasts.delete),
        question=_l("Удалить номеров: %(count)s?"),
        danger=True,
    ),
)
