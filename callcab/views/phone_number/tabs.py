"""What the page of one number shows: who holds it, its leases, rentals, answer rate and history, for either side."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy import orm

from callcab.lib import clock, svg
from callcab.models import (
    Campaign,
    Customer,
    NumberEvent,
    NumberHealth,
    NumberKind,
    NumberLease,
    NumberRental,
    NumberState,
    PhoneNumber,
    Verification,
)
from callcab.services.phone_number import health, rental, stuck
from callcab.services.phone_number.lease import is_resting
from callcab.views.home_charts import WIDTH, Chart, picture
from callcab.web import telephony_words as words
from callcab.web.access import may
from callcab.web.formatters import day, link, moment, money, number, status
from callcab.web.language import gettext as _
from callcab.web.language import lazy_gettext as _l
from callcab.web.listing import Column, table

SHOWN = 100
HEALTH = {
    NumberHealth.UNKNOWN: (_l("мало звонков, судить рано"), ""),
    NumberHealth.GOOD: (_l("как обычно"), "good"),
    NumberHealth.FALLING: (_l("резко упал"), "bad"),
}
EVENTS = {
    "created": _l("Добавлен"),
    "verification": _l("Заказан звонок"),
    "verified": _l("Подтверждён"),
    "not_verified": _l("Не подтверждён"),
    "lost": _l("Подтверждён другим клиентом"),
    "proof_expired": _l("Срок подтверждения истёк"),
    "taken": _l("Занят рассылкой"),
    "released": _l("Освобождён"),
    "rented": _l("Сдан в аренду"),
    "prolonging": _l("Изменено продление аренды"),
    "rental_ended": _l("Аренда закончилась"),
    "label": _l("Изменена маркировка"),
    "rest": _l("Отдыхает"),
    "rest_over": _l("Снова в работе"),
    "blocked": _l("Заблокирован"),
    "unblocked": _l("Разблокирован"),
    "kind": _l("Изменён тип"),
    "undone": _l("Отмена действия"),
}


def days_text(days: int) -> str:
    return str(ngettext("%(num)s день", "%(num)s дней", days))


@dataclass(frozen=True)
class Face:
    """A side of the product: where links lead, and whether customers are named."""

    base: str
    names_customers: bool

    def campaign(self, campaign_id: int, name: str) -> Markup:
        return link(f"{self.base}/campaigns/details/?id={campaign_id}", name)

    def customer(self, customer: Customer | None) -> Any:
        if customer is None or not self.names_customers:
            return None
        return link(f"/admin/clients/details/?id={customer.id}", customer.name)


SUPPORT, CABINET = Face("/admin", True), Face("/cabinet", False)


# Overview


def holder_facts(face: Face, row: PhoneNumber, customer_id: int | None) -> list[tuple[Any, Any]]:
    """Who has the number, since when, until when and what for. ``customer_id``: who asks, empty for support."""
    held = row.open_lease
    if held is not None and customer_id not in (None, held.customer_id):
        held = None
    facts: list[tuple[Any, Any]] = []
    if held is not None:
        whose = [face.campaign(held.campaign_id, held.campaign.name)]
        if face.names_customers:
            whose.append(face.customer(held.campaign.customer))
        facts.append((_("Занят рассылкой"), Markup(", ").join(whose)))
        facts.append((_("Занят с"), moment(held.taken_at)))
    if row.rented_until is not None:
        facts.append((_("Аренда до"), moment(row.rented_until)))
        facts.append((_("После окончания"), prolonging_text(row.prolong_days)))
    if is_resting(row):
        facts.append((_("Отдыхает до"), moment(row.rests_until)))
    if row.kind is NumberKind.PERSONAL and row.proved_until is not None:
        facts.append((_("Подтверждён до"), moment(row.proved_until)))
    if row.customer is not None:
        facts.append((_("Маркировка"), words.label_text(row) or words.label_text(row.customer)))
    return facts


def prolonging_text(days: int | None) -> str:
    if days is None:
        return _("номер вернётся в общие")
    return _("продлится сам: %(days)s", days=days_text(days))


def stuck_text(session: Any, row: PhoneNumber) -> Any:
    """Why a busy number is stuck, for support; nothing when it is not."""
    if row.state is not NumberState.BUSY:
        return None
    why = stuck.why(session, row)
    return status(words.STUCK[why.value], "bad") if why else None


def health_text(row: PhoneNumber) -> Any:
    text, tone = HEALTH[row.health]
    return status(text, tone)


# Leases and rentals


def leases(face: Face) -> Callable[[Any, PhoneNumber], Mapping[str, Any]]:
    """The tab «Занятость»: which campaigns held the number; a customer sees his own."""
    columns = [
        Column("campaign", _l("Рассылка"), lambda row: face.campaign(row.campaign_id, row.campaign.name), kind="main"),
        Column("taken_at", _l("Занят"), lambda row: moment(row.taken_at), kind="time"),
        Column("released_at", _l("Освобождён"), lambda row: moment(row.released_at), kind="time"),
    ]
    if face.names_customers:
        columns.insert(1, Column("customer", _l("Клиент"), lambda row: face.customer(row.campaign.customer)))

    def load(session: Any, row: PhoneNumber) -> dict[str, Any]:
        chosen = sa.select(NumberLease).where(NumberLease.number_id == row.id).order_by(NumberLease.id.desc())
        options = orm.joinedload(NumberLease.campaign).joinedload(Campaign.customer)
        found = session.scalars(chosen.limit(SHOWN).options(options)).all()
        return {"content": table(columns, found, empty=_("Рассылки этот номер не занимали"))}

    return load


def rentals(face: Face) -> Callable[[Any, PhoneNumber], Mapping[str, Any]]:
    """The tab «Аренда»: periods and what was charged for each."""
    columns = [
        Column("from", _l("С"), lambda row: moment(row.period.lower), kind="main time"),
        Column("until", _l("До"), lambda row: moment(row.period.upper), kind="time"),
        Column("price", _l("Списано"), lambda row: money(row.price), kind="money"),
        Column("state", _l("Статус"), rental_status),
    ]
    if face.names_customers:
        columns.insert(2, Column("customer", _l("Клиент"), lambda row: face.customer(row.customer)))

    def load(session: Any, row: PhoneNumber) -> dict[str, Any]:
        chosen = sa.select(NumberRental).where(NumberRental.number_id == row.id).order_by(NumberRental.id.desc())
        found = session.scalars(chosen.limit(SHOWN).options(orm.joinedload(NumberRental.customer))).all()
        content = table(columns, found, empty=_("Номер в аренду не сдавали"))
        choices = prolong_choices(row) if row.rented_until and may("number.rent") else ()
        return {"content": content, "prolong_choices": choices}

    return load


def prolong_choices(row: PhoneNumber) -> list[tuple[int, str]]:
    """What the rental may go on by, with the price of the next period by today's tariff."""
    if row.customer is None:
        return []
    offers = rental.offers(row, row.customer.tariff)
    return [
        (offer.days, _("продлевать на %(days)s за %(price)s", days=days_text(offer.days), price=money(offer.price)))
        for offer in offers
    ]


def rental_status(row: NumberRental) -> Any:
    if row.ended_at is not None or (row.period.upper and row.period.upper <= clock.now()):
        return status(_("Закончилась"))
    return status(_("Идёт"), "good") if row.period.lower <= clock.now() else status(_("Оплачена вперёд"), "info")


# Answer rate


def load_health(session: Any, row: PhoneNumber) -> dict[str, Any]:
    """The tab «Дозвон»: how the number is answered, against its own usual share."""
    data = row.health_data or {}
    facts = [
        (_("Дозвон"), health_text(row)),
        (_("За сутки"), _share_text(data.get("day"))),
        (_("За 7 дней"), _share_text(data.get("week"))),
        (_("Обычно (медиана за месяц)"), f"{data['usual']} %" if data.get("usual") is not None else None),
        (_("Проверено"), moment(row.health_at)),
    ]
    points = data.get("points") or []
    return {"health_facts": facts, "chart": _health_chart(points), "falling": row.health is NumberHealth.FALLING}


def _share_text(counted: Any) -> str | None:
    if not counted or not counted[0]:
        return None
    calls, answered = counted
    return _(
        "%(share)s %% (ответили %(answered)s из %(calls)s)",
        share=health.share(calls, answered),
        answered=number(answered),
        calls=number(calls),
    )


def _health_chart(points: list[list[Any]]) -> Chart:
    """Answered calls of a hundred, per day (UTC)."""
    title = _("Ответили, % по дням")
    days = [(day(at), calls, answered, share) for at, calls, answered, share in _shares(points)]
    data = [(shown[:5], share) for shown, _calls, _answered, share in days]
    rows = [(shown, number(calls), number(answered), f"{share} %") for shown, calls, answered, share in days]
    summary = _("Дней со звонками: %(days)s", days=number(len(rows)))
    return Chart(
        title=title,
        summary=summary,
        drawing=picture(
            svg.bars(data, label=f"{title}. {summary}", width=WIDTH, value_format=lambda value: f"{value} %")
        ),
        heads=(_("День"), _("Звонков"), _("Ответили"), _("Доля")),
        rows=rows,
        empty=not rows,
    )


def _shares(points: list[list[Any]]) -> list[tuple[date, int, int, int]]:
    """Days with calls: the day, calls, answered ones, and how many of a hundred that is."""
    counted = [(at, calls, answered, health.share(calls, answered)) for at, calls, answered in points]
    return [
        (date.fromisoformat(at), calls, answered, share) for at, calls, answered, share in counted if share is not None
    ]


# History


def load_attempts(session: Any, row: PhoneNumber) -> dict[str, Any]:
    statement = sa.select(Verification).where(Verification.phone == row.phone).order_by(Verification.id.desc())
    return {"attempts": session.scalars(statement.limit(SHOWN)).all(), "words": words}


def history(face: Face) -> Callable[[Any, PhoneNumber], Mapping[str, Any]]:
    """The tab «Журнал»: who held the number, when and what for; a customer sees what happened while it was his."""

    def load(session: Any, row: PhoneNumber) -> dict[str, Any]:
        statement = sa.select(NumberEvent).where(NumberEvent.number_id == row.id).order_by(NumberEvent.id.desc())
        found = session.scalars(statement.limit(2 * SHOWN)).all()
        ids = {item.data.get("campaign_id") for item in found}
        campaigns = dict(session.execute(sa.select(Campaign.id, Campaign.name).where(Campaign.id.in_(ids))).all())
        people = {item.customer_id for item in found if face.names_customers}
        customers = {item.id: item for item in session.scalars(sa.select(Customer).where(Customer.id.in_(people)))}
        return {"events": [_event(face, item, campaigns, customers) for item in found]}

    return load


def _event(face: Face, item: NumberEvent, campaigns: dict[int, str], customers: dict[int, Customer]) -> dict[str, Any]:
    campaign_id = item.data.get("campaign_id")
    parts = [
        face.campaign(campaign_id, campaigns[campaign_id]) if campaign_id in campaigns else None,
        face.customer(customers.get(item.customer_id or 0)),
        _said(item.kind, item.data),
    ]
    return {
        "at": item.created_at,
        "title": EVENTS.get(item.kind, item.kind),
        "author": item.actor,
        "text": Markup(", ").join(part for part in parts if part),
    }


def _said(kind: str, data: dict[str, Any]) -> str:
    """What an event adds to its title: until when, for how much, why."""
    if data.get("outcome"):
        return str(words.OUTCOMES.get(data["outcome"], (data["outcome"], ""))[0])
    if kind == "kind":
        return " → ".join(str(words.KIND_FILTER.get(data.get(key), "")) for key in ("before", "after"))
    if kind == "prolonging":
        return prolonging_text(data.get("days"))
    parts = []
    if data.get("until"):
        parts.append(_("до %(until)s", until=moment(datetime.fromisoformat(data["until"]))))
    if data.get("price"):
        parts.append(money(Decimal(data["price"])))
    if kind == "rental_ended" and data.get("why") == "no_money":
        parts.append(_("на продление не хватило денег"))
    if data.get("reason"):
        parts.append(data["reason"])
    return ", ".join(parts)
